/**
 * Relays that die at any instant, one after the other, over one store: G2. A relay that dies does nothing more: its
 * store refuses it, and what it had sent stays sent.
 */
import * as fc from 'fast-check';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import type { DeliveryOutcome } from '../../machines/delivery.ts';
import { webhook } from '../../src/delivery/webhook.ts';
import { startRelay } from '../../src/delivery/relay.ts';
import { deliveriesFor } from '../../src/delivery/rows.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import type { Store } from '../../src/store/store.ts';
import { virtualClock } from './delivery-clock.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';

const hooks = ['a', 'b'].map((name) => webhook({ url: `https://${name}.example/` }));
const policy = { schedule: [0, 100, 200, 400, 800], jitter: 0.2, retryAfterMaxMs: 1_000 };

const outcome: fc.Arbitrary<DeliveryOutcome> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<DeliveryOutcome>({ kind: 'done' }) },
  { weight: 3, arbitrary: fc.constant<DeliveryOutcome>({ kind: 'failed', error: 'ECONNRESET' }) },
  { weight: 1, arbitrary: fc.constant<DeliveryOutcome>({ kind: 'answered', status: 410 }) },
);
const life = fc.record({
  lastsMs: fc.integer({ min: 0, max: 600 }),
  ends: fc.constantFrom('killed' as const, 'stopped' as const),
});
const answers = fc.infiniteStream(fc.record({ takesMs: fc.integer({ min: 0, max: 150 }), outcome }));

it('A15 whoever dies and whenever, each row ends delivered or as a dead letter, and what is called delivered was taken', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(life, { maxLength: 6 }),
      answers,
      fc.integer({ min: 1, max: 6 }),
      async (lives, stream, sessions) => {
        const clock = virtualClock();
        const store = await openSqlite(':memory:', { now: clock.now });
        const names = Array.from({ length: sessions }, (_, index) => sessionIdOf(`AJ_${index}`));
        const bodies = new Map<string, Set<string>>();
        const taken = new Set<string>();
        await store.enqueue(
          names.flatMap((session) =>
            deliveriesFor({ session, report: `report-${session}`, sealedAt: clock.now(), body: session }, hooks, ''),
          ),
        );

        const start = () => {
          let isDead = false;
          const mortal = new Proxy(store, {
            get: (target, name: keyof Store) => {
              const method = target[name].bind(target) as (...given: unknown[]) => Promise<unknown>;
              return (...given: unknown[]) => (isDead ? new Promise(() => {}) : method(...given));
            },
          });
          const relay = startRelay({
            store: mortal,
            destinations: () => hooks,
            owner: 'keeper',
            log: pino({ level: 'silent' }),
            policy,
            now: clock.now,
            timers: clock.timers,
            random: () => 0.5,
            total: 4,
            sender: {
              attempt: async (_, { delivery }, stop, begin) => {
                const { value } = stream.next();
                const body = (await store.body(delivery)) ?? '';
                if (!(await begin())) return { kind: 'unbegun', error: 'somebody else has it' };
                if (!isDead) bodies.set(delivery, (bodies.get(delivery) ?? new Set()).add(body));
                const isStopped = await new Promise<boolean>((resolve) => {
                  clock.timers.setTimeout(() => resolve(false), value.takesMs);
                  stop.addEventListener('abort', () => resolve(true), { once: true });
                });
                if (isStopped) return { kind: 'failed', error: 'stopped' };
                if (value.outcome.kind === 'done' && !isDead) taken.add(delivery);
                return value.outcome;
              },
              close: () => Promise.resolve(),
            },
          });
          return { relay, kill: () => (isDead = true) };
        };

        for (const { lastsMs, ends } of lives) {
          const { relay, kill } = start();
          await clock.advance(lastsMs);
          if (ends === 'killed') kill();
          else await Promise.all([relay.stop(), clock.advance(5_000)]);
        }
        const last = start();
        await clock.advance(60_000);
        const rows = await store.deliveries({ limit: 100 });
        await Promise.all([last.relay.stop(), clock.advance(5_000)]);
        await store.close();

        expect(rows).toHaveLength(sessions * hooks.length);
        for (const { delivery, state, session } of rows) {
          expect(['delivered', 'dead']).toContain(state);
          expect(state === 'delivered' && !taken.has(delivery), `${delivery} was never taken`).toBe(false);
          expect([...(bodies.get(delivery) ?? [])]).toEqual([session]);
        }
      },
    ),
    { numRuns: 60 },
  );
});
