/** The plainest call there is, on each kind of pipeline. */
import { healthy } from './harness/call.ts';
import { alone, PacedDuplex, PacedRealtime } from './harness/speech-models.ts';
import { PacedTts } from './harness/voice.ts';
import { quickly } from './harness/wits.ts';

const ask = 'What time is it?';
const script = () => quickly('It is nine in the morning.');

healthy('a question and its answer', { script }, async ({ caller }) => {
  await caller.says(ask);
  await caller.listensTo('It is nine');
});
healthy(
  'a question and its answer: recognition and voice that do not stream',
  { script, ears: { streaming: false }, voice: ({ pace }) => new PacedTts(pace, { streaming: false }) },
  async ({ caller }) => {
    await caller.says(ask);
    await caller.listensTo('It is nine');
  },
);
healthy(
  'a question and its answer: a realtime model',
  {
    script,
    options: ({ mouth, pace, script: said }) => alone(new PacedRealtime(mouth, pace, said)),
  },
  async ({ caller }) => {
    await caller.says(ask);
    await caller.listensTo('It is nine');
  },
);
healthy(
  'a question and its answer: a duplex model',
  {
    script,
    options: ({ mouth, pace, script: said }) => alone(new PacedDuplex(mouth, pace, said)),
  },
  async ({ caller }) => {
    await caller.says(ask);
    await caller.listensTo('It is nine');
  },
);
