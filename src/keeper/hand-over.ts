/**
 * Calls whose worker is gone and whose jobs talk on: each is told to leave when a process of the next worker is warm for
 * it, and not before. What follows is what follows a death: the next job takes the call over (succession.ts).
 *
 *   V1  One call for each warm process: who left for a process that still has to import would leave its caller in silence.
 *   V5  A job knows that its worker is gone some ms before the keeper does: what is warm in that one is warm for nobody.
 */
import type { SessionId } from '../journal/ids.ts';

export class HandOver {
  readonly #tell: (session: SessionId) => void;
  readonly #waiting = new Set<SessionId>();
  #worker = 0;
  #warm = 0;
  /** Told to leave, and their next job has no process yet. */
  #leaving = 0;

  /** @param tell tells the job of this session to leave; one that is gone is passed over */
  constructor(tell: (session: SessionId) => void) {
    this.#tell = tell;
  }

  /** Said by its job, each time that it has found a keeper. @param worker pid of the one that is gone */
  orphaned(session: SessionId, worker: number): void {
    if (worker === this.#worker) this.workerGone(); // V5
    this.#waiting.add(session);
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

  /** A call has one of them: that of a new caller, or the next job of one that was left. */
  taken(): void {
    this.#warm = Math.max(0, this.#warm - 1);
    this.#leaving = Math.max(0, this.#leaving - 1);
    this.#next();
  }

  workerGone(): void {
    this.#warm = 0;
    this.#leaving = 0;
  }

  #next(): void {
    for (const session of this.#waiting) {
      if (this.#warm <= this.#leaving) return; // V1
      this.#leaving += 1;
      this.#waiting.delete(session);
      this.#tell(session);
    }
  }
}
