/** Two calls at once in one process: what belongs to a call is in the call, so neither knows of the other. */
import { expect, test } from 'vitest';
import { currentCall } from '../../src/livekit/current-call.ts';
import { endSessionTool } from '../../src/livekit/tools/end-session.ts';
import { type Placed, place } from './harness.ts';
import { gate, toolNamed, WithTools } from './plain.ts';

const ASKED = 'Who am I?';
const script = (asked: string) =>
  asked === ASKED ? { calls: ['who'] } : asked === 'End it.' ? { calls: ['end_session'] } : { say: 'That is you.' };

/** What each part of the user's code found, by name. */
const finding = () => {
  const found: Record<string, string> = {};
  const note = (what: string) => void (found[what] = currentCall().id);
  const later = gate();
  const who = async () => {
    note('tool');
    setTimeout(() => (note('timer of the tool'), later.open()), 5);
    return 'you';
  };
  return { found, note, who, later: later.opened };
};

async function called({ note, who, later }: ReturnType<typeof finding>): Promise<Placed> {
  const placed = await place({
    agent: () => {
      note('agent');
      return new WithTools([toolNamed('who', who), endSessionTool({ reason: 'by_the_model' })]);
    },
    policy: (call) => {
      note('policy');
      return call.metadata === '' ? {} : { idleMs: 30_000 };
    },
    prepare: () => note('prepare'),
    script,
  });
  placed.call.onClose('what it opened', () => note('release'));
  void later.then(() => placed.says('Thank you.'));
  return placed;
}

test('currentCall() in two calls at once: each finds its own in functions, hooks, tools and timers, and ends its own', async () => {
  const seen = [finding(), finding()] as const;
  // One after the other: who began last is found when both are over.
  await using one = await called(seen[0]);
  await using other = await called(seen[1]);
  expect(one.call.id).not.toBe(other.call.id);
  expect(() => currentCall()).toThrow(/this code belongs to none, and 2 are at work/);

  one.says(ASKED);
  other.says(ASKED);
  await Promise.all(seen.map(({ later }) => later));
  one.says('End it.');
  await one.endedWell({ reason: 'by_the_model' });
  expect(other.run.hasTag('leaving')).toBe(false);
  expect(currentCall()).toBe(other.call); // the only one that is left
  other.call.end('done');
  await other.endedWell({});
  expect(currentCall()).toBe(other.call); // what is cleaned up after the end still finds it

  for (const [{ found }, { call }] of [
    [seen[0], one],
    [seen[1], other],
  ] as const)
    expect(found).toEqual(
      Object.fromEntries(
        ['policy', 'agent', 'prepare', 'tool', 'timer of the tool', 'release'].map((what) => [what, call.id]),
      ),
    );
});
