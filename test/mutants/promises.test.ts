/**
 * The exploration of test/machine/exploration.test.ts as `npm run mutants` runs it: it ends at the first promise that
 * is broken, and looks at a few short calls before it looks at all.
 */
import { describe, expect, test } from 'vitest';
import {
  bounds,
  defaultPolicy,
  recoveryContext,
  recoveryMachine,
  sessionContext,
  sessionMachine,
  type Input,
} from '../../machines/index.ts';
import { explore, type Model } from '../machine/explore.ts';
import { recoveryModel } from '../machine/recovery-model.ts';
import { sessionModel } from '../machine/session-model.ts';

const few: Input[] = (['say', 'agent', 'wait'] as const).map((greeting) => ({
  policy: { ...defaultPolicy, nudges: 1, fillers: 1 },
  resumed: greeting === 'say',
  elapsedMs: 0,
  greeting,
  goodbye: true,
}));

const kept = (machine: typeof sessionMachine | typeof recoveryMachine, model: Model<never>) => {
  const explored = explore(machine, model, true);
  expect(Object.fromEntries(explored.violations)).toEqual({});
  return explored;
};

test('recovery keeps every promise, and each of its states and transitions is seen', () => {
  const { states, marks, taken } = kept(recoveryMachine, recoveryModel as unknown as Model<never>);
  expect([...bounds(recoveryMachine, recoveryContext(defaultPolicy)).keys()].filter((id) => !states.has(id))).toEqual(
    [],
  );
  expect([...marks].filter((mark) => !taken.has(mark))).toEqual([]);
});
describe('a session', () => {
  test('keeps every promise in a few calls', () => {
    kept(sessionMachine, { ...sessionModel, inputs: few } as unknown as Model<never>);
  });
  test('keeps every promise in every place, and each of its states and transitions is seen', () => {
    const { states, marks, taken } = kept(sessionMachine, sessionModel as unknown as Model<never>);
    const all = [...bounds(sessionMachine, sessionContext(defaultPolicy)).keys()];
    expect(all.filter((id) => !states.has(id) && id !== 'session.live.greeting.choosing')).toEqual([]);
    expect([...marks].filter((mark) => !taken.has(mark))).toEqual([]);
  });
});
