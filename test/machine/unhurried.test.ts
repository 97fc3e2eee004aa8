/** Latency for the adversary and for the exploration: slow is not broken. Two old clocks are planted into each. */
import { describe, expect, test } from 'vitest';
import { endOf, sessionMachine } from '../../machines/index.ts';
import { explore } from './explore.ts';
import { mutated, type Mutation } from './mutate.ts';
import { unhurried } from './unhurried.ts';
import { unhurriedModel } from './unhurried-model.ts';

const dialogue = 'live.conversing.dialogue';
/** As `test/ordinary/harness/planted.ts` has them, in the machine itself. */
const oldClocks: Record<'filled' | 'idle', Mutation> = {
  // One filler, as long again, and silence is failure.
  filled: (at) => {
    const late = { type: 'recordEnd', params: endOf('system', 'model_failed', 'provider', 'planted') };
    at(`${dialogue}.waiting.clock.filled`).after['fillerMs'] = { target: '#runtimeFailed', actions: late };
  },
  // The agent's first sound begins the caller's quiet.
  idle: (at) => {
    at(`${dialogue}.active.agentSpeaks`).after['idleMs'] = '#idle';
  },
};

const harmIn = (violations: Map<string, string>) =>
  Object.fromEntries([...violations].filter(([promise]) => promise.startsWith('a healthy call')));

describe('at human speed', () => {
  test('the adversary meets no line, no nudge and no end, however close to the limits everything is', async () => {
    const { broken, fillers, near } = await unhurried(sessionMachine, { seed: 1, runs: 600 });
    expect(Object.fromEntries(broken)).toEqual({});
    expect(fillers).toBeGreaterThan(1_000);
    expect(near.size, 'each limit from below and from above').toBe(10);
  });
  test('the exploration finds no healthy order that is harmed', () => {
    const { violations, places } = explore(sessionMachine, unhurriedModel);
    expect(harmIn(violations)).toEqual({});
    expect(places).toBeGreaterThan(80);
  });
  test.each(['filled', 'idle'] as const)('the old clock `%s` is caught by both', async (plant) => {
    const planted = mutated(sessionMachine, oldClocks[plant]);
    expect([...(await unhurried(planted, { seed: 1, runs: 500, until: true })).broken.keys()]).not.toEqual([]);
    expect(Object.keys(harmIn(explore(planted, unhurriedModel).violations))).not.toEqual([]);
  });
});
