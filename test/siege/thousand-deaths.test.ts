/**
 * Keeper and courier are killed again and again while calls come and go: nothing is lost, and a request is made twice
 * only where nobody can know whether the first one arrived.
 *
 *   LASTWORD_DEATHS=1000 npx vitest run --project siege test/siege/thousand-deaths
 *
 * LASTWORD_SEED repeats a run's choices. How the processes run is not repeated.
 */
import { EventEmitter } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { until } from '../e2e/harness/index.ts';
import { randomFrom, type Random } from '../machine/random.ts';
import { killAtRandom } from './harness/killer.ts';
import { recordingReceiver } from './harness/recording-receiver.ts';
import { Siege } from './harness/siege.ts';
import { whatDeathsCost } from './harness/what-deaths-cost.ts';

const kills = Number(process.env['LASTWORD_DEATHS'] ?? 30);
const seed = Number(process.env['LASTWORD_SEED'] ?? Date.now() % 1_000_000);
/** A keeper starts within a second, a courier a second after the last one; on a busy machine both take their time. */
const LIMIT_MS = 60_000 + kills * 6_000;
const CALLERS = 6;
const SEALED_MS = 60_000;
const DELIVERED_MS = 60_000;
const MOST_ROWS = 1_000_000;

const words = (random: Random) => ({
  id: `item_${random.below(1_000_000)}`,
  role: 'user' as const,
  text: 'A table for two at seven, please. '.repeat(1 + random.below(20)),
  interrupted: false,
  agent: 'ada',
  createdAt: Date.now(),
});

/** Calls that come and go until they are told to stop. @returns the sessions that were accepted */
const callers = (siege: Siege, random: Random, moments: EventEmitter) => {
  const accepted: string[] = [];
  const over = new AbortController();
  let last = 0;
  const one = async () => {
    while (!over.signal.aborted) {
      const session = `AJ_${(last += 1)}`;
      if (!(await siege.offer(session, { isInside: true }).catch(() => false))) continue;
      accepted.push(session);
      await siege.inside(session).append('item', words(random), 1 + random.below(8));
      await pause(random.below(250));
      moments.emit('closing');
      await siege.inside(session).close();
      siege.livekit.rooms.delete(`room-${session}`);
    }
  };
  const all = Promise.all(Array.from({ length: CALLERS }, one));
  return {
    accepted,
    async stop() {
      over.abort();
      await all;
    },
  };
};

const unsealed = (siege: Siege): Promise<string[]> =>
  siege.withStore(async (store) => {
    const states = ['open', 'recovering'] as const;
    const rows = await Promise.all(states.map((state) => store.sessions({ limit: MOST_ROWS, state })));
    return rows.flat().map(({ session }) => session);
  });

test(
  'keeper and courier die at random, again and again: nothing is lost, nothing comes twice but what was in flight, with the same id and bytes',
  { timeout: LIMIT_MS },
  async () => {
    console.log(`seed ${seed}`);
    const random = randomFrom(seed);
    await using receiver = await recordingReceiver(random);
    await using siege = await Siege.lay({ reports: [receiver.destination] });
    const begunAt = performance.now();
    const calls = callers(siege, random, receiver.moments);
    const { done, keeper } = await killAtRandom(siege, await siege.keeper(), {
      kills,
      random,
      moments: receiver.moments,
    });
    const seconds = (performance.now() - begunAt) / 1_000;
    await calls.stop();
    await until(
      'every session sealed',
      async () => (await unsealed(siege)).length === 0,
      SEALED_MS,
      async () => (await unsealed(siege)).join(', '),
    );
    keeper.process.kill('SIGTERM');
    expect([0, 143]).toContain(await keeper.ended); // 0: the worker is an earlier keeper's child, its code unknown
    // What waits for its schedule is asked for now: as a clock that was put right does.
    const hastenedAt = Date.now();
    await siege.withStore((store) => store.reclaim({ now: Date.now(), furthestMs: 0 }));
    receiver.recover();
    await siege.keeper();
    const owed = async () => (await siege.withStore((store) => store.owedByName()))['web'] ?? 0;
    await until(
      'every row settled',
      async () => (await owed()) === 0,
      DELIVERED_MS,
      async () => {
        const left = (await siege.withStore((store) => store.deliveries({ limit: MOST_ROWS }))).filter(
          ({ state }) => state === 'due' || state === 'delivering',
        );
        return [...left, ...siege.lines.slice(-60), siege.errors.slice(-2_000)]
          .map((one) => JSON.stringify(one))
          .join('\n');
      },
    );
    const { rows, reports } = await siege.withStore(async (store) => {
      const found = await store.deliveries({ limit: MOST_ROWS });
      const bodies = new Map<string, string>();
      for (const { session } of await store.sessions({ limit: MOST_ROWS, state: 'sealed' }))
        bodies.set(session, (await store.report(session))?.body ?? '');
      return { rows: found, reports: bodies };
    });
    const cost = whatDeathsCost({
      accepted: calls.accepted,
      reports,
      rows,
      received: receiver.received,
      kills: done,
      hastenedAt,
    });
    const count = (whom: string) => done.filter((kill) => kill.whom === whom).length;
    console.log(
      `${done.length} kills in ${seconds.toFixed(0)} s (keeper ${count('keeper')}, courier ${count('courier')}, both ${count('both')}): ` +
        `${calls.accepted.length} sessions accepted, ${reports.size} sealed, ${cost.delivered} delivered, ${cost.dead} dead by 410, ` +
        `${receiver.received.length} requests, ${cost.duplicates} of them again`,
    );
    expect(cost.problems).toEqual([]);
  },
);
