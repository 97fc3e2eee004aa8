import { expect, test } from 'vitest';
import {
  bounds,
  defaultPolicy,
  recoveryContext,
  recoveryMachine,
  sessionContext,
  sessionMachine,
} from '../../machines/index.ts';
import { attack } from './adversary.ts';

test('no random call, with late, failing and hanging effects and a dying process, breaks a promise', async () => {
  const figures = await attack({ session: sessionMachine, recovery: recoveryMachine }, { seed: 1, runs: 1_500 });

  expect(
    Object.fromEntries([...figures.broken].map(([monitor, { times, first }]) => [`${monitor} ×${times}`, first])),
  ).toEqual({});

  const known = [
    ...bounds(sessionMachine, sessionContext(defaultPolicy)).keys(),
    ...bounds(recoveryMachine, recoveryContext(defaultPolicy)).keys(),
  ];
  const unseen = known.filter((state) => !figures.states.has(state));
  // `choosing` is left in the instant it is entered.
  expect(unseen.filter((state) => !state.endsWith('.choosing'))).toEqual([]);
  // The numbers are no loose upper limits: runs come close to them.
  for (const what of ['silence, session', 'silence, recovery', 'start, session', 'release, session'])
    expect(figures.tight.get(what), what).toBeGreaterThan(0.9);
  for (const count of ['deaths', 'goodbyes', 'apologies', 'fillers', 'resumed'] as const)
    expect(figures[count], count).toBeGreaterThan(10);
});
