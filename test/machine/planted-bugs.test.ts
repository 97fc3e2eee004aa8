import { describe, expect, test } from 'vitest';
import {
  bounds,
  defaultPolicy,
  recoveryContext,
  recoveryMachine,
  releases,
  sessionContext,
  sessionMachine,
  silences,
  starts,
  supervisionMachine,
  type Machines,
} from '../../machines/index.ts';
import { attack } from './adversary.ts';
import { explore, type Model } from './explore.ts';
import { mutated } from './mutate.ts';
import { bugs } from './seeded.ts';
import { type SessionFacts, sessionWalks } from './session-model.ts';

/** What the walks alone say: the number that grew, or the refusal; empty when they see nothing. */
function walked(machines: Machines): string {
  try {
    bounds(machines.session, sessionContext(defaultPolicy));
    bounds(machines.recovery, recoveryContext(defaultPolicy));
    return Object.entries({ silences, starts, releases })
      .flatMap(([name, walks]) => {
        const [planted, original] = [walks(defaultPolicy, machines), walks(defaultPolicy)];
        return (['session', 'recovery'] as const)
          .filter((where) => planted[where].ms > original[where].ms)
          .map((where) => `${name} in ${where}: ${planted[where].ms}`);
      })
      .join(', ');
  } catch (error) {
    return (error as Error).message;
  }
}

test('at least 32 bugs are planted, each under a name of its own', () => {
  expect(bugs.length).toBeGreaterThanOrEqual(32);
  expect(new Set(bugs.map(({ what }) => what)).size).toBe(bugs.length);
});

describe('a planted bug is caught', () => {
  test.each(bugs)('$what: $caughtBy', async ({ caughtBy, session, recovery }) => {
    const machines = {
      session: session ? mutated(sessionMachine, session) : sessionMachine,
      recovery: recovery ? mutated(recoveryMachine, recovery) : recoveryMachine,
      supervision: supervisionMachine,
    };
    if (caughtBy === 'the walk') return expect(walked(machines)).not.toBe('');
    if (caughtBy.startsWith('the exploration: ')) {
      const promise = caughtBy.slice('the exploration: '.length);
      const { violations } = explore(machines.session, sessionWalks[0] as Model<SessionFacts>, promise);
      return expect([...violations.keys()]).toContain(promise);
    }
    const { broken, runs } = await attack(machines, { seed: 2, runs: 6_000, until: caughtBy });
    expect([...broken.keys()], `after ${runs} runs`).toContain(caughtBy);
  });
});
