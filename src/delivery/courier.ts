/**
 * The keeper's end of the courier: a carrier whose attempts are made by a process that may be killed (courier-process.ts).
 *
 *   K1  What does not come back in time is not waited for: the courier is killed, and another one carries what comes next.
 *   K2  A row that was in flight at two deaths of couriers (the store counts) runs alone from then on: nobody else dies of it.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import { messageOf } from '../errors/thrown.ts';
import { settledWithin } from '../waiting/deadline.ts';
import { NO_BODY, type AttemptOutcome, type Carrier } from './courier-messages.ts';
import { CourierProcess, LOST } from './courier-process.ts';
import { CourierRecord } from './courier-record.ts';
import { ATTEMPT_MS, endedBy, openSender } from './send.ts';

/** K2. */
const MOST_DEATHS = 2;
/** A process that cannot be had is not asked for all the time. */
const FORK_PAUSE_MS = 1_000;
const BODY_MS = 10_000;
const ENDING_MS = 2_000;
const CLOSE_MS = 1_000;

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

/** *Effect.* Forks the first process with the first attempt. */
export function openCourier(options: CourierOptions): Carrier {
  const { directory, log, file, child, attemptMs = ATTEMPT_MS } = options;
  const here = openSender({ attemptMs });
  const record = new CourierRecord(directory, log);
  const couriers = new Set<CourierProcess>();
  let common: CourierProcess | undefined;
  /** The turns of rows that run alone, their process, and how many of them wait or run. */
  let lone: Promise<unknown> = Promise.resolve();
  let apart: CourierProcess | undefined;
  let inLine = 0;
  let forkedAt = -Infinity;
  let isClosed = false;

  const bodyOf = async (delivery: string): Promise<string> => {
    const read = await settledWithin(options.body(delivery), BODY_MS);
    if (read.kind === 'settled' && read.value !== undefined) return read.value;
    throw read.kind === 'failed'
      ? read.error
      : new Error(read.kind === 'settled' ? NO_BODY : 'its body was not read in time');
  };

  const start = async (): Promise<CourierProcess> => {
    await pause(Math.max(0, forkedAt + FORK_PAUSE_MS - performance.now()));
    forkedAt = performance.now();
    const courier = new CourierProcess({ attemptMs, file, bodyOf, record, log, ...(child !== undefined && { child }) });
    couriers.add(courier);
    void courier.ended.then(() => couriers.delete(courier));
    await record.written(); // K3 of courier-record.ts: before it carries anything
    return courier;
  };

  let starting: Promise<CourierProcess> | undefined;
  const forAll = async (): Promise<CourierProcess> => {
    if (common?.isOpen) return common;
    starting ??= start().finally(() => (starting = undefined));
    common = await starting;
    return common;
  };
  /** K2. One after the other: a process that dies of one of them dies with nobody else's row, and the next one has another. */
  const alone = (carry: (courier: CourierProcess) => Promise<AttemptOutcome>): Promise<AttemptOutcome> => {
    inLine += 1;
    const turn = lone.then(async () => {
      try {
        if (!apart?.isOpen) apart = await start();
        return await carry(apart);
      } finally {
        inLine -= 1;
        if (inLine === 0) apart?.end();
      }
    });
    lone = turn.catch(() => undefined);
    return turn;
  };

  return {
    async attempt(destination, row, stop, begin) {
      const carry = (courier: CourierProcess) => courier.carry(destination, row, begin, stop);
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
      const ends = [...couriers].map(({ ended }) => ended);
      for (const courier of couriers) courier.end();
      await settledWithin(Promise.all(ends), ENDING_MS);
      await Promise.all([record.written(), settledWithin(here.close(), CLOSE_MS)]);
    },
  };
}
