/** O-D: what callers do who are well and in no hurry. */
import { voice } from '@livekit/agents';
import { healthy } from './harness/call.ts';
import { quickly } from './harness/wits.ts';

const ASKED = 'What time is it?';
const ANSWER = 'It is nine in the morning.';
const script = (asked: string) => quickly(asked === ASKED ? ANSWER : 'Take your time.');
const poem = Array.from({ length: 22 }, (_, index) => `Line ${index + 1} of the poem.`).join(' ');

healthy(
  'O-D2 a caller who fetches a document gets a minute: 22 s of silence, and nobody asks whether they are there',
  { script },
  async ({ caller, call }) => {
    await caller.says('Wait, I fetch the letter.');
    call?.giveTime(60_000);
    await caller.listensTo('Take your time');
    await caller.pauses(22_000);
    await caller.says(ASKED);
    await caller.listensTo(ANSWER);
  },
);
healthy(
  'O-D3 a caller who listens to half a minute of reading is not idle, and it is their turn after it',
  { script: (asked) => quickly(asked === ASKED ? ANSWER : poem) },
  async ({ caller }) => {
    await caller.says('Read me a poem.');
    await caller.listensTo('Line 1 of');
    await caller.pauses(6000);
    await caller.says(ASKED);
    await caller.listensTo(ANSWER);
  },
);
class Guides extends voice.Agent {
  constructor() {
    super({ instructions: 'Guide a meditation.' });
  }
}
healthy(
  'O-D3 a meditation: a sentence each ten seconds, the caller breathes',
  { agent: () => new Guides(), definition: { greeting: { say: 'Close your eyes.' } } },
  async ({ caller, session }) => {
    await caller.listensTo('Close your eyes');
    for (const sentence of ['Breathe in.', 'Breathe out.', 'Feel your feet.']) {
      await caller.pauses(10_000);
      session.say(sentence);
      await caller.listensTo(sentence);
    }
    await caller.pauses(8000);
  },
);
for (const pace of ['typical', 'slow'] as const) {
  healthy(
    'a caller who thinks in the middle of their sentences, asks again at once, and says thank you into the answer',
    {
      pace,
      script: (asked) => ({ say: asked.includes('ten') ? 'At ten we are open.' : ANSWER }),
      options: () => ({ aecWarmupDuration: null }),
      asked: { transcript: 'other', fillers: { least: 0, most: 6 } },
    },
    async ({ caller }) => {
      await caller.says('I would like to know');
      await caller.pauses(300);
      await caller.says('what time it is.');
      await caller.listensTo(ANSWER);
      await caller.says('And are you open');
      await caller.pauses(200);
      await caller.says('at ten?');
      await caller.hears('At ten');
      await caller.pauses(900);
      await caller.says('Thank you very much.');
      await caller.pauses(9000);
    },
  );
}
