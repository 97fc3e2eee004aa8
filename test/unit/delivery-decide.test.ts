import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide, decisionTable, defaultDeliveryPolicy } from '../../machines/delivery.ts';
import type { DeliveryOutcome } from '../../machines/delivery.ts';

const MINUTE = 60_000;
const answered = (status: number, retryAfterMs?: number): DeliveryOutcome => ({
  kind: 'answered',
  status,
  ...(retryAfterMs !== undefined && { retryAfterMs }),
});
const failed: DeliveryOutcome = { kind: 'failed', error: 'ECONNREFUSED' };

const outcomes: fc.Arbitrary<DeliveryOutcome> = fc.oneof(
  fc.constant<DeliveryOutcome>({ kind: 'done' }),
  fc.record({ kind: fc.constant('failed' as const), error: fc.string() }),
  fc.record({ kind: fc.constant('refused' as const), error: fc.string() }),
  fc.record({
    kind: fc.constant('answered' as const),
    status: fc.integer({ min: 100, max: 599 }),
    retryAfterMs: fc.nat(),
  }),
);

describe('what follows an attempt', () => {
  it('any 2xx is delivered', () => {
    for (const status of [200, 201, 202, 204, 299])
      expect(decide({ attempts: 1 }, answered(status)).kind).toBe('delivered');
  });

  it('a redirect is a failure that says to give the final URL', () => {
    for (const status of [300, 302, 399])
      expect(decide({ attempts: 1 }, answered(status))).toMatchObject({
        kind: 'retry',
        error: `receiver answered ${status}: redirects are not followed, give the final URL`,
      });
  });

  it('a refused key is a failure that says what to look at; what is odd is told as it came', () => {
    const errorOf = (status: number) => decide({ attempts: 1 }, answered(status));
    for (const status of [401, 403])
      expect(errorOf(status)).toMatchObject({ error: `receiver answered ${status}: check secret and headers` });
    for (const status of [100, 199, 400, 402, 404])
      expect(errorOf(status)).toMatchObject({ kind: 'retry', error: `receiver answered ${status}` });
  });

  it('410 is dead at once, every other 4xx and 5xx is tried again', () => {
    expect(decide({ attempts: 1 }, answered(410)).kind).toBe('dead');
    for (const status of [400, 401, 403, 404, 409, 422, 429, 500, 502, 503, 504]) {
      expect(decide({ attempts: 1 }, answered(status)).kind).toBe('retry');
    }
  });

  it('a refused destination is dead at once', () => {
    expect(decide({ attempts: 1 }, { kind: 'refused', error: 'private' })).toEqual({ kind: 'dead', error: 'private' });
  });

  it('ten attempts in about three days, as Standard Webhooks says', () => {
    const waits: number[] = [];
    for (let attempts = 1; ; attempts += 1) {
      const next = decide({ attempts }, failed);
      if (next.kind !== 'retry') {
        expect(next).toEqual({ kind: 'dead', error: 'ECONNREFUSED (attempt 10, the last)' });
        expect(attempts).toBe(10);
        break;
      }
      waits.push(next.afterMs);
    }
    const inMinutes = waits.map((wait) => wait / MINUTE);
    expect(inMinutes).toEqual([5 / 60, 5, 30, 120, 300, 600, 840, 1_200, 1_440]);
  });

  it('jitter moves a wait by a fifth either way', () => {
    expect(decide({ attempts: 1 }, failed, defaultDeliveryPolicy, 0)).toMatchObject({ afterMs: 4_000 });
    expect(decide({ attempts: 1 }, failed, defaultDeliveryPolicy, 1)).toMatchObject({ afterMs: 6_000 });
  });

  it('Retry-After lengthens a wait, never shortens it, and has a limit', () => {
    expect(decide({ attempts: 1 }, answered(429, MINUTE))).toMatchObject({ afterMs: MINUTE });
    expect(decide({ attempts: 2 }, answered(503, 0))).toMatchObject({ afterMs: 5 * MINUTE });
    expect(decide({ attempts: 1 }, answered(503, 1e12))).toMatchObject({ afterMs: 24 * 60 * MINUTE });
  });

  it('whatever is answered, a schedule ends, and no wait is shorter than its row less the jitter', () => {
    fc.assert(
      fc.property(
        outcomes,
        fc.integer({ min: 1, max: 12 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (outcome, attempts, random) => {
          const next = decide({ attempts }, outcome, defaultDeliveryPolicy, random);
          if (next.kind !== 'retry') return;
          expect(attempts).toBeLessThan(defaultDeliveryPolicy.schedule.length);
          expect(next.afterMs).toBeGreaterThanOrEqual((defaultDeliveryPolicy.schedule[attempts] ?? Infinity) * 0.8 - 1);
        },
      ),
    );
  });
});

it('the published table is what the function decides', async () => {
  // Written anew by: npx vitest run --project unit test/unit/delivery-decide.test.ts -u
  await expect(decisionTable()).toMatchFileSnapshot('../../docs/machines/delivery.md');
});
