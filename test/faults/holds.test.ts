/** Ear and voice of the session are taken away for a while, as a warm transfer takes them: the caller hears music. */
import { expect, test } from 'vitest';
import { place, type Placed } from './harness.ts';
import { agent, answer, answered } from './plain.ts';

/** So many looks at a caller on hold are longer than every nudge and the end as idle together. */
const LOOKS = 12;

const captions = { captureText: async () => {}, flush() {}, onAttached() {}, onDetached() {} } as never;

const take = ({ call: { session } }: Placed, enabled: boolean) => {
  session?.input.setAudioEnabled(enabled);
  session?.output.setAudioEnabled(enabled);
};

test('O-C3 a caller on hold is not nudged and not idle; taken off it they are, like anybody', async () => {
  await using placed = await place({ agent, script: answer, policy: { idleMs: 600, nudges: 2 } });
  await answered(placed);
  take(placed, false);
  const before = placed.of('event').length;
  const moved = () =>
    placed
      .of('event')
      .slice(before)
      .filter(({ type }) => type === 'dialogue.moved').length;
  await placed.until('a long hold', () => moved() >= LOOKS);
  expect(placed.of('spoken')).toEqual([]);
  expect(placed.run.leaves()).toContain('live.conversing.dialogue.active.quiet');
  take(placed, true);
  await placed.until('a nudge', () => placed.of('spoken').some(({ line }) => line === 'nudge'));
});

test('O-C3 who reads instead of listening has all the time they want; heard again, their silence is one', async () => {
  const policy = { idleMs: 600, nudges: 0 };
  await using placed = await place({ agent, script: answer, goodbye: 'none', policy });
  await answered(placed);
  const { session } = placed.call;
  if (session) session.output.transcription = captions;
  take(placed, false);
  await new Promise((resolve) => setTimeout(resolve, policy.idleMs * 4));
  expect(placed.run.leaves()).toContain('live.conversing.dialogue.active.quiet');
  take(placed, true);
  await placed.endedWell({ reason: 'idle', by: 'limit', fault: 'caller', goodbye: null });
});
