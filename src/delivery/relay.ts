/**
 * The relay: takes due rows from the store, makes one attempt at each, and writes what follows back as a row.
 *
 * It owns the attempts in flight and one timer; every retry is a row, so a relay may die at any instant. A destination
 * is a lane of its own: a receiver that is dead or slow fills its lane, and the store passes its other rows over.
 *
 *   L1  a row is attempted only under a lease, and settled only with it; without an answer it is never called delivered
 *   L2  no more than `each` attempts at one destination and `total` in all; no lane waits for another
 *   L3  a store that fails is asked again; an attempt that worked is written down before anything else happens to its row
 *   L4  with no destination known (a new keeper before its worker has spoken) no row is touched
 */
import { setMaxListeners } from 'node:events';
import type { Logger } from 'pino';
import { decide, defaultDeliveryPolicy } from '../../machines/delivery.ts';
import type { DeliveryDecision, DeliveryPolicy } from '../../machines/delivery.ts';
import { forPeople } from '../for-people.ts';
import type { Destination } from '../link/destination.ts';
import type { Claimed, Delivery, Settlement, Store } from '../store/store.ts';
import type { Outcome } from './courier-messages.ts';
import { addressForPeople, readAddress } from './metadata-url.ts';
import type { Sender } from './send.ts';

/** Anyone may enqueue a row (`redeliver`), also without telling us. */
const POLL_MS = 1_000;
/** A lease outlives the longest wait in a full lane: `BATCH` rows, four at a time, 15 s each. */
const LEASE_MS = 300_000;
const BATCH = 32;
const RECLAIM_MS = 30_000;
/** For one answer of the store. */
const STORE_MS = 10_000;
const SETTLE_TRIES = 5;
const STOP_MS = 2_000;
/** After an attempt that was not even begun: the courier died, and the next one is there by then. */
const UNBEGUN_MS = 1_000;
const MOST_COUNTED = 1_000;

export type Timers = {
  setTimeout: (run: () => void, milliseconds: number) => unknown;
  clearTimeout: (timer: never) => void;
};

export type RelayOptions = {
  store: Store;
  /** Asked before each round: a worker may bring its destinations late, or others. */
  destinations: () => readonly Destination[];
  /**
   * Whose leases these are. Stable over restarts of this keeper and its alone: rows that bear it at the start were held
   * by a predecessor that died.
   */
  owner: string;
  log: Logger;
  /** Attempts at the same time: in all (default 200), and at one destination (default 4). */
  concurrency?: { total?: number; each?: number };
  policy?: DeliveryPolicy;
  /** Makes the attempts: in the keeper, by its courier. */
  sender: Sender;
  now?: () => number;
  random?: () => number;
  timers?: Timers;
  /** After the row was written. What they throw is logged. */
  onDelivered?: (delivery: Delivery) => void;
  onDead?: (delivery: Delivery, error: string) => void;
};

export type Relay = {
  /** There may be something to do: a report was sealed, a worker brought destinations. */
  wake(): void;
  /**
   * Waits until nothing is in flight and nothing falls due before the deadline; `pending` rows are still owed then (up
   * to 1,000 are counted), and a later relay goes on with them.
   */
  settled(deadlineMs: number): Promise<{ pending: number }>;
  /** Ends what is in flight and gives its rows back. */
  stop(): Promise<void>;
};

type Lane = { running: number; queue: Claimed[] };
type Waiter = { until: number; leave: () => void };

/** Effect. Starts at once. */
export const startRelay = (options: RelayOptions): Relay => {
  const { store, destinations, owner, log, sender, policy = defaultDeliveryPolicy } = options;
  const { total = 200, each = 4 } = options.concurrency ?? {};
  const now = options.now ?? Date.now;
  const random = options.random ?? Math.random;
  const timers: Timers = options.timers ?? globalThis;

  const lanes = new Map<string, Lane>();
  const running = new Set<Promise<void>>();
  const waiters = new Set<Waiter>();
  const stopping = new AbortController();
  setMaxListeners(0, stopping.signal); // one for each attempt in flight: many, and no leak
  let held = 0; // claimed and not settled: running, or queued in a lane
  let pumping: Promise<void> | undefined;
  let isWanted = false;
  let hasBegun = false;
  let reclaimedAt = now();
  let timer: unknown;

  const within = async <Value>(asked: Promise<Value>, what: string): Promise<Value> => {
    let limit: unknown;
    const late = new Promise<never>((_, reject) => {
      limit = timers.setTimeout(
        () => reject(new Error(`${what}: the store gave no answer in ${STORE_MS} ms`)),
        STORE_MS,
      );
    });
    try {
      return await Promise.race([asked, late]);
    } finally {
      timers.clearTimeout(limit as never);
    }
  };
  const pause = (milliseconds: number): Promise<void> =>
    new Promise((resolve) => void timers.setTimeout(resolve, milliseconds));

  const told = (hook: () => void): void => {
    try {
      hook();
    } catch (error) {
      log.error({ err: error }, 'a hook of the relay has thrown');
    }
  };

  const settlementOf = (decision: DeliveryDecision): Settlement => {
    switch (decision.kind) {
      case 'delivered':
        return { kind: 'delivered', at: now() };
      case 'retry':
        return { kind: 'retry', nextAt: now() + decision.afterMs, error: forPeople(decision.error) };
      case 'dead':
        return { kind: 'dead', at: now(), error: forPeople(decision.error) };
    }
  };

  /** L3. False when the row is no longer ours, or the store did not take it: then its lease brings it back. */
  const writeDown = async (row: Claimed, settlement: Settlement): Promise<boolean> => {
    for (let attempt = 1; attempt <= SETTLE_TRIES; attempt += 1) {
      try {
        return await within(store.settle(row.delivery, row.lease, settlement), 'settle');
      } catch (error) {
        log.warn({ err: error, delivery: row.delivery, attempt }, 'a delivery could not be written down');
        if (attempt < SETTLE_TRIES) await pause(100 * 2 ** attempt);
      }
    }
    log.error(
      { delivery: row.delivery },
      `a delivery was ${settlement.kind} and the store did not take it: it will be sent again`,
    );
    return false;
  };

  const settle = async (row: Claimed, outcome: Outcome): Promise<void> => {
    // Ended by us: nobody knows whether the receiver has it, and stop() gives the row back.
    if (stopping.signal.aborted && (outcome.kind === 'failed' || outcome.kind === 'unbegun')) return;
    const settlement: Settlement =
      outcome.kind === 'unbegun'
        ? { kind: 'retry', nextAt: now() + UNBEGUN_MS, error: outcome.error }
        : settlementOf(decide(row, outcome, policy, random()));
    if (!(await writeDown(row, settlement))) return;
    const { delivery, session, attempts } = row;
    const facts = { session, delivery, destination: addressForPeople(row.destination), attempts };
    switch (settlement.kind) {
      case 'delivered':
        log.info(facts, `${row.kind} delivered`);
        told(() => options.onDelivered?.(row));
        break;
      case 'retry':
        log.warn(
          { ...facts, nextAt: settlement.nextAt },
          `${row.kind} not delivered, will be tried again: ${settlement.error}`,
        );
        break;
      case 'dead':
        log.error(facts, `${row.kind} not delivered, dead letter: ${settlement.error}`);
        told(() => options.onDead?.(row, settlement.error));
        break;
    }
  };

  const attempt = async (row: Claimed): Promise<void> => {
    const { name } = readAddress(row.destination);
    const destination = destinations().find((one) => one.name === name);
    await settle(
      row,
      destination === undefined
        ? { kind: 'failed', error: `no destination named "${forPeople(name)}" is configured` }
        : await sender.attempt(destination, row, stopping.signal),
    );
  };

  const advance = (address: string, lane: Lane): void => {
    while (lane.running < each && !stopping.signal.aborted) {
      const row = lane.queue.shift();
      if (row === undefined) break;
      lane.running += 1;
      const done = attempt(row)
        .catch((error: unknown) =>
          log.error({ err: error, delivery: row.delivery }, 'an attempt has failed in the relay'),
        )
        .finally(() => {
          running.delete(done);
          lane.running -= 1;
          held -= 1;
          advance(address, lane);
          if (lane.running === 0 && lane.queue.length === 0) lanes.delete(address);
          wake();
        });
      running.add(done);
    }
  };

  const accept = (row: Claimed): void => {
    const lane = lanes.get(row.destination) ?? { running: 0, queue: [] };
    lanes.set(row.destination, lane);
    lane.queue.push(row);
    held += 1;
    advance(row.destination, lane);
  };

  const nextDue = (): Promise<number | undefined> => within(store.nextDue(), 'next due');

  /** Claims what there is room for; returns when the next row falls due. */
  const round = async (): Promise<number | undefined> => {
    if (!hasBegun || now() - reclaimedAt >= RECLAIM_MS) {
      await within(store.reclaim({ now: now(), ...(!hasBegun && { deadOwner: owner }) }), 'reclaim');
      hasBegun = true;
      reclaimedAt = now();
    }
    for (;;) {
      const due = await nextDue();
      const limit = Math.min(BATCH, total - held);
      // L4, and a round that would only take the write lock of the database for nothing
      if (due === undefined || due > now() || limit <= 0 || destinations().length === 0) return due;
      if (stopping.signal.aborted) return due;
      const except = [...lanes].filter(([, lane]) => lane.running + lane.queue.length >= each).map(([name]) => name); // L2
      const rows = await within(store.claim({ owner, now: now(), limit, leaseMs: LEASE_MS, except }), 'claim');
      for (const row of rows) accept(row);
      if (rows.length < limit) return nextDue();
    }
  };

  const release = (due: number | undefined): void => {
    const isIdle = held === 0 && !isWanted;
    for (const waiter of waiters) {
      if (isIdle && (due === undefined || due > waiter.until || destinations().length === 0)) waiter.leave();
    }
  };

  const pump = async (): Promise<void> => {
    timers.clearTimeout(timer as never);
    let waitMs = POLL_MS;
    try {
      let due: number | undefined;
      do {
        isWanted = false;
        due = await round();
      } while (isWanted && !stopping.signal.aborted);
      // A row that is due and was not claimed waits for its lane: the end of an attempt wakes us.
      if (due !== undefined && due > now()) waitMs = Math.min(POLL_MS, due - now());
      release(due);
    } catch (error) {
      isWanted = false; // the timer asks again: not at once, and not for ever without a pause
      log.error({ err: error }, 'the relay cannot read its store; it will ask again');
    }
    pumping = undefined;
    if (stopping.signal.aborted) return;
    if (isWanted) wake();
    else timer = timers.setTimeout(wake, waitMs);
  };
  function wake(): void {
    if (stopping.signal.aborted) return;
    if (pumping === undefined) pumping = pump();
    else isWanted = true;
  }

  const pending = async (): Promise<number> => {
    const lists = await Promise.all(
      (['due', 'delivering'] as const).map((state) =>
        within(store.deliveries({ state, limit: MOST_COUNTED }), 'count'),
      ),
    );
    return Math.min(MOST_COUNTED, lists.flat().length);
  };

  const settled = async (deadlineMs: number): Promise<{ pending: number }> => {
    await new Promise<void>((resolve) => {
      const waiter: Waiter = {
        until: now() + deadlineMs,
        leave: () => {
          timers.clearTimeout(limit as never);
          waiters.delete(waiter);
          resolve();
        },
      };
      const limit = timers.setTimeout(waiter.leave, deadlineMs);
      waiters.add(waiter);
      if (stopping.signal.aborted) waiter.leave();
      else wake();
    });
    try {
      return { pending: await pending() };
    } catch (error) {
      log.error({ err: error }, 'the relay could not count what is still owed');
      return { pending: held };
    }
  };

  const end = async (): Promise<void> => {
    stopping.abort();
    timers.clearTimeout(timer as never);
    for (const waiter of waiters) waiter.leave();
    let limit: unknown;
    const late = new Promise<void>((resolve) => {
      limit = timers.setTimeout(resolve, STOP_MS);
    });
    await Promise.race([Promise.allSettled([pumping, ...running]), late]);
    timers.clearTimeout(limit as never);
    try {
      await within(store.reclaim({ now: now(), deadOwner: owner }), 'reclaim');
    } catch (error) {
      log.warn({ err: error }, 'what was in flight could not be given back; the next relay takes it');
    }
    await sender.close();
  };

  let ended: Promise<void> | undefined;
  wake();
  return { wake, settled, stop: () => (ended ??= end()) };
};
