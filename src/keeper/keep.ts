/**
 * The retention rule at work: sealed sessions go when they are older, or take more of the disk, than the worker says.
 *
 *   P1  Nothing that is unsealed or owed goes, however old or large; when the rest is not enough, that is said.
 *   P2  An age is told by the clock, and clocks are wrong now and then: nothing goes before the clock has run evenly for
 *       ten minutes, beside the one that nobody sets. A clock that jumped a month ahead would take everything.
 *   P3  A few at a time, with pauses: a disk full of old journals is no reason to be slow.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import { defaultKeep, type Keep } from '../link/keep.ts';
import { settledWithin } from '../waiting/deadline.ts';
import type { KeptSession, Store } from '../store/store.ts';
import { forget } from './forget.ts';

const DAY_MS = 86_400_000;
const ROUND_MS = 3_600_000;
/** P2. Time servers correct a clock within minutes of a start. */
const STEADY_MS = 600_000;
const LOOK_MS = 60_000;
const MOST_DRIFT_MS = 5_000;
const AT_ONCE = 100;
const PAUSE_MS = 100;
const STOP_MS = 1_000;

export type Retention = { stop(): Promise<void> };

export type RetentionOptions = {
  directory: string;
  store: Pick<Store, 'kept' | 'keptBytes' | 'purge' | 'purgeUnserved'>;
  /** The worker's rule; undefined while there is no worker: then nothing goes. */
  rule: () => Keep | undefined;
  log: Logger;
  /** For tests. */
  now?: () => number;
  /** Milliseconds by a clock that nobody sets. */
  steady?: () => number;
  steadyMs?: number;
  lookMs?: number;
};

/** *Pure.* */
export const keepOf = (rule: Keep): Required<Keep> => ({ ...defaultKeep, ...rule });

/** *Pure.* What is said at the start. */
export const spellKeep = ({ days, gigabytes }: Required<Keep>): string =>
  `sealed sessions are kept for ${days} days, and at most ${gigabytes} GB of them (keep: { days, gigabytes } of runWorker)`;

/** *Effect.* Starts at once. */
export function startRetention(options: RetentionOptions): Retention {
  const { store, rule, log, steadyMs = STEADY_MS, lookMs = LOOK_MS } = options;
  const now = options.now ?? Date.now;
  const steady = options.steady ?? (() => performance.now());
  const stopping = new AbortController();

  const go = async (those: KeptSession[], why: string): Promise<number> => {
    const { failed, ...gone } = await forget(options, those, why);
    if (gone.sessions > 0) log.info({ ...gone, why }, 'sealed sessions were forgotten');
    if (failed.length > 0) log.warn({ failed: failed.length, first: failed[0] }, 'sessions could not be forgotten');
    await pause(PAUSE_MS, undefined, { signal: stopping.signal }); // P3
    return gone.sessions;
  };

  const byAge = async (days: number): Promise<void> => {
    for (;;) {
      const old = await store.kept({ sealedBefore: now() - days * DAY_MS, limit: AT_ONCE });
      if (old.length === 0 || (await go(old, `older than ${days} days`)) === 0) return;
    }
  };
  const bySize = async (gigabytes: number): Promise<void> => {
    let over = (await store.keptBytes()) - gigabytes * 1e9;
    while (over > 0) {
      const oldest = await store.kept({ limit: AT_ONCE });
      let enough = 0;
      const those = oldest.filter(({ bytes }) => enough < over && ((enough += bytes), true));
      if (those.length === 0 || (await go(those, `more than ${gigabytes} GB`)) === 0) {
        log.warn({ overBytes: Math.round(over) }, `more than ${gigabytes} GB is kept, and what is left is still owed`); // P1
        return;
      }
      over -= enough;
    }
  };

  const run = async (): Promise<void> => {
    let drift = now() - steady();
    let since = steady();
    let isDue = true;
    let doneAt = -Infinity;
    for (;;) {
      await pause(lookMs, undefined, { signal: stopping.signal });
      const seen = now() - steady();
      if (Math.abs(seen - drift) > MOST_DRIFT_MS) since = steady(); // P2
      drift = seen;
      isDue ||= steady() - doneAt >= ROUND_MS;
      const asked = rule();
      if (!isDue || asked === undefined || steady() - since < steadyMs) continue;
      [isDue, doneAt] = [false, steady()];
      try {
        const { days, gigabytes } = keepOf(asked);
        await byAge(days);
        await store.purgeUnserved(now() - days * DAY_MS);
        await bySize(gigabytes);
      } catch (error) {
        if (!stopping.signal.aborted)
          log.warn({ err: error }, 'old sessions could not be forgotten; trying again in an hour');
      }
    }
  };

  const done = run().catch(() => undefined); // only its own stop ends it
  return {
    async stop() {
      stopping.abort();
      await settledWithin(done, STOP_MS);
    },
  };
}
