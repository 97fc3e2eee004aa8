/**
 * The relay: takes due rows from the store, makes one attempt at each, and writes what follows back as a row.
 *
 * It owns the attempts in flight and one timer; every retry is a row, so a relay may die at any instant. A receiver is a
 * lane of its own (lane.ts): one that is dead or slow has its few places, and the store passes its other rows over.
 *
 *   L1  a row is attempted only under a lease, and settled only with it; without an answer it is never called delivered
 *   L2  claim durable → carried → begin durable → request → settled durable: what was claimed and not begun is no attempt
 *   L3  a store that fails is asked again; an attempt that worked is written down before anything else happens to its row
 *   L4  rows of destinations that this worker does not have are another's, and are not touched; they are said
 *   L5  receivers that strangers chose (URLs from metadata) have half of the places, however many they are
 */
import { setMaxListeners } from 'node:events';
import type { Logger } from 'pino';
import { decide, defaultDeliveryPolicy } from '../../machines/delivery.ts';
import type { DeliveryDecision, DeliveryPolicy } from '../../machines/delivery.ts';
import { forPeople } from '../output/for-people.ts';
import type { Destination } from '../link/destination.ts';
import type { Claimed, Delivery, Settlement, Store } from '../store/store.ts';
import type { Carrier, AttemptOutcome } from './courier-messages.ts';
import { SMALLEST_WINDOW, windowAfter } from './lane.ts';
import { addressForPeople, readAddress } from './metadata-url.ts';

/** Anyone may enqueue a row (`redeliver`), also without telling us. */
const POLL_MS = 1_000;
/** A lease outlives an attempt that gets stuck (20 s), also where rows that kill are carried one after the other. */
const LEASE_MS = 60_000;
const BATCH = 128;
/** Whose window is remembered: that many receivers; the others begin with the smallest. */
const MOST_LANES = 1_000;
const RECLAIM_MS = 30_000;
/** For one answer of the store. */
const STORE_MS = 10_000;
const SETTLE_TRIES = 5;
const STOP_MS = 2_000;
/** After an attempt that was not even begun: the courier died, and the next one is there by then. */
const UNBEGUN_MS = 1_000;

const ADVICE = 'they are left to a worker that has them; or give this one a destination of the name, or `redeliver`';

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
  /** Attempts at the same time, in all. Default 768: four receivers that are slow and well have theirs, and there is room. */
  total?: number;
  policy?: DeliveryPolicy;
  /** Makes the attempts: in the keeper, by its courier. */
  sender: Carrier;
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
   * Waits until nothing is in flight and nothing falls due before the deadline; `pending` rows are still owed then, and a
   * later relay goes on with them.
   */
  settled(deadlineMs: number): Promise<{ pending: number }>;
  /** Ends what is in flight and gives its rows back. */
  stop(): Promise<void>;
};

type Lane = { running: number; window: number };
type Waiter = { until: number; leave: () => void };

/** Effect. Starts at once. */
export const startRelay = (options: RelayOptions): Relay => {
  const { store, destinations, owner, log, sender, policy = defaultDeliveryPolicy } = options;
  const { total = 768 } = options;
  const longestMs = Math.max(...policy.schedule) * (1 + policy.jitter);
  const furthestMs = Math.max(longestMs, policy.retryAfterMaxMs, LEASE_MS);
  const now = options.now ?? Date.now;
  const random = options.random ?? Math.random;
  const timers: Timers = options.timers ?? globalThis;

  const lanes = new Map<string, Lane>();
  const running = new Set<Promise<void>>();
  const waiters = new Set<Waiter>();
  const stopping = new AbortController();
  setMaxListeners(0, stopping.signal); // one for each attempt in flight: many, and no leak
  let held = 0; // claimed and not settled
  let strangers = 0; // of them, to receivers that metadata named
  let unknownNames = '';
  let pumping: Promise<void> | undefined;
  let isWanted = false;
  /** Of which kinds (L5) the last claim took rows: more may wait. */
  const owing = new Set<boolean>();
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

  const settlementOf = (decision: DeliveryDecision, hasDied: boolean): Settlement => {
    switch (decision.kind) {
      case 'delivered':
        return { kind: 'delivered', at: now() };
      case 'retry':
        return { kind: 'retry', nextAt: now() + decision.afterMs, error: forPeople(decision.error), hasDied };
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

  const settle = async (row: Claimed, outcome: AttemptOutcome, begunAt: number | undefined): Promise<void> => {
    // Ended by us: nobody knows whether the receiver has it, and stop() gives the row back.
    if (stopping.signal.aborted && (outcome.kind === 'failed' || outcome.kind === 'unbegun')) return;
    const attempts = row.attempts + (begunAt === undefined ? 0 : 1);
    const hasDied = outcome.hasDied === true;
    const settlement: Settlement =
      outcome.kind === 'unbegun'
        ? { kind: 'retry', nextAt: now() + UNBEGUN_MS, error: outcome.error, hasDied }
        : settlementOf(
            decide({ attempts, sinceFirstMs: now() - (row.firstAt ?? begunAt ?? 0) }, outcome, policy, random()),
            hasDied,
          );
    if (!(await writeDown(row, settlement))) return;
    const { delivery, session } = row;
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

  const destinationOf = (row: Claimed) => {
    const { name } = readAddress(row.destination);
    return destinations().find((one) => one.name === name);
  };

  const attempt = async (row: Claimed, lane: Lane): Promise<void> => {
    const destination = destinationOf(row);
    if (destination === undefined) return void (await within(store.release(row.delivery, row.lease), 'give back'));
    let begunAt: number | undefined;
    const begin = async (): Promise<boolean> => {
      const at = now();
      if (!(await within(store.begin(row.delivery, row.lease, at), 'begin'))) return false; // L2
      begunAt = at;
      return true;
    };
    const outcome = await sender.attempt(destination, row, stopping.signal, begin);
    lane.window = windowAfter(lane.window, outcome, begunAt === undefined ? undefined : now() - begunAt);
    await settle(row, outcome, begunAt);
  };

  const accept = (row: Claimed, isStrangers: boolean): void => {
    const lane = lanes.get(row.lane) ?? { running: 0, window: SMALLEST_WINDOW };
    lanes.set(row.lane, lane);
    lane.running += 1;
    held += 1;
    if (isStrangers) strangers += 1;
    const done = attempt(row, lane)
      .catch((error: unknown) =>
        log.error({ err: error, delivery: row.delivery }, 'an attempt has failed in the relay'),
      )
      .finally(() => {
        running.delete(done);
        lane.running -= 1;
        held -= 1;
        if (isStrangers) strangers -= 1;
        if (lane.running === 0 && (lane.window === SMALLEST_WINDOW || lanes.size > MOST_LANES)) lanes.delete(row.lane);
        wake();
      });
    running.add(done);
  };

  /** L5: the names of one kind of destination, and how many attempts at them may be under way. */
  const kinds = () => {
    const names = { own: [] as string[], strangers: [] as string[] };
    for (const one of destinations())
      names[one.kind === 'webhook' && one.fromMetadata !== undefined ? 'strangers' : 'own'].push(one.name);
    return [
      { isStrangers: false, names: names.own, room: () => total - held },
      { isStrangers: true, names: names.strangers, room: () => Math.min(total - held, total / 2 - strangers) },
    ];
  };

  const nextDue = (names = destinations().map(({ name }) => name)): Promise<number | undefined> =>
    within(store.nextDue(names), 'next due');

  const isDue = (due: number | undefined): boolean => due !== undefined && due <= now();

  /** L4. Said when it changes. */
  const sayUnknown = async (): Promise<void> => {
    if (destinations().length === 0) return;
    const known = new Set(destinations().map(({ name }) => name));
    const others = Object.entries(await within(store.owedByName(), 'count')).filter(([name]) => !known.has(name));
    const said = others.map(([name]) => name).join('\n');
    if (said === unknownNames) return;
    unknownNames = said;
    const rows = Object.fromEntries(others.map(([name, count]) => [forPeople(name), count]));
    if (others.length > 0) log.warn({ rows }, `rows wait for destinations that this worker does not have: ${ADVICE}`);
  };

  const mend = async (): Promise<void> => {
    const deadOwner = hasBegun ? {} : { deadOwner: owner };
    await within(store.reclaim({ now: now(), furthestMs, ...deadOwner }), 'reclaim');
    hasBegun = true;
    reclaimedAt = now();
    await sayUnknown();
  };

  /**
   * Claims what there is room for; returns when the next row falls due. Where rows wait for places, a claim goes without
   * the question whether there are any: with each question a row waits for one more answer of the store.
   */
  const round = async (): Promise<number | undefined> => {
    // A clock that was put back must not stop it either.
    if (!hasBegun || Math.abs(now() - reclaimedAt) >= RECLAIM_MS) await mend();
    for (const { isStrangers, names, room } of kinds()) {
      for (;;) {
        const limit = Math.floor(Math.min(BATCH, room()));
        if (stopping.signal.aborted || names.length === 0 || limit <= 0) break;
        // A claim would take the write lock of the database for nothing.
        if (!owing.has(isStrangers) && !isDue(await nextDue(names))) break;
        const seats = Object.fromEntries([...lanes].map(([name, { window, running }]) => [name, window - running]));
        const ask = { owner, now: now(), limit, leaseMs: LEASE_MS, names, each: SMALLEST_WINDOW, seats };
        const rows = await within(store.claim(ask), 'claim');
        for (const row of rows) accept(row, isStrangers);
        owing[rows.length > 0 ? 'add' : 'delete'](isStrangers);
        if (rows.length < limit) break;
      }
    }
    if (owing.size > 0 && held > 0) return now(); // the end of an attempt asks again
    owing.clear();
    return nextDue();
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
    const owed = await within(store.owedByName(), 'count');
    return destinations().reduce((sum, { name }) => sum + (owed[name] ?? 0), 0);
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
      await within(store.reclaim({ now: now(), deadOwner: owner, furthestMs }), 'reclaim');
    } catch (error) {
      log.warn({ err: error }, 'what was in flight could not be given back; the next relay takes it');
    }
    await sender.close();
  };

  let ended: Promise<void> | undefined;
  wake();
  return { wake, settled, stop: () => (ended ??= end()) };
};
