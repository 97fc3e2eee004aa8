/**
 * The relay: takes due rows from the store, has one attempt made at each (attempts.ts), and writes what follows back.
 *
 * It owns the attempts in flight and one timer; every retry is a row, so a relay may die at any instant. A receiver is a
 * lane of its own (lane.ts): one that is dead or slow has its few places (places.ts), and its other rows are passed over.
 *
 *   L4  rows of destinations that this worker does not have are another's, and are not touched; they are said
 */
import { setMaxListeners } from 'node:events';
import type { Logger } from 'pino';
import { defaultDeliveryPolicy, type DeliveryPolicy } from '../../machines/delivery.ts';
import type { Destination } from '../link/destination.ts';
import { forPeople } from '../output/for-people.ts';
import type { Claimed, Delivery, Store } from '../store/store.ts';
import { attempts } from './attempts.ts';
import type { Carrier } from './courier-messages.ts';
import { SMALLEST_WINDOW } from './lane.ts';
import { Places } from './places.ts';
import { relayClock, type ClockOptions } from './relay-clock.ts';

/** Anyone may enqueue a row (`redeliver`), also without telling us. */
const POLL_MS = 1_000;
/** A lease outlives an attempt that gets stuck (20 s), also where rows that kill are carried one after the other. */
const LEASE_MS = 60_000;
const BATCH = 128;
const RECLAIM_MS = 30_000;
const STOP_MS = 2_000;

const ADVICE = 'they are left to a worker that has them; or give this one a destination of the name, or `redeliver`';

export type RelayOptions = ClockOptions & {
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
  /** After the row was written. What they throw is logged. */
  onDelivered?: (delivery: Delivery) => void;
  onRetry?: (delivery: Delivery) => void;
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

type Waiter = { until: number; leave: () => void };

/** Effect. Starts at once. */
export const startRelay = (options: RelayOptions): Relay => {
  const { store, destinations, owner, log, sender, policy = defaultDeliveryPolicy, total = 768 } = options;
  const longestMs = Math.max(...policy.schedule) * (1 + policy.jitter);
  const furthestMs = Math.max(longestMs, policy.retryAfterMaxMs, LEASE_MS);
  const clock = relayClock(options);
  const { now, timers, within } = clock;

  const places = new Places(total);
  const running = new Set<Promise<void>>();
  const waiters = new Set<Waiter>();
  const stopping = new AbortController();
  setMaxListeners(0, stopping.signal); // one for each attempt in flight: many, and no leak
  const attempt = attempts({ ...options, destinations, policy, clock, stop: stopping.signal });
  let unknownNames = '';
  let pumping: Promise<void> | undefined;
  let isWanted = false;
  /** Of which kinds (L5) the last claim took rows: more may wait. */
  const owing = new Set<boolean>();
  let hasBegun = false;
  let reclaimedAt = now();
  let timer: unknown;

  const accept = (row: Claimed, isStrangers: boolean): void => {
    const place = places.take(row.lane, isStrangers);
    const done = attempt(row, place)
      .catch((error: unknown) =>
        log.error({ err: error, delivery: row.delivery }, 'an attempt has failed in the relay'),
      )
      .finally(() => {
        running.delete(done);
        place.leave();
        wake();
      });
    running.add(done);
  };

  /** Names of destinations, by who chooses their receivers. */
  const kinds = () => {
    const names = { own: [] as string[], strangers: [] as string[] };
    for (const one of destinations())
      names[one.kind === 'webhook' && one.fromMetadata !== undefined ? 'strangers' : 'own'].push(one.name);
    return [
      { isStrangers: false, names: names.own },
      { isStrangers: true, names: names.strangers },
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
    for (const { isStrangers, names } of kinds()) {
      for (;;) {
        const limit = Math.min(BATCH, places.free(isStrangers));
        if (stopping.signal.aborted || names.length === 0 || limit <= 0) break;
        // A claim would take the write lock of the database for nothing.
        if (!owing.has(isStrangers) && !isDue(await nextDue(names))) break;
        const ask = { owner, now: now(), limit, leaseMs: LEASE_MS, names, each: SMALLEST_WINDOW };
        const rows = await within(store.claim({ ...ask, seats: places.seats() }), 'claim');
        for (const row of rows) accept(row, isStrangers);
        owing[rows.length > 0 ? 'add' : 'delete'](isStrangers);
        if (rows.length < limit) break;
      }
    }
    if (owing.size > 0 && places.held > 0) return now(); // the end of an attempt asks again
    owing.clear();
    return nextDue();
  };

  const release = (due: number | undefined): void => {
    const isIdle = places.held === 0 && !isWanted;
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
      return { pending: places.held };
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
