/**
 * Calls whose worker is gone or has been replaced, and whose jobs talk on, and those whose own session is over: each is told
 * to leave when a process of the worker that serves is warm for it, and not before. What follows is what follows a death:
 * the next job takes the call over (succession.ts).
 *
 *   V1  One call for each warm process: who left for a process that still has to import would leave its caller in silence.
 *   V5  A job knows that its worker is gone some ms before the keeper does: what is warm in that one is warm for nobody.
 *   V6  A call may wait long for a calm moment, and whoever calls meanwhile has the process: then it is told to stay.
 */
import type { SessionId } from '../journal/ids.ts';

/** What can be said to a call, as `Sessions` has it. */
export type MovingCalls = {
  /** Tells the job of this session to leave it to the next worker; one that is gone is passed over. */
  handOver: (session: SessionId) => void;
  /** Tells it to wait for another process. */
  keep: (session: SessionId) => void;
  /** Is its call still going on? */
  isOpen: (session: SessionId) => boolean;
};

export class HandOver {
  readonly #calls: MovingCalls;
  readonly #waiting = new Set<SessionId>();
  /** Told to leave, and their next job has no process yet. */
  readonly #promised = new Set<SessionId>();
  #worker = 0;
  #warm = 0;

  constructor(calls: MovingCalls) {
    this.#calls = calls;
  }

  /**
   * Said by its job, each time that it has found a keeper.
   * @param worker pid of the one that is gone; undefined: the job's own session is over, and its worker lives
   */
  orphaned(session: SessionId, worker: number | undefined): void {
    if (worker !== undefined && worker === this.#worker) this.workerGone(); // V5
    if (!this.#promised.has(session)) this.#waiting.add(session);
    this.#next();
  }

  /** A worker is here, of this pid; it may be the one before, over another connection. */
  workerHere(pid: number): void {
    if (pid !== this.#worker) this.workerGone();
    this.#worker = pid;
  }

  /** So many processes of the worker wait for a call. */
  warm(count: number): void {
    this.#warm = count;
    this.#next();
  }

  /** A call is about to have one of them. @param heir the session whose next job it is; undefined: a new caller's */
  taken(heir?: SessionId): void {
    this.#warm = Math.max(0, this.#warm - 1);
    if (heir !== undefined) for (const sessions of [this.#waiting, this.#promised]) sessions.delete(heir);
    this.#forget();
    for (const last of [...this.#promised].toReversed()) {
      if (this.#promised.size <= this.#warm) break;
      this.#promised.delete(last); // V6
      this.#waiting.add(last);
      this.#calls.keep(last);
    }
    this.#next();
  }

  /** It has none after all. */
  givenBack(): void {
    this.#warm += 1;
    this.#next();
  }

  workerGone(): void {
    this.#warm = 0;
    for (const session of this.#promised) {
      this.#waiting.add(session);
      this.#calls.keep(session);
    }
    this.#promised.clear();
  }

  #next(): void {
    this.#forget();
    for (const session of this.#waiting) {
      if (this.#warm <= this.#promised.size) return; // V1
      this.#promised.add(session);
      this.#waiting.delete(session);
      this.#calls.handOver(session);
    }
  }

  #forget(): void {
    for (const sessions of [this.#waiting, this.#promised])
      for (const session of sessions) if (!this.#calls.isOpen(session)) sessions.delete(session);
  }
}
