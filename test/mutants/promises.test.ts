/**
 * The exploration of test/machine/exploration.test.ts as `npm run mutants` can afford it: it ends at the first promise
 * that is broken, and looks at calls in which less can happen. A mutant that only the whole one notices counts as survived.
 */
import { expect, test } from 'vitest';
import {
  bounds,
  defaultPolicy,
  recoveryContext,
  recoveryMachine,
  sessionContext,
  sessionMachine,
  type Input,
} from '../../machines/index.ts';
import { explore } from '../machine/explore.ts';
import { recoveryModel } from '../machine/recovery-model.ts';
import { sessionModel } from '../machine/session-model.ts';

test('recovery keeps every promise, and each of its states and transitions is seen', () => {
  const { violations, states, marks, taken } = explore(recoveryMachine, recoveryModel, true);
  expect(Object.fromEntries(violations)).toEqual({});
  const all = [...bounds(recoveryMachine, recoveryContext(defaultPolicy)).keys()];
  expect(all.filter((id) => !states.has(id))).toEqual([]);
  expect([...marks].filter((mark) => !taken.has(mark))).toEqual([]);
});

const input = (greeting: Input['greeting'], more: Partial<Input> = {}): Input => ({
  policy: { ...defaultPolicy, nudges: 1 },
  resumed: false,
  elapsedMs: 0,
  greeting,
  goodbye: true,
  ...more,
});
/** What does not happen in them, and how they begin. Together they take every transition. */
const calls: [without: RegExp, inputs: Input[]][] = [
  [/^(tool|transfer|time)/, [input('say', { resumed: true }), input('agent'), input('wait')]],
  [/^(caller.lost|hold|tool|time)/, [input('say', { goodbye: false })]],
  [/^(caller.lost|hold|transfer)/, [input('say')]],
];

test('a session keeps every promise, and each of its states and transitions is seen', () => {
  const unseen = new Set(bounds(sessionMachine, sessionContext(defaultPolicy)).keys());
  for (const state of unseen) if (state.endsWith('.choosing')) unseen.delete(state); // left in the instant it is entered
  const untaken = new Map<string, number>();
  for (const [without, inputs] of calls) {
    const events = sessionModel.events.filter(({ type }) => !without.test(type));
    const { violations, states, marks, taken } = explore(sessionMachine, { ...sessionModel, inputs, events }, true);
    expect(Object.fromEntries(violations)).toEqual({});
    for (const state of states) unseen.delete(state);
    for (const mark of marks) if (!taken.has(mark)) untaken.set(mark, (untaken.get(mark) ?? 0) + 1);
  }
  expect([...unseen]).toEqual([]);
  expect([...untaken].filter(([, times]) => times === calls.length)).toEqual([]);
});
