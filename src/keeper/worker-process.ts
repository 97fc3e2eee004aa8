/**
 * The worker as a process: started, started again when it dies, replaced when it is asked for, told once to end.
 *
 *   P3  One that ends before it said hello, when none ever did, will not do better the next time: that is the end, with
 *       its code. Later on a failing start is tried again, at most MAX_FAILED_STARTS times in a row.
 *   P4  One that ends by itself with 0 was done; so is the keeper.
 *   P8  The next worker is started beside the one that serves, and takes its place when it takes calls. Until then it may
 *       fail, and nothing is changed: code that cannot be loaded costs no call.
 *   P9  The one that was replaced serves its calls to their end. It is named in worker.json for as long, or the next
 *       keeper would not know its jobs for its own.
 *
 * What one process is: one-worker.ts (P1, P2). Who belongs to it, and what outlives it: worker-groups.ts.
 */
import { constants } from 'node:os';
import type { Logger } from 'pino';
import type { Owner } from '../journal/entry.ts';
import { isAlive } from '../journal/owner.ts';
import { standardOutput } from '../output/standard-output.ts';
import { HELLO_MS, NextWorker } from './next-worker.ts';
import { foundWorker, type OneWorker, startWorker, type WorkerCommand, type WorkerExit } from './one-worker.ts';
import { REPLACES, type Replaced } from '../link/replacing.ts';
import { WorkerGroups } from './worker-groups.ts';
import { WorkerRecord } from './worker-record.ts';

export type { WorkerCommand } from './one-worker.ts';

const FIRST_PAUSE_MS = 1_000;
const LAST_PAUSE_MS = 30_000;
/** After so long a worker counts as healthy, and the next pause is the shortest again. */
const HEALTHY_MS = 60_000;
const MAX_FAILED_STARTS = 5;
/** How long a worker that an earlier keeper started gets to connect: the client's longest pause, and a slow machine. */
const ADOPTION_MS = 4_000;
const TERMINATED = 128 + constants.signals.SIGTERM;

export type WorkerEnd = {
  /** As a shell has it: 128 + the signal's number for one that was killed. */
  code: number;
  /** It never worked: what to tell the operator. */
  failure?: string;
};
/** `serving` takes the calls, `next` is to replace it, `replaced` serves what it has. */
export type Standing = 'serving' | 'next' | 'replaced';

export type WorkerProcess = {
  /** Adopts the worker of an earlier keeper, or starts one. */
  start(): Promise<void>;
  /** A worker said hello over the link. */
  hello(pid: number): void;
  /** Undefined: none of this keeper's. */
  standingOf(pid: number): Standing | undefined;
  /** P8. @returns why not; undefined: the next one takes the calls. Never rejects. */
  replace(): Promise<string | undefined>;
  /** P8. A worker takes calls. @returns the pid of the one whose place it has; undefined: it serves already */
  ready(pid: number): number | undefined;
  /** The one that serves was told to stop by somebody else: the next one is started at once. @returns whether it was that one */
  leftBy(pid: number): boolean;
  /** SIGTERM, once. */
  drain(): void;
  /** One that did not end in time, and its group with it; it counts as ended by SIGTERM. */
  kill(): void;
  /** Is this living process in the group of a worker that this keeper started or found? Never rejects. */
  owns(owner: Owner): Promise<boolean>;
  /** After `ended`: what is left of its groups leaves within a second, or is killed. Takes 2 s at most, never rejects. */
  clear(): Promise<void>;
  readonly pid: number | undefined;
  /** Resolves when it has ended for good; never rejects. */
  readonly ended: Promise<WorkerEnd>;
};

export type SuperviseWorkerOptions = {
  command: WorkerCommand;
  /** For messages. */
  agentFile: string;
  environment: NodeJS.ProcessEnv;
  /** Where `worker.json` names the worker, for the next keeper. */
  directory: string;
  log: Logger;
  /** The worker of this pid died, and jobs of it may live on. */
  onDied: (pid: number) => void;
  /** For tests: after how long what an earlier worker left is ended. */
  orphansMs?: number;
};

export const superviseWorker = (options: SuperviseWorkerOptions): WorkerProcess => new SupervisedWorker(options);

class SupervisedWorker implements WorkerProcess {
  readonly ended: Promise<WorkerEnd>;
  readonly #options: SuperviseWorkerOptions;
  readonly #record: WorkerRecord;
  readonly #groups: WorkerGroups;
  #end: (end: WorkerEnd) => void = () => undefined;
  #serving: OneWorker | undefined;
  /** P8 */
  #next: NextWorker | undefined;
  readonly #replaced = new Set<OneWorker>();
  /** Of every worker that there was, whose group may not be empty yet. */
  readonly #pids = new Set<number>();
  #hasEverSaidHello = false;
  #isDraining = false;
  #isGivenUp = false;
  #failedStarts = 0;
  #pauseMs = FIRST_PAUSE_MS;
  #timer: NodeJS.Timeout | undefined;
  /** Who said hello before it was known to be the earlier keeper's. */
  readonly #earlyHellos = new Set<number>();
  #adoptedHello: (() => void) | undefined;

  constructor(options: SuperviseWorkerOptions) {
    this.#options = options;
    this.#record = new WorkerRecord(options.directory, options.log);
    this.#groups = new WorkerGroups(options.log, options.orphansMs);
    this.ended = new Promise((resolve) => (this.#end = resolve));
  }

  get pid(): number | undefined {
    return this.#serving?.pid;
  }

  async start(): Promise<void> {
    if (!(await this.#adopt()) && !this.#isDraining) this.#launch();
    else if (!this.#serving) this.#end({ code: 0 });
  }

  hello(pid: number): void {
    this.#earlyHellos.add(pid);
    if (this.#next?.one.pid === pid) this.#next.hello();
    if (this.#serving?.pid !== pid) return;
    clearTimeout(this.#timer);
    this.#serving.hasSaidHello = true;
    this.#hasEverSaidHello = true;
    this.#failedStarts = 0;
    this.#adoptedHello?.();
  }

  standingOf(pid: number): Standing | undefined {
    if (this.#serving?.pid === pid) return 'serving';
    if (this.#next?.one.pid === pid) return 'next';
    return [...this.#replaced].some((one) => one.pid === pid) ? 'replaced' : undefined;
  }

  replace(): Promise<string | undefined> {
    const { log, environment, command } = this.#options;
    if (this.#isDraining) return Promise.resolve('expected a keeper that goes on, got one that is ending');
    if (this.#next) return Promise.resolve('expected one at a time, got a worker that is being replaced already');
    if (!this.#serving?.hasSaidHello)
      return Promise.resolve(
        'expected a worker that serves, got one that is only starting; it has the new code already',
      );
    const one = startWorker(command, { ...environment, [REPLACES]: 'serving' satisfies Replaced });
    log.info({ workerPid: one.pid, replaces: this.pid }, 'the next worker is started');
    const next = new NextWorker(one, log, () => this.#groups.signal('SIGKILL', one.pid));
    this.#next = next;
    this.#follow(one);
    return next.settled.finally(() => {
      if (this.#next === next) this.#next = undefined;
    });
  }

  ready(pid: number): number | undefined {
    const next = this.#next;
    if (next?.one.pid !== pid) return undefined;
    const before = this.#serving;
    if (before) this.#replaced.add(before);
    this.#promote(next);
    return before?.pid;
  }

  leftBy(pid: number): boolean {
    const left = this.#serving;
    if (left?.pid !== pid || this.#isDraining) return false;
    this.#replaced.add(left);
    if (this.#next) this.#promote(this.#next);
    else this.#launch({ [REPLACES]: 'leaving' satisfies Replaced });
    return true;
  }

  drain(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    if (this.#next) this.#groups.signal('SIGTERM', this.#next.one.pid);
    this.#next?.settle('the keeper is ending');
    if (this.#serving) return this.#groups.signal('SIGTERM', this.#serving.pid);
    clearTimeout(this.#timer);
    this.#end({ code: 0 });
  }

  kill(): void {
    this.#isGivenUp = true;
    for (const pid of this.#pids) this.#groups.signal('SIGKILL', -pid);
  }

  owns(owner: Owner): Promise<boolean> {
    return this.#groups.owns(owner);
  }

  async clear(): Promise<void> {
    await Promise.all([...this.#pids].map((pid) => this.#groups.clear(pid)));
  }

  #launch(more: NodeJS.ProcessEnv = {}): void {
    const { command, environment, log } = this.#options;
    const one = startWorker(command, { ...environment, ...more });
    log.info({ workerPid: one.pid, file: command.file }, 'worker started'); // an argument may be a key
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      log.error({ workerPid: one.pid }, `the worker did not say hello within ${HELLO_MS} ms; killing it`);
      this.#groups.signal('SIGKILL', one.pid);
    }, HELLO_MS);
    this.#become(one);
    this.#follow(one);
  }

  #promote(next: NextWorker): void {
    this.#next = undefined;
    this.#become(next.one);
    next.settle();
  }

  #become(one: OneWorker): void {
    this.#serving = one;
    if (one.hasSaidHello) {
      clearTimeout(this.#timer);
      this.#hasEverSaidHello = true;
      this.#failedStarts = 0;
    }
    this.#remember();
  }

  #follow(one: OneWorker): void {
    if (one.pid !== undefined) this.#pids.add(one.pid);
    void one.owner.then(
      (owner) => this.#groups.add(owner),
      () => undefined, // it is gone already
    );
    void one.exited.then((exit) => this.#onExit(one, exit));
  }

  #onExit(one: OneWorker, exit: WorkerExit): void {
    const { log, agentFile } = this.#options;
    if (this.#replaced.delete(one)) {
      log.info({ workerPid: one.pid, code: exit.code }, 'the worker that was replaced has ended');
      return this.#remember();
    }
    if (this.#next?.one === one) return this.#next.settle(exit.failure ?? endedEarly(agentFile, exit.code));
    if (this.#serving === one) this.#onEnd(one, exit);
  }

  /** Of the one that served. */
  #onEnd(one: OneWorker, { code, isKilled, failure }: WorkerExit): void {
    const { log, agentFile, onDied } = this.#options;
    clearTimeout(this.#timer);
    const exited = { workerPid: one.pid, code };
    this.#serving = undefined;
    this.#remember();
    if (failure !== undefined) return this.#end({ code, failure });
    if (this.#isDraining) return this.#end({ code: this.#isGivenUp ? TERMINATED : one.isFound ? 0 : code });
    if (one.hasSaidHello && code === 0) {
      log.info(exited, 'the worker has ended by itself'); // P4
      return this.#end({ code });
    }
    if (!one.hasSaidHello) {
      this.#failedStarts += 1;
      const isHopeless = (!this.#hasEverSaidHello && !isKilled) || this.#failedStarts >= MAX_FAILED_STARTS;
      if (isHopeless) return this.#end({ code: code || 1, failure: endedEarly(agentFile, code) });
    }
    const next = this.#next;
    if (next) {
      log.error(exited, 'the worker died; the one that was to replace it has its place');
      if (one.pid !== undefined) onDied(one.pid);
      return this.#promote(next);
    }
    if (performance.now() - one.startedAt > HEALTHY_MS) this.#pauseMs = FIRST_PAUSE_MS;
    log.error({ ...exited, againInMs: this.#pauseMs }, 'the worker died; starting it again');
    if (one.pid !== undefined) onDied(one.pid);
    this.#timer = setTimeout(() => this.#launch(), this.#pauseMs);
    this.#pauseMs = Math.min(this.#pauseMs * 2, LAST_PAUSE_MS);
  }

  #remember(): void {
    this.#record.write(() => ({ serving: this.#serving, replaced: this.#replaced }));
  }

  async #adopt(): Promise<boolean> {
    const { log, onDied } = this.#options;
    const { serving: owner, replaced } = await this.#record.read();
    for (const one of replaced) await this.#findReplaced(one); // P9
    if (!owner) return false;
    const liveness = await isAlive(owner);
    if (liveness !== 'unknown') this.#groups.add(owner);
    if (liveness !== 'alive') return false;
    const one = foundWorker(owner);
    this.#serving = one;
    if (!(await this.#connects(owner.pid))) {
      log.error(
        { workerPid: owner.pid },
        `an earlier worker lives and did not connect within ${ADOPTION_MS} ms; ending it`,
      );
      this.#serving = undefined;
      await this.#groups.endEarlier(owner, () => onDied(owner.pid));
      return false;
    }
    this.#hasEverSaidHello = true;
    log.info({ workerPid: owner.pid }, 'worker adopted');
    if (standardOutput().isShared)
      log.warn({ workerPid: owner.pid }, 'what the adopted worker and its jobs print is lost'); // P2
    this.#follow(one);
    return true;
  }

  async #findReplaced(owner: Owner): Promise<void> {
    const liveness = await isAlive(owner);
    if (liveness !== 'unknown') this.#groups.add(owner); // its jobs may live
    if (liveness !== 'alive') return;
    const one = foundWorker(owner);
    this.#replaced.add(one);
    this.#follow(one);
  }

  #connects(pid: number): Promise<boolean> {
    if (this.#earlyHellos.has(pid)) return Promise.resolve(true);
    return new Promise((resolve) => {
      const waiting = setTimeout(() => resolve(false), ADOPTION_MS);
      this.#adoptedHello = () => {
        clearTimeout(waiting);
        resolve(true);
      };
    });
  }
}

const endedEarly = (agentFile: string, code: number): string => {
  const advice =
    code === 0
      ? 'does it call runWorker(import.meta.url)?'
      : 'its own error is printed above; correct the file and start again.';
  return `${agentFile} ended with code ${code} before it was a worker: ${advice}`;
};
