/** The worker that is to replace the one that serves: until it takes calls it may fail, and nothing is changed. */
import type { Logger } from 'pino';
import type { OneWorker } from './one-worker.ts';

/** From the start to hello: the import of the agent file, no more. */
export const HELLO_MS = 60_000;
/** From hello to the first call that it takes: the port of the health check, LiveKit, a process that is warm. */
const READY_MS = 60_000;

export class NextWorker {
  readonly one: OneWorker;
  /** Why not; undefined: it takes the calls. Never rejects. */
  readonly settled: Promise<string | undefined>;
  readonly #log: Logger;
  #settle: (why: string | undefined) => void = () => undefined;
  readonly #kill: () => void;
  #limit: NodeJS.Timeout;

  /** @param kill one that is too late */
  constructor(one: OneWorker, log: Logger, kill: () => void) {
    this.one = one;
    this.#log = log;
    this.settled = new Promise((resolve) => (this.#settle = resolve));
    this.#kill = kill;
    this.#limit = this.#within(HELLO_MS, 'say hello');
  }

  hello(): void {
    if (this.one.hasSaidHello) return; // over another connection
    this.one.hasSaidHello = true;
    clearTimeout(this.#limit);
    this.#limit = this.#within(READY_MS, 'take calls');
  }

  #within(ms: number, what: string): NodeJS.Timeout {
    return setTimeout(() => {
      this.#kill();
      this.settle(`expected the next worker to ${what} within ${ms} ms, and it did not; its own lines say why`);
    }, ms);
  }

  settle(why?: string): void {
    clearTimeout(this.#limit);
    if (why !== undefined)
      this.#log.error({ workerPid: this.one.pid, why }, 'the worker could not be replaced; it serves on');
    this.#settle(why);
  }
}
