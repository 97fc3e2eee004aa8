/**
 * When a call in the terminal is over, and who tells its keeper so.
 *
 *   E1  It is over when its report is sealed, or will not be, and no agent is in its room any more. Told earlier, the keeper
 *       would hurry a process that is only closing.
 *   E2  A keeper is told when it knows the worker, and by that where the report goes: it may be a new one.
 *   E3  One that takes the place of a keeper that was told to end is told so, too.
 */
export class CallEnd {
  readonly #tell: (name: NodeJS.Signals) => void;
  readonly #isHeard: () => boolean;
  /** Of the keeper that runs now. */
  #knowsWorker = false;
  #isTold = false;
  #isAsked = false;
  #isSettled = false;

  /** `tell`: the keeper that runs now. `isHeard`: an agent is in the room. */
  constructor({ tell, isHeard }: { tell: (name: NodeJS.Signals) => void; isHeard: () => boolean }) {
    this.#tell = tell;
    this.#isHeard = isHeard;
  }

  /** Somebody wants it to end, or it is over. */
  get isAsked(): boolean {
    return this.#isAsked;
  }

  /** As a signal does. */
  ask(name: NodeJS.Signals): void {
    this.#isAsked = true;
    this.#isTold = true;
    this.#tell(name);
  }

  /** Nothing of the call is to come but its sealing, and that may have failed for good. */
  settled(): void {
    this.#isSettled = true;
    this.look();
  }

  workerIsKnown(): void {
    this.#knowsWorker = true;
    this.look();
  }

  keeperDied(): void {
    this.#knowsWorker = false;
    this.#isTold = false;
  }

  look(): void {
    if (this.#isTold || !this.#knowsWorker) return; // E2
    if (this.#isAsked || (this.#isSettled && !this.#isHeard())) this.ask('SIGTERM'); // E1, E3
  }
}
