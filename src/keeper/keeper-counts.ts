/**
 * What the keeper counts while it works. Each count costs an addition; what is made of them is made when somebody asks
 * (metrics.ts). In memory: a counter begins at zero with its process, as collectors expect.
 *
 *   C1  Words that applications and strangers choose never become labels: there could be any number of them.
 */
import { isReason } from '../../machines/index.ts';
import type { SessionId } from '../journal/ids.ts';
import type { FillingLine, SoundsTold } from '../session/sound-watch.ts';

/** Seconds. From what a local disk takes, up to the limit of the journal. */
export const recordedBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5] as const;

export type CountedOutcome = 'delivered' | 'retried' | 'dead';
type Sounds = { toldAt: number; silentMs: number | null; spoken: Record<FillingLine, number> };

export class KeeperCounts {
  readonly ended = new Map<string, { by: string; reason: string; count: number }>();
  readonly recoveries = new Map<string, number>();
  readonly deliveries: Record<CountedOutcome, number> = { delivered: 0, retried: 0, dead: 0 };
  readonly spoken: Record<FillingLine, number> = { filler: 0, nudge: 0 };
  readonly recorded = { buckets: recordedBounds.map(() => 0), count: 0, seconds: 0 };
  worstSilenceMs = 0;
  readonly #sounds = new Map<SessionId, Sounds>();
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** An accepted call is on the disk, so many milliseconds after it was to be. */
  accepted(ms: number): void {
    const seconds = ms / 1_000;
    const bucket = recordedBounds.findIndex((bound) => seconds <= bound);
    if (bucket >= 0) this.recorded.buckets[bucket] = (this.recorded.buckets[bucket] ?? 0) + 1;
    this.recorded.count += 1;
    this.recorded.seconds += seconds;
  }

  sealed({ by, reason }: { by: string; reason: string }): void {
    const word = isReason(reason) ? reason : 'other'; // C1
    const one = this.ended.get(`${by} ${word}`) ?? { by, reason: word, count: 0 };
    this.ended.set(`${by} ${word}`, { ...one, count: one.count + 1 });
  }

  noticed(what: string): void {
    this.recoveries.set(what, (this.recoveries.get(what) ?? 0) + 1);
  }

  /** A job's sign of life. Its counts are of its whole process; one of a version before says none. */
  beat(session: SessionId, told: Partial<SoundsTold>): void {
    const { silentMs = null, spoken } = told;
    const before = this.#sounds.get(session)?.spoken ?? { filler: 0, nudge: 0 };
    const now = spoken ?? before;
    // A job that took the session over begins to count anew.
    for (const line of ['filler', 'nudge'] as const)
      this.spoken[line] += now[line] >= before[line] ? now[line] - before[line] : now[line];
    this.#sounds.set(session, { toldAt: this.#now(), silentMs, spoken: { ...now } });
    this.worstSilenceMs = Math.max(this.worstSilenceMs, silentMs ?? 0);
  }

  /** Nobody speaks for it any more. */
  over(session: SessionId): void {
    this.#sounds.delete(session);
  }

  /** The longest silence of any living call, up to now. */
  get silentMs(): number {
    let longest = 0;
    for (const { toldAt, silentMs } of this.#sounds.values())
      if (silentMs !== null) longest = Math.max(longest, silentMs + this.#now() - toldAt);
    return longest;
  }
}
