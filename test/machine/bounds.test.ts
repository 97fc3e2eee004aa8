/** B1 to B4: the four numbers, and what the walks refuse. */
import { describe, expect, test } from 'vitest';
import {
  bound,
  boundOf,
  bounds,
  defaultPolicy,
  detections,
  recoveryContext,
  recoveryMachine,
  releaseBound,
  releases,
  sessionContext,
  sessionMachine,
  silenceBound,
  silences,
  startBound,
  starts,
  UnboundedMachineError,
  type Policy,
} from '../../machines/index.ts';
import { effect, stepsOf, type Effects } from '../../machines/effects.ts';
import { mutated, type Mutation } from './mutate.ts';

describe('with the default policy', () => {
  test('the caller is released within 22,000 ms of what ends the call, inside the 25 s that were promised', () => {
    expect(releaseBound(defaultPolicy)).toBe(22_000);
    expect(releaseBound(defaultPolicy)).toBeLessThanOrEqual(25_000);
  });
  test('a caller hears something, or is released, within 28,000 ms of the start with a cold process, 20,000 ms with a warm one, inside the 28 s and 20 s that were promised', () => {
    expect(startBound(defaultPolicy)).toBe(28_000);
    expect(startBound(defaultPolicy)).toBeLessThanOrEqual(28_000);
    expect(startBound(defaultPolicy, 'warm')).toBe(20_000);
    expect(startBound(defaultPolicy, 'warm')).toBeLessThanOrEqual(20_000);
  });
  test('no silence is longer than 10,000 ms while the caller waits for us, as was promised', () => {
    expect(silenceBound(defaultPolicy)).toBe(10_000);
    expect(silenceBound(defaultPolicy)).toBeLessThanOrEqual(10_000);
  });
  test('a process that freezes at the worst instant of the worst silence adds both up: 17,000 ms', () => {
    expect(silences(defaultPolicy).together.ms).toBe(17_000);
    expect(starts(defaultPolicy, undefined, 'warm').together.ms).toBe(27_000);
    expect(starts(defaultPolicy).together.ms).toBe(35_000);
  });
  test('a death is seen within 3,500 ms of the last beat; without a core, a connection, or a system that can say, later', () => {
    const { frozen, starved, lost, elsewhere } = detections(defaultPolicy);
    expect([frozen.ms, starved.ms, lost.ms, elsewhere.ms]).toEqual([3_500, 6_750, 5_500, 7_500]);
  });
  test('a death that was seen at once leaves the next job the time that a frozen process takes to be found out', () => {
    const waits = (wasSeenAtOnce: boolean) =>
      boundOf(recoveryMachine, { ...recoveryContext(defaultPolicy), wasSeenAtOnce }, 'recovery.resuming').ms;
    expect(waits(true) - waits(false)).toBe(defaultPolicy.unresponsiveMs);
  });
  test('a released caller costs nobody more than closing and reporting', () => {
    expect(bound(defaultPolicy, 'reporting')).toBe(defaultPolicy.closeMs + defaultPolicy.reportMs);
    expect(bound(defaultPolicy, 'closed')).toBe(0);
  });
});

test('the costs of a walk add up to its number, step by step', () => {
  for (const walks of [
    releases(defaultPolicy),
    starts(defaultPolicy),
    starts(defaultPolicy, undefined, 'warm'),
    silences(defaultPolicy),
    detections(defaultPolicy),
  ])
    for (const { ms, path, costs } of Object.values(walks)) {
      expect(costs.length).toBe(path.length);
      expect(costs.reduce((sum, cost) => sum + cost, 0)).toBe(ms);
    }
});

test('an unknown state is refused with the known ones', () => {
  expect(() => bound(defaultPolicy, 'hangingUpp')).toThrow(/unknown state "hangingUpp"; expected one of .*hangingUp/);
});

describe('a machine without a bound is refused, and the state is named', () => {
  const faults: [string, RegExp, Mutation][] = [
    [
      'a delay that does not exist',
      /^session\.live\.conversing\.duration\.open: delay "untilWindDown" is undefined/m,
      (at) => {
        const { after } = at('live.conversing.duration.open');
        after['untilWindDown'] = after['untilWindDownMs'];
        delete after['untilWindDownMs'];
      },
    ],
    [
      'a retry loop on the same state',
      /^hangingUp: on a cycle without a timer around it: hangingUp → hangingUp/m,
      (at) => void (at('exiting.hangingUp').on['caller.returned'] = { target: 'hangingUp', reenter: true }),
    ],
    [
      'a way back into the call',
      /: on a cycle without a timer around it: .* → sending → greeting → /m,
      (at) => void (at('reporting.sending').on['caller.returned'] = '#greeting'),
    ],
    [
      'only a guarded exit',
      /^conversing: no unguarded `after` leads out of it/m,
      (at) => {
        const { after } = at('live.conversing.duration.windingDown');
        after['windDownMs'] = (after['windDownMs'] as unknown[]).slice(0, -1);
      },
    ],
    [
      'a parent entered again from inside, which starts its timer again',
      /conversing: on a cycle without a timer around it/m,
      (at) => void (at('live.conversing.dialogue.suspended').on['caller.returned'] = '#conversing'),
    ],
    [
      'an effect without a deadline',
      /^session\.reporting\.closing: invokes an effect and no `after` covers it/m,
      (at) => void (at('reporting.closing').after = {}),
    ],
    [
      'a part of an ending of which nobody says what the caller hears',
      /^hangingUp: is part of an ending, and neither silent nor audible nor released/m,
      (at) => void (at('exiting.hangingUp')['tags'] = []),
    ],
  ];
  test.each(faults)('%s', (_, message, mutation) => {
    const walk = () => bounds(mutated(sessionMachine, mutation), sessionContext(defaultPolicy));
    expect(walk).toThrow(UnboundedMachineError);
    expect(walk).toThrow(message);
  });

  test.each([NaN, Infinity, -1, 0, 2 ** 31])('goodbyeMs %d', (goodbyeMs) => {
    const policy: Policy = { ...defaultPolicy, goodbyeMs };
    expect(() => bounds(sessionMachine, sessionContext(policy))).toThrow(
      /saying\.playing: delay "goodbyeMs" is .*; expected/,
    );
  });
});

test('a misspelled deadline or effect does not compile', () => {
  const { within } = stepsOf<Effects, object>();
  // @ts-expect-error closMs is no limit
  within('closMs', 'close', { done: 'a', otherwise: 'b' });
  // @ts-expect-error drian is no effect
  within('drainMs', 'drian', { done: 'a', otherwise: 'b' });
  // @ts-expect-error an effect needs a next step for its failure
  within('drainMs', 'drain', { done: 'a' });
  // @ts-expect-error hangUp wants to know the end
  within('hangUpMs', 'hangUp', { done: 'a', otherwise: 'b' });
  expect(effect<Effects, 'drain'>('drain')).toBeDefined();
});

test('recovery is bounded from every state', () => {
  for (const [state, { ms }] of bounds(recoveryMachine, recoveryContext(defaultPolicy)))
    expect(ms, state).toBeLessThan(20_000);
  expect(boundOf(recoveryMachine, recoveryContext(defaultPolicy), 'recovery.done').ms).toBe(0);
});
