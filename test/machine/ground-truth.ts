/**
 * The call as it truly is: who is there, who is heard, who waits for whom. Kept by what happens to the caller, never by
 * the machines' tags, so that a machine which misjudges its own state is found out.
 */
import { releases, silences, starts, type Policy } from '../../machines/index.ts';

export type Breach = (monitor: string, text: string) => void;
export type Longest = ReturnType<typeof longestOf>;

/** What the walks promise for a policy; taken from the true machines, also when a bug is planted. */
export const longestOf = (policy: Policy) => ({
  silence: silences(policy),
  start: starts(policy),
  release: releases(policy),
});

export type Ratios = (what: string, took: number, limit: number) => void;

export class GroundTruth {
  isThere = false;
  isLost = false;
  hasLeft = false;
  /** Anything, ever; or the caller had a turn. */
  wasHeard = false;
  /** The caller waits for us (at first: for the greeting). */
  waits = true;
  isReleased = false;
  /** A goodbye or an apology plays. */
  isLinePlaying = false;
  isEnding = false;
  diedAt: number | null = null;
  triggeredAt: number | null = null;
  /** Time spent before the caller was there. */
  aloneMs = 0;
  #startedAt: number | null = 0;
  #silentSince: number | null = null;
  readonly #now: () => number;
  readonly #policy: Policy;
  readonly #longest: Longest;
  readonly #broke: Breach;
  readonly #tight: Ratios;

  constructor(now: () => number, policy: Policy, longest: Longest, broke: Breach, tight: Ratios) {
    this.#now = now;
    this.#policy = policy;
    this.#longest = longest;
    this.#broke = broke;
    this.#tight = tight;
  }

  get isListening(): boolean {
    return this.isThere && !this.isLost && !this.hasLeft;
  }

  /** Something of ours is heard now. */
  heard(): void {
    this.#measureSilence();
    this.measureStart(true);
    this.wasHeard = true;
  }

  /** To be called after every change: is this a silence now? */
  look(): void {
    const isSilent =
      this.isListening &&
      this.wasHeard &&
      !this.isReleased &&
      !this.isLinePlaying &&
      (this.waits || this.isEnding || this.diedAt !== null);
    if (isSilent) this.#silentSince ??= this.#now();
    else this.#measureSilence();
  }

  /** A step forward: what is waited for now is another thing. */
  step(): void {
    this.#measureSilence();
    this.look();
  }

  resumed(): void {
    this.#measureSilence();
  }

  released(): void {
    if (this.isReleased) return;
    this.isReleased = true;
    this.#measureSilence();
    this.measureStart(this.isListening);
    if (this.triggeredAt === null) return;
    const { session, recovery, together } = this.#longest.release;
    const limit = this.diedAt === null ? session.ms : Math.max(together.ms, recovery.ms);
    this.#check(
      'release',
      this.diedAt === null ? 'release, session' : 'release, with a death',
      this.#now() - this.triggeredAt,
      limit,
    );
  }

  /** Heard, released, or no longer to be measured. */
  measureStart(isMeasured: boolean): void {
    if (this.#startedAt === null) return;
    const took = this.#policy.startMs + this.#now() - this.#startedAt - this.aloneMs;
    this.#startedAt = null;
    if (!isMeasured) return;
    const { session, together } = this.#longest.start;
    if (this.diedAt === null) this.#check('start', 'start, session', took, session.ms);
    else this.#check('start', 'start, both together', took, together.ms);
  }

  #measureSilence(): void {
    if (this.#silentSince === null) return;
    const since = this.#silentSince;
    this.#silentSince = null;
    const { session, recovery, together } = this.#longest.silence;
    const took = this.#now() - since;
    if (this.diedAt === null) return this.#check('silence', 'silence, session', took, session.ms);
    this.#check('silence', 'silence, both together', took, together.ms);
    this.#check('silence after a death', 'silence, recovery', this.#now() - Math.max(this.diedAt, since), recovery.ms);
  }

  #check(monitor: string, what: string, took: number, limit: number): void {
    this.#tight(what, took, limit);
    if (took > limit) this.#broke(monitor, `${what}: ${took} > ${limit}`);
  }
}
