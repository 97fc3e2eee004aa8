/** J1 to J3 and R1, in every state that can be reached and for everything that can happen there. */
import { describe, expect, test } from 'vitest';
import {
  bounds,
  defaultPolicy,
  recoveryContext,
  recoveryMachine,
  sessionContext,
  sessionMachine,
} from '../../machines/index.ts';
import { explore, together } from './explore.ts';
import { recoveryModel } from './recovery-model.ts';
import { sessionWalks } from './session-model.ts';

const session = together(sessionWalks.map((model) => explore(sessionMachine, model)));
const recovery = explore(recoveryMachine, recoveryModel);

describe.each([
  { name: 'session', explored: session, all: bounds(sessionMachine, sessionContext(defaultPolicy)) },
  { name: 'recovery', explored: recovery, all: bounds(recoveryMachine, recoveryContext(defaultPolicy)) },
])('the $name machine, explored', ({ explored, all }) => {
  test('keeps every promise in every place', () => {
    expect(Object.fromEntries(explored.violations)).toEqual({});
  });
  test('visits every state', () => {
    const unseen = [...all.keys()].filter((state) => !explored.states.has(state));
    // `choosing` is left in the instant it is entered; the next test sees its two transitions taken.
    expect(unseen.filter((state) => !state.endsWith('.choosing'))).toEqual([]);
  });
  test('takes every transition', () => {
    expect([...explored.marks].filter((mark) => !explored.taken.has(mark))).toEqual([]);
  });
});
