/**
 * One courier, and what it carries.
 *
 *   K1  What does not come back in time is not waited for: it is killed, with the modules that it runs.
 *   K4  Bodies are read by the courier, from the database's file; only where there is none (in memory) do they travel.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import { messageOf } from '../errors/thrown.ts';
import type { Destination } from '../link/destination.ts';
import { sentTogether } from '../link/sent-together.ts';
import { forward } from '../output/child-output.ts';
import { standardError } from '../output/standard-output.ts';
import type { AttemptOutcome, Carrier, FromCourier, ToCourier } from './courier-messages.ts';
import type { CourierRecord } from './courier-record.ts';
import { killGroup } from './kill-group.ts';

/** Beyond an attempt's own deadline, which the courier keeps itself: it has to be stuck by then. */
const STUCK_MS = 5_000;
/**
 * Threads for files and names in a courier. Node has four for a process: two names that nobody answers for, or four writes
 * to a dead share, and nobody else gets through. They cost an address range each until they are used.
 */
const THREADS = 64;

// Beside this file, in the sources as in the build.
const childFile = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './courier-child.ts' : './courier-child.js', import.meta.url),
);

export const LOST: AttemptOutcome = { kind: 'unbegun', error: 'the row has another owner now' };

export type CarriedRow = Parameters<Carrier['attempt']>[1];
type Ride = {
  isBegun: boolean;
  begin: () => Promise<boolean>;
  finish: (outcome: AttemptOutcome) => void;
  timer: NodeJS.Timeout;
};

export type CourierProcessOptions = {
  /** For a whole attempt, in milliseconds. */
  attemptMs: number;
  /** The database, for the courier to read. Undefined: it is in memory. */
  file: string | undefined;
  /** For a row that the courier cannot read. */
  bodyOf: (delivery: string) => Promise<string>;
  record: CourierRecord;
  log: Logger;
  /** For tests: a build of courier-child.ts. */
  child?: string;
};

export class CourierProcess {
  /** Resolves when the process has ended, or never began. */
  readonly ended: Promise<unknown>;
  readonly #options: CourierProcessOptions;
  readonly #process: ChildProcess;
  readonly #rides = new Map<number, Ride>();
  /** Its children that run users' modules: whoever ends it, ends them. */
  readonly #modules = new Set<number>();
  /** Destinations that it knows by name. */
  readonly #said = new Map<string, Destination>();
  readonly #send: (message: ToCourier) => void;
  #lastRide = 0;
  #isOpen = true;

  /** *Effect.* Forks it. */
  constructor(options: CourierProcessOptions) {
    const { attemptMs, file, child = childFile, record } = options;
    this.#options = options;
    const courier = fork(child, [String(attemptMs), file ?? ''], {
      detached: true, // a group of its own, which is killed as a whole
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'], // standard output may be a destination
      execArgv: process.execArgv.filter((argument) => !argument.startsWith('--inspect')),
      env: { UV_THREADPOOL_SIZE: String(THREADS), ...process.env },
    });
    this.#process = courier;
    for (const stream of [courier.stdout, courier.stderr]) forward(stream, standardError());
    record.add(courier.pid);
    this.#send = sentTogether<ToCourier>((messages) => {
      if (courier.connected) courier.send(messages, () => undefined); // `exit` tells the rest
    });
    courier.on('message', (messages: FromCourier[]) => {
      for (const message of messages) this.#take(message);
    });
    courier.once('error', (error) => this.#die(messageOf(error)));
    courier.once('exit', (code, signal) => this.#die(signal ?? `exit ${code}`));
    this.ended = new Promise((resolve) => void courier.once('exit', resolve).once('error', resolve));
  }

  /** It takes what comes. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  async carry(
    destination: Destination,
    row: CarriedRow,
    begin: () => Promise<boolean>,
    stop: AbortSignal,
  ): Promise<AttemptOutcome> {
    const { attemptMs, file, bodyOf } = this.#options;
    const body = file === undefined ? await bodyOf(row.delivery) : undefined; // K4
    const { delivery, session, report, destination: address, kind } = row;
    const ride = (this.#lastRide += 1);
    const onStop = () => this.#send({ type: 'leave', ride });
    try {
      return await new Promise<AttemptOutcome>((finish) => {
        const onLate = () => this.#die(`no answer within ${attemptMs + STUCK_MS} ms`); // K1
        this.#rides.set(ride, { isBegun: false, begin, finish, timer: setTimeout(onLate, attemptMs + STUCK_MS) });
        stop.addEventListener('abort', onStop, { once: true });
        if (this.#said.get(destination.name) !== destination) this.#send({ type: 'destination', destination });
        this.#said.set(destination.name, destination);
        const carried = { delivery, session, report, destination: address, kind };
        this.#send({ type: 'carry', ride, to: destination.name, row: carried, ...(body !== undefined && { body }) });
        if (!this.#isOpen && !this.#process.connected) this.#die('it was gone before it took the row');
      });
    } finally {
      stop.removeEventListener('abort', onStop);
    }
  }

  /** *Effect.* Kills it, with all that it started. */
  end(): void {
    this.#isOpen = false;
    for (const pid of this.#pids) killGroup(pid);
  }

  get #pids(): (number | undefined)[] {
    return [this.#process.pid, ...this.#modules];
  }

  #take(message: FromCourier): void {
    const { record, log } = this.#options;
    switch (message.type) {
      case 'begin':
        return void this.#begin(message.ride);
      case 'done':
        return this.#settle(message.ride, message.outcome);
      case 'module':
        if (message.isThere) {
          this.#modules.add(message.pid);
          return record.add(message.pid);
        }
        this.#modules.delete(message.pid);
        return record.remove(message.pid);
      case 'worn':
        log.warn({ courierPid: this.#process.pid }, 'a disk hangs; another courier carries what comes');
        this.#isOpen = false;
        return this.#leaveIfDone();
    }
  }

  /** The attempt is written down first; who lost the row meanwhile, leaves it. */
  async #begin(number: number): Promise<void> {
    const ride = this.#rides.get(number);
    if (!ride) return;
    try {
      if (await ride.begin()) {
        ride.isBegun = true;
        return this.#send({ type: 'go', ride: number });
      }
      this.#settle(number, LOST);
    } catch (error) {
      this.#settle(number, { kind: 'unbegun', error: messageOf(error) });
    }
    this.#send({ type: 'leave', ride: number });
  }

  #settle(number: number, outcome: AttemptOutcome): void {
    const ride = this.#rides.get(number);
    if (!ride) return;
    this.#rides.delete(number);
    clearTimeout(ride.timer);
    ride.finish(outcome);
    this.#leaveIfDone();
  }

  #leaveIfDone(): void {
    if (!this.#isOpen && this.#rides.size === 0) this.end();
  }

  #die(why: string): void {
    const { record, log } = this.#options;
    const inFlight = this.#rides.size;
    if (inFlight > 0) log.error({ courierPid: this.#process.pid, inFlight }, `the courier ended: ${why}`);
    this.end();
    const error = `the process that delivers ended: ${why}`;
    for (const [number, { isBegun }] of this.#rides)
      this.#settle(number, { kind: isBegun ? 'failed' : 'unbegun', error, hasDied: true });
    record.remove(...this.#pids);
  }
}
