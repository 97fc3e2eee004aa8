/**
 * The outbox in SQLite: rows that are due, leased, settled.
 *
 *   B1  A row that is leased is begun, settled and released only with its lease: a sender that was given up for dead
 *       changes nothing.
 *   B2  A claim goes from lane to lane, by an index: what it costs grows with the receivers that rows wait for, not with
 *       their rows. Behind a receiver that is dead there may be 100,000 of them.
 */
import { randomUUID } from 'node:crypto';
import { storeErrorOf, type Connection } from './sqlite-connection.ts';
import { DELIVERY_COLUMNS, deliveryOf, listedDeliveryOf } from './sqlite-rows.ts';
import type {
  ClaimAsk,
  Claimed,
  Delivery,
  DeliveryState,
  ListedDelivery,
  NewDelivery,
  Page,
  Settlement,
} from './store.ts';
import type { SessionId } from '../journal/ids.ts';

const INSERT = `
  insert into deliveries (delivery, session, report, destination, name, lane, kind, state, next_at, created_at)
  values (?1, ?2, ?3, ?4, substr(?4, 1, instr(?4 || ' => ', ' => ') - 1), ?5, ?6, 'due', ?7, ?8)
  on conflict (delivery) do nothing`;

/** A body that equals the sealed report's is kept once, however many destinations there are. */
const INSERT_BODY = `
  insert into delivery_bodies (delivery, body)
  select ?1, ?2 where not exists (select 1 from reports where session = ?3 and body = ?2)`;

const BODY = `
  select coalesce(b.body, r.body) as body from deliveries d
  left join delivery_bodies b on b.delivery = d.delivery
  left join reports r on r.session = d.session where d.delivery = ?`;

// The next queue, and when its first row is due: a seek each, whatever lies between. `(lane, name) > (?, ?)` would read all
// rows of the queue before.
const NEXT_IN_LANE = `
  select lane, name, next_at as head from deliveries indexed by deliveries_due
  where state = 'due' and lane = ? and name > ? order by name, next_at limit 1`;
const NEXT_LANE = `
  select lane, name, next_at as head from deliveries indexed by deliveries_due
  where state = 'due' and lane > ? order by lane, name, next_at limit 1`;

const OLDEST_OF = `
  select rowid as row, next_at as due from deliveries indexed by deliveries_due
  where state = 'due' and lane = ? and name = ? and next_at <= ? order by next_at limit ?`;

/** One statement for all that were chosen: alone, each would cost as much as all the rest of its delivery. */
const LEASE = `
  update deliveries set state = 'delivering', is_begun = 0, owner = ?, lease = ?, lease_until = ?
  where rowid in (select value from json_each(?)) returning ${DELIVERY_COLUMNS}`;

const BEGIN = `
  update deliveries set attempts = attempts + 1, first_at = coalesce(first_at, ?), is_begun = 1
  where delivery = ? and lease = ? and state = 'delivering' and is_begun = 0`;

/** A row of a receiver that is away for days must not grow with each attempt. */
const MOST_ATTEMPTS = 20;
/** Most deliveries have one attempt: its history is text, and nothing is read for it. */
const HISTORY = `case when ?8 is null then history when history is null then '[' || ?8 || ']'
    when json_array_length(history) < ${MOST_ATTEMPTS} then json_insert(history, '$[#]', json(?8))
    else json_insert(json_remove(history, '$[0]'), '$[#]', json(?8)) end`;

const SETTLE = `
  update deliveries set state = ?1, next_at = coalesce(?2, next_at), settled_at = ?3, last_error = coalesce(?4, last_error),
    deaths = deaths + ?5, owner = null, lease = null, lease_until = null, history = ${HISTORY}
  where delivery = ?6 and lease = ?7 and state = 'delivering'`;

const RELEASE = `
  update deliveries set state = 'due', owner = null, lease = null, lease_until = null
  where delivery = ? and lease = ? and state = 'delivering' and is_begun = 0`;

const RECLAIM = `
  update deliveries set state = 'due', owner = null, lease = null, lease_until = null
  where state = 'delivering' and (lease_until <= ?1 or lease_until > ?3 or owner = ?2)`;
const HASTEN = `update deliveries set next_at = ?1 where state = 'due' and next_at > ?2`;

/** Rows of one destination that wait for one receiver; `head`: when the first of them is due. */
type Queue = { lane: string; name: string; head: number };

export class Outbox {
  readonly #connection: Connection;
  readonly #now: () => number;

  constructor(connection: Connection, now: () => number) {
    this.#connection = connection;
    this.#now = now;
  }

  /** Within a `write`. */
  add(deliveries: readonly NewDelivery[]): void {
    const { run } = this.#bound;
    for (const { delivery, session, report, destination, lane = destination, kind, body, nextAt } of deliveries) {
      const times = [Math.round(nextAt), Math.round(this.#now())];
      if (run(INSERT, delivery, session, report, destination, lane, kind, ...times) === 0) continue;
      run(INSERT_BODY, delivery, body, session);
    }
  }

  claim({ owner, now, limit, leaseMs, names, each, seats = {} }: ClaimAsk): Claimed[] {
    const until = Math.round(now + leaseMs);
    return this.#connection.write('claim deliveries', () => {
      const rows = this.#oldest(Math.floor(now), limit, names, (lane) => seats[lane] ?? each);
      if (rows.length === 0) return [];
      const lease = randomUUID(); // of this claim: B1 asks for the row as well
      const leased = this.#connection.all(LEASE, owner, lease, until, JSON.stringify(rows));
      // They come in any order.
      return leased.map((row) => ({ ...deliveryOf(row), lease })).sort((one, other) => one.nextAt - other.nextAt);
    });
  }

  /**
   * The oldest `limit` rows that lanes have places for. Each is in one of the `limit` queues whose first rows are oldest,
   * so no other is opened; several queues of a lane (two destinations at one receiver) share its places.
   */
  #oldest(now: number, limit: number, names: readonly string[], seatsOf: (lane: string) => number): number[] {
    const open = this.#queues(names).filter(({ lane, head }) => head <= now && seatsOf(lane) > 0);
    const opened = open.sort((one, other) => one.head - other.head).slice(0, limit);
    const found = opened.flatMap(({ lane, name }) => {
      const most = Math.min(seatsOf(lane), limit);
      const rows = this.#connection.all(OLDEST_OF, lane, name, now, most) as { row: number; due: number }[];
      return rows.map(({ row, due }) => ({ row, due, lane }));
    });
    const taken = new Map<string, number>();
    const within = found
      .sort((one, other) => one.due - other.due || one.row - other.row)
      .filter(({ lane }) => {
        const count = (taken.get(lane) ?? 0) + 1;
        taken.set(lane, count);
        return count <= seatsOf(lane);
      });
    return within.slice(0, limit).map(({ row }) => row);
  }

  #queues(names: readonly string[]): Queue[] {
    const known = new Set(names);
    const queues: Queue[] = [];
    let last = { lane: '', name: '' };
    for (;;) {
      const inLane = this.#connection.all(NEXT_IN_LANE, last.lane, last.name);
      const [next] = (inLane.length > 0 ? inLane : this.#connection.all(NEXT_LANE, last.lane)) as Queue[];
      if (!next) return queues;
      if (known.has(next.name)) queues.push(next);
      last = next;
    }
  }

  begin(delivery: string, lease: string, at: number): boolean {
    return this.#change('count an attempt', BEGIN, Math.round(at), delivery, lease) > 0;
  }

  settle(delivery: string, lease: string, settlement: Settlement): boolean {
    const states: Record<Settlement['kind'], DeliveryState> = { delivered: 'delivered', retry: 'due', dead: 'dead' };
    const nextAt = settlement.kind === 'retry' ? Math.round(settlement.nextAt) : null;
    const settledAt = settlement.kind === 'retry' ? null : Math.round(settlement.at);
    const error = settlement.kind === 'delivered' ? null : settlement.error;
    const deaths = settlement.kind === 'retry' && settlement.hasDied ? 1 : 0;
    const attempt = settlement.attempt ? JSON.stringify(settlement.attempt) : null;
    const values = [states[settlement.kind], nextAt, settledAt, error, deaths];
    return this.#change('settle a delivery', SETTLE, ...values, delivery, lease, attempt) > 0;
  }

  release(delivery: string, lease: string): boolean {
    return this.#change('give a delivery back', RELEASE, delivery, lease) > 0;
  }

  reclaim(ask: { now: number; deadOwner?: string; furthestMs: number }): number {
    const [now, furthest] = [Math.floor(ask.now), Math.round(ask.now + ask.furthestMs)];
    return this.#connection.write('reclaim deliveries', () => {
      const { run } = this.#bound;
      return run(RECLAIM, now, ask.deadOwner ?? null, furthest) + run(HASTEN, now, furthest);
    });
  }

  nextDue(names: readonly string[]): number | undefined {
    try {
      const heads = this.#queues(names).map(({ head }) => head);
      return heads.length === 0 ? undefined : heads.reduce((one, other) => Math.min(one, other));
    } catch (error) {
      throw storeErrorOf(error, 'look for due deliveries');
    }
  }

  delivery(id: string): Delivery | undefined {
    const sql = `select ${DELIVERY_COLUMNS} from deliveries where delivery = ?`;
    return this.#connection.rows('read a delivery', sql, id).map(deliveryOf)[0];
  }

  body(delivery: string): string | undefined {
    const body = this.#connection.rows('read a body', BODY, delivery)[0]?.['body'];
    return typeof body === 'string' ? body : undefined;
  }

  owedByName(): Record<string, number> {
    const sql = `select name, count(*) as count from deliveries indexed by deliveries_owed
      where state in ('due', 'delivering') group by name`;
    const rows = this.#connection.rows('count deliveries', sql);
    return Object.fromEntries(rows.map(({ name, count }) => [String(name), Number(count)]));
  }

  oldestOwed(): number | undefined {
    const sql = `select min(created_at) as oldest from deliveries indexed by deliveries_owed
      where state in ('due', 'delivering')`;
    const oldest = this.#connection.rows('look for the oldest delivery', sql)[0]?.['oldest'];
    return oldest === null || oldest === undefined ? undefined : Number(oldest);
  }

  list({ limit, before, session, state }: Page & { session?: SessionId; state?: DeliveryState }): ListedDelivery[] {
    const sql = `select ${DELIVERY_COLUMNS}, history from deliveries where (?1 is null or created_at < ?1) and (?2 is null or session = ?2)
      and (?3 is null or state = ?3) order by created_at desc, rowid desc limit ?4`;
    const values = [before ?? null, session ?? null, state ?? null, limit];
    return this.#connection.rows('list deliveries', sql, ...values).map(listedDeliveryOf);
  }

  get #bound() {
    return { run: this.#connection.run.bind(this.#connection) };
  }

  #change(wanted: string, sql: string, ...values: (string | number | null)[]): number {
    return this.#connection.change(wanted, sql, ...values);
  }
}
