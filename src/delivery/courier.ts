/**
 * The keeper's end of the courier: a sender whose attempts are made by a process that may be killed.
 *
 *   K1  What does not come back in time is not waited for: the courier is killed, with the modules that it runs, and
 *       another one carries what comes next.
 *   K4  Bodies are read by the courier, from the database's file; only where there is none (in memory) do they travel.
 *   K2  A row that was in flight at two deaths of couriers (the store counts) runs alone from then on: nobody else dies of it.
 *   K3  Which processes there are stands in `courier.json`, so that the next keeper can end what this one leaves.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import { forward } from '../output/child-output.ts';
import type { Owner } from '../journal/entry.ts';
import { isAlive, ownerOf } from '../journal/owner.ts';
import type { Destination } from '../link/destination.ts';
import { standardError } from '../output/standard-output.ts';
import { messageOf } from '../errors/thrown.ts';
import { settledWithin } from '../waiting/deadline.ts';
import type { Carrier, FromCourier, AttemptOutcome, ToCourier } from './courier-messages.ts';
import { NO_BODY } from './courier-messages.ts';
import { killGroup } from './kill-group.ts';
import { ATTEMPT_MS, endedBy, openSender } from './send.ts';
import { sentTogether } from '../link/sent-together.ts';

/** Beyond an attempt's own deadline, which the courier keeps itself: it has to be stuck by then. */
const STUCK_MS = 5_000;
/** K2. */
const MOST_DEATHS = 2;
/** A process that cannot be had is not asked for all the time. */
const FORK_PAUSE_MS = 1_000;
const RECORD_MS = 1_000;
const BODY_MS = 10_000;
const ENDING_MS = 2_000;
const ENDING_POLL_MS = 20;
/**
 * Threads for files and names in a courier. Node has four for a process: two names that nobody answers for, or four writes
 * to a dead share, and nobody else gets through. They cost an address range each until they are used.
 */
const THREADS = 64;

// Beside this file, in the sources as in the build.
const childFile = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './courier-child.ts' : './courier-child.js', import.meta.url),
);

const LOST: AttemptOutcome = { kind: 'unbegun', error: 'the row has another owner now' };

type Row = Parameters<Carrier['attempt']>[1];
type Ride = {
  isBegun: boolean;
  begin: () => Promise<boolean>;
  finish: (outcome: AttemptOutcome) => void;
  timer: NodeJS.Timeout;
};

export type CourierOptions = {
  /** LASTWORD_DIR. */
  directory: string;
  /** A row's body; undefined when there is none. Asked for what this process prints itself, and where `file` is none. */
  body: (delivery: string) => Promise<string | undefined>;
  /** The database, for the courier to read. Undefined: it is in memory. */
  file?: string;
  log: Logger;
  /** For a whole attempt, in milliseconds; default 15,000. */
  attemptMs?: number;
  /** For tests: a build of courier-child.ts. */
  child?: string;
};

/** One process, and what it carries. */
type Runner = {
  readonly isOpen: boolean;
  readonly ended: Promise<unknown>;
  carry(destination: Destination, row: Row, begin: () => Promise<boolean>, stop: AbortSignal): Promise<AttemptOutcome>;
  end(): void;
};

/** *Effect.* Forks the first process with the first attempt. */
export function openCourier(options: CourierOptions): Carrier {
  const { directory, log, file, attemptMs = ATTEMPT_MS, child = childFile } = options;
  const here = openSender({ attemptMs });
  /** Everything of ours that runs, for whoever comes after us. */
  const processes = new Set<number>();
  const runners = new Set<Runner>();
  let common: Runner | undefined;
  let lone: Promise<unknown> = Promise.resolve();
  let forkedAt = -Infinity;
  let recording: Promise<unknown> = Promise.resolve();
  let isClosed = false;

  const bodyOf = async (delivery: string): Promise<string> => {
    const read = await settledWithin(options.body(delivery), BODY_MS);
    if (read.kind === 'settled' && read.value !== undefined) return read.value;
    throw read.kind === 'failed'
      ? read.error
      : new Error(read.kind === 'settled' ? NO_BODY : 'its body was not read in time');
  };

  const record = () => {
    recording = recording
      .then(() => writeRecord(directory, processes))
      .catch((error: unknown) => log.warn({ err: error }, 'the courier could not be written down'));
    return recording;
  };

  const start = async (): Promise<Runner> => {
    await pause(Math.max(0, forkedAt + FORK_PAUSE_MS - performance.now()));
    forkedAt = performance.now();
    const courier = fork(child, [String(attemptMs), file ?? ''], {
      detached: true, // a group of its own, which is killed as a whole
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'], // standard output may be a destination
      execArgv: process.execArgv.filter((argument) => !argument.startsWith('--inspect')),
      env: { UV_THREADPOOL_SIZE: String(THREADS), ...process.env },
      serialization: 'advanced',
    });
    for (const stream of [courier.stdout, courier.stderr]) forward(stream, standardError());
    const runner = run(courier);
    runners.add(runner);
    await settledWithin(record(), RECORD_MS); // K3; a disk that hangs holds nobody
    return runner;
  };

  const run = (courier: ChildProcess): Runner => {
    const rides = new Map<number, Ride>();
    const modules = new Set<number>();
    const said = new Map<string, Destination>();
    let lastRide = 0;
    let isOpen = true;
    const { pid } = courier;
    if (pid !== undefined) processes.add(pid);

    const send = sentTogether<ToCourier>((messages) => {
      if (courier.connected) courier.send(messages, () => undefined); // `exit` tells the rest
    });
    const settle = (ride: number, outcome: AttemptOutcome) => {
      const one = rides.get(ride);
      if (!one) return;
      rides.delete(ride);
      clearTimeout(one.timer);
      one.finish(outcome);
      leaveIfDone();
    };
    const leaveIfDone = () => {
      if (!isOpen && rides.size === 0) kill();
    };
    const kill = () => {
      isOpen = false;
      for (const one of [pid, ...modules]) killGroup(one);
    };
    const die = (why: string) => {
      isOpen = false;
      if (rides.size > 0) log.error({ courierPid: pid, inFlight: rides.size }, `the courier ended: ${why}`);
      kill();
      const error = `the process that delivers ended: ${why}`;
      for (const [number, { isBegun }] of rides)
        settle(number, { kind: isBegun ? 'failed' : 'unbegun', error, hasDied: true });
      for (const one of [pid, ...modules]) if (one !== undefined) processes.delete(one);
      runners.delete(runner);
      void record();
    };
    const take = (message: FromCourier) => {
      switch (message.type) {
        case 'begin':
          return void begin(message.ride);
        case 'done':
          return settle(message.ride, message.outcome);
        case 'module': {
          const { pid: module, isThere } = message;
          for (const set of [modules, processes]) set[isThere ? 'add' : 'delete'](module);
          return void record();
        }
        case 'worn':
          log.warn({ courierPid: pid }, 'a disk hangs; another courier carries what comes');
          isOpen = false;
          return leaveIfDone();
      }
    };
    courier.on('message', (messages: FromCourier[]) => messages.forEach(take));
    courier.once('error', (error) => die(messageOf(error)));
    courier.once('exit', (code, signal) => die(signal ?? `exit ${code}`));
    /** The attempt is written down first; who lost the row meanwhile, leaves it. */
    const begin = async (number: number) => {
      const ride = rides.get(number);
      if (!ride) return;
      try {
        if (await ride.begin()) {
          ride.isBegun = true;
          return send({ type: 'go', ride: number });
        }
        settle(number, LOST);
      } catch (error) {
        settle(number, { kind: 'unbegun', error: messageOf(error) });
      }
      send({ type: 'leave', ride: number });
    };
    const carry = async (destination: Destination, row: Row, begin: Ride['begin'], stop: AbortSignal) => {
      const body = file === undefined ? await bodyOf(row.delivery) : undefined; // K4
      const { delivery, session, report, destination: address, kind } = row;
      const number = (lastRide += 1);
      const onStop = () => send({ type: 'leave', ride: number });
      try {
        return await new Promise<AttemptOutcome>((finish) => {
          const onLate = () => die(`no answer within ${attemptMs + STUCK_MS} ms`); // K1
          rides.set(number, { isBegun: false, begin, finish, timer: setTimeout(onLate, attemptMs + STUCK_MS) });
          stop.addEventListener('abort', onStop, { once: true });
          if (said.get(destination.name) !== destination) send({ type: 'destination', destination });
          said.set(destination.name, destination);
          const carried = { delivery, session, report, destination: address, kind };
          send({ type: 'carry', ride: number, row: carried, ...(body !== undefined && { body }) });
          if (!isOpen && !courier.connected) die('it was gone before it took the row');
        });
      } finally {
        stop.removeEventListener('abort', onStop);
      }
    };
    const runner: Runner = {
      get isOpen() {
        return isOpen;
      },
      ended: new Promise((resolve) => void courier.once('exit', resolve)),
      carry,
      end: kill,
    };
    return runner;
  };

  let starting: Promise<Runner> | undefined;
  const forAll = async (): Promise<Runner> => {
    if (common?.isOpen) return common;
    starting ??= start().finally(() => (starting = undefined));
    common = await starting;
    return common;
  };
  /** K2. One after the other, each in a process that dies with nobody else's row. */
  const alone = (carry: (runner: Runner) => Promise<AttemptOutcome>): Promise<AttemptOutcome> => {
    const turn = lone.then(async () => {
      const runner = await start();
      try {
        return await carry(runner);
      } finally {
        runner.end();
      }
    });
    lone = turn.catch(() => undefined);
    return turn;
  };

  return {
    async attempt(destination, row, stop, begin) {
      const carry = (runner: Runner) => runner.carry(destination, row, begin, stop);
      try {
        // Standard output is this process's own, and its log's: nobody outside chooses it.
        if (destination.kind === 'stdout') {
          const body = await bodyOf(row.delivery);
          if (!(await begin())) return LOST;
          return await endedBy(stop, (ending) => here.attempt(destination, { ...row, body }, ending));
        }
        if (isClosed || stop.aborted) return { kind: 'unbegun', error: 'stopped before the request' };
        return await (row.deaths >= MOST_DEATHS ? alone(carry) : carry(await forAll()));
      } catch (error) {
        return { kind: 'unbegun', error: messageOf(error) };
      }
    },
    async close() {
      isClosed = true;
      const ends = [...runners].map(({ ended }) => ended);
      for (const runner of runners) runner.end();
      await settledWithin(Promise.all(ends), ENDING_MS);
      await settledWithin(Promise.all([recording, here.close()]), RECORD_MS);
    },
  };
}

const recordOf = (directory: string) => join(directory, 'courier.json');

async function writeRecord(directory: string, processes: ReadonlySet<number>): Promise<void> {
  const owners = await Promise.all([...processes].map(ownerOf));
  const path = recordOf(directory);
  await writeFile(`${path}.new`, JSON.stringify(owners), { mode: 0o600 });
  await rename(`${path}.new`, path);
}

/** *Effect.* K3. Ends what an earlier keeper's couriers left running. Never rejects. */
export async function endEarlierCouriers(directory: string, log: Logger): Promise<void> {
  const read = async () => JSON.parse(await readFile(recordOf(directory), 'utf8')) as Owner[];
  const found = await settledWithin(read(), RECORD_MS);
  if (found.kind !== 'settled' || !Array.isArray(found.value)) return; // none, or no record of ours
  for (const owner of found.value) {
    if ((await isAlive(owner)) !== 'alive') continue;
    log.warn({ courierPid: owner.pid }, 'a process that delivers outlived its keeper; killing it');
    killGroup(owner.pid);
    for (const until = performance.now() + ENDING_MS; performance.now() < until; await pause(ENDING_POLL_MS))
      if ((await isAlive(owner)) !== 'alive') break;
  }
}
