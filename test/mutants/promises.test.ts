/**
 * The exploration of test/machine/exploration.test.ts as `npm run mutants` can afford it: it ends at the first promise that
 * is broken.
 */
import { expect, test } from 'vitest';
import { everyNode } from '../../machines/analysis/chart.ts';
import { recoveryMachine, sessionMachine, supervisionMachine } from '../../machines/index.ts';
import { explore, together } from '../machine/explore.ts';
import { recoveryModel } from '../machine/recovery-model.ts';
import { sessionWalks } from '../machine/session-model.ts';
import { supervisionModel } from '../machine/supervision-model.ts';

test.each([
  { machine: recoveryMachine, explored: () => explore(recoveryMachine, recoveryModel, true) },
  { machine: supervisionMachine, explored: () => explore(supervisionMachine, supervisionModel, true) },
  {
    machine: sessionMachine,
    explored: () => together(sessionWalks.map((model) => explore(sessionMachine, model, true))),
  },
])('$machine.id keeps every promise, and each of its states and transitions is seen', ({ machine, explored }) => {
  const { violations, states, marks, taken } = explored();
  expect(Object.fromEntries(violations)).toEqual({});
  const all = everyNode(machine.root).slice(1);
  // `choosing` is left in the instant it is entered.
  const unseen = all.map(({ id }) => id).filter((state) => !states.has(state) && !state.endsWith('.choosing'));
  expect(unseen).toEqual([]);
  expect([...marks].filter((mark) => !taken.has(mark))).toEqual([]);
});
