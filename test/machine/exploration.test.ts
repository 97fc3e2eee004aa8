/** J1 to J3 and R1, in every state that can be reached and for everything that can happen there. */
import { describe, expect, test } from 'vitest';
import { everyNode } from '../../machines/analysis/chart.ts';
import { recoveryMachine, sessionMachine, supervisionMachine } from '../../machines/index.ts';
import { explore, together } from './explore.ts';
import { recoveryModel } from './recovery-model.ts';
import { sessionWalks } from './session-model.ts';
import { supervisionModel } from './supervision-model.ts';

const session = together(sessionWalks.map((model) => explore(sessionMachine, model)));
const recovery = explore(recoveryMachine, recoveryModel);
const supervision = explore(supervisionMachine, supervisionModel);

describe.each([
  { name: 'session', explored: session, machine: sessionMachine },
  { name: 'recovery', explored: recovery, machine: recoveryMachine },
  { name: 'supervision', explored: supervision, machine: supervisionMachine },
])('the $name machine, explored', ({ explored, machine }) => {
  test('keeps every promise in every place', () => {
    expect(Object.fromEntries(explored.violations)).toEqual({});
  });
  test('visits every state', () => {
    const unseen = everyNode(machine.root)
      .slice(1)
      .map(({ id }) => id)
      .filter((state) => !explored.states.has(state));
    // `choosing` is left in the instant it is entered; the next test sees its two transitions taken.
    expect(unseen.filter((state) => !state.endsWith('.choosing'))).toEqual([]);
  });
  test('takes every transition', () => {
    expect([...explored.marks].filter((mark) => !explored.taken.has(mark))).toEqual([]);
  });
});
