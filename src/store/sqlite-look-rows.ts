/** What a look reads: pages of sessions, and what belongs to some of them. Each statement by an index, or with a limit. */
import type { SessionId } from '../journal/ids.ts';
import type { Connection } from './sqlite-connection.ts';
import { listedDeliveryOf, owedHangUpOf, sessionRowOf, type SqliteRow } from './sqlite-rows.ts';
import type { DeliveryState, HangUpState, ListedDelivery, OwedHangUp, SealedReport, SessionRow } from './store.ts';

/** Where a page goes on: below this row, in the order of the page. */
export type PlaceInList = { epoch: number; acceptedAt: number; row: number };
export type PageAsk = {
  order: 'accepted' | 'epoch';
  below?: PlaceInList;
  limit: number;
  /** Columns that have to have these values. */
  only?: { by?: string; reason?: string; room?: string; epoch?: number };
};
export type PlacedRow = SessionRow & { place: PlaceInList };

export class SqliteRows {
  readonly version: number;
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.version = Number(connection.all('pragma user_version')[0]?.['user_version'] ?? 0);
  }

  placed(id: SessionId): PlacedRow | undefined {
    const [row] = this.#connection.all('select rowid as place, * from sessions where session = ?', id);
    return row && placed(row);
  }

  /** Newest first, whatever their state. */
  list({ limit, state = null }: { limit: number; state?: SessionRow['state'] | null }): SessionRow[] {
    const sql = `select * from sessions where (?1 is null or state = ?1) order by accepted_at desc, rowid desc limit ?2`;
    return this.#connection.all(sql, state, limit).map(found);
  }

  unsealed(limit: number): PlacedRow[] {
    const sql = `select rowid as place, * from sessions indexed by sessions_unsealed
      where state <> 'sealed' order by accepted_at desc limit ?`;
    return this.#connection.all(sql, limit).map(placed);
  }

  /** Sealed ones. */
  sealed({ order, below, limit, only = {} }: PageAsk): PlacedRow[] {
    const epoch = this.version >= 6 ? 'epoch' : '1';
    const columns = { by: 'ended_by', reason: 'reason', room: 'room', epoch };
    const equal = Object.entries(columns).flatMap(([name, column]) => {
      const value = only[name as keyof typeof only];
      return value === undefined ? [] : [{ sql: `${column} = ?`, value }];
    });
    const keys = order === 'epoch' ? `${epoch}, accepted_at, rowid` : 'accepted_at, rowid';
    const from =
      below && (order === 'epoch' ? [below.epoch, below.acceptedAt, below.row] : [below.acceptedAt, below.row]);
    const where = [
      // With the plus the index of sealed ones is not used: it is in another order, and all of it would be sorted.
      `+state = 'sealed'`,
      ...equal.map(({ sql }) => sql),
      ...(from ? [`(${keys}) < (${from.map(() => '?').join(', ')})`] : []),
    ].join(' and ');
    const down = keys.replaceAll(',', ' desc,');
    const sql = `select rowid as place, * from sessions where ${where} order by ${down} desc limit ?`;
    return this.#connection.all(sql, ...equal.map(({ value }) => value), ...(from ?? []), limit).map(placed);
  }

  /** Which of these have no row. */
  withoutRow(sessions: readonly string[]): string[] {
    const sql = `select value as session from json_each(?) where value not in (select session from sessions)`;
    return this.#connection.all(sql, JSON.stringify(sessions)).map(({ session }) => String(session));
  }

  report(id: SessionId): SealedReport | undefined {
    const [row] = this.#connection.all('select session, report, sealed_at, body from reports where session = ?', id);
    if (!row) return undefined;
    const { session, report, sealed_at: sealedAt, body } = row;
    return { session, report, sealedAt, body } as SealedReport;
  }

  /** Newest first. */
  deliveries(ask: { session?: string; state?: DeliveryState; before?: number; limit: number }): ListedDelivery[] {
    const { session = null, state = null, before = null, limit } = ask;
    const sql =
      session === null
        ? `select * from deliveries where ?1 is null and (?2 is null or state = ?2) and (?3 is null or created_at < ?3)
           order by created_at desc, rowid desc limit ?4`
        : `select * from deliveries where session = ?1 and (?2 is null or state = ?2) and (?3 is null or created_at < ?3)
           order by created_at desc, rowid desc limit ?4`;
    return this.#connection
      .all(sql, session, state, before, limit)
      .map((row) => listedDeliveryOf({ history: null, ...row }));
  }

  /** By session: the states of its deliveries. */
  deliveryStates(sessions: readonly string[]): Map<string, DeliveryState[]> {
    const sql = `select session, state from deliveries where session in (select value from json_each(?))`;
    const states = new Map<string, DeliveryState[]>();
    for (const { session, state } of this.#connection.all(sql, JSON.stringify(sessions)))
      states.set(String(session), [...(states.get(String(session)) ?? []), state as DeliveryState]);
    return states;
  }

  /** Sessions with a delivery in this state, at most so many. */
  withDelivery(state: DeliveryState, limit: number): PlacedRow[] {
    const sql = `select s.rowid as place, s.* from sessions s where s.session in
      (select session from deliveries where state = ? limit ?) order by accepted_at desc`;
    return this.#connection.all(sql, state, limit).map(placed);
  }

  hangUps(sessions: readonly string[]): Map<string, OwedHangUp> {
    const sql = `select * from hang_ups where session in (select value from json_each(?))`;
    const rows = this.#connection.all(sql, JSON.stringify(sessions)).map(owedHangUpOf);
    return new Map(rows.map((row) => [row.session as string, row]));
  }

  /** Newest first. */
  hangUpsIn(state: HangUpState, limit: number): OwedHangUp[] {
    const sql = 'select * from hang_ups where state = ? order by since desc, rowid desc limit ?';
    return this.#connection.all(sql, state, limit).map(owedHangUpOf);
  }

  withHangUp(state: HangUpState, limit: number): PlacedRow[] {
    const sql = `select s.rowid as place, s.* from sessions s join hang_ups h on h.session = s.session
      where h.state = ? order by s.accepted_at desc limit ?`;
    return this.#connection.all(sql, state, limit).map(placed);
  }

  /** How many, and nothing of what is in them. */
  counts(): LedgerCounts {
    const one = (sql: string): number => Number(this.#connection.all(sql)[0]?.['n'] ?? 0);
    const unsealed = one(`select count(*) as n from sessions where state <> 'sealed'`);
    const accepted = one('select count(*) as n from sessions');
    return {
      accepted,
      open: unsealed,
      sealed: accepted - unsealed,
      reports: one('select count(*) as n from reports'),
      sent: one(`select count(distinct session) as n from deliveries`),
      due: one(`select count(distinct session) as n from deliveries indexed by deliveries_owed
        where state in ('due', 'delivering')`),
      dead: one(`select count(distinct session) as n from deliveries where state = 'dead' and not exists (
        select 1 from deliveries d where d.session = deliveries.session and d.state in ('due', 'delivering'))`),
    };
  }

  sealedWithoutReport(limit: number): string[] {
    return this.#names(
      `select session from sessions s where state = 'sealed' and not exists
      (select 1 from reports r where r.session = s.session) limit ?`,
      limit,
    );
  }
  reportWithoutSession(limit: number): string[] {
    const sql = `select session from reports r where not exists
      (select 1 from sessions s where s.session = r.session) limit ?`;
    return this.#names(sql, limit);
  }
  /** Those that are not sealed are few. */
  reportOfUnsealed(limit: number): string[] {
    const sql = `select s.session from sessions s indexed by sessions_unsealed
      join reports r on r.session = s.session where s.state <> 'sealed' limit ?`;
    return this.#names(sql, limit);
  }
  dead(limit: number): string[] {
    return this.#names(`select distinct session from deliveries where state = 'dead' limit ?`, limit);
  }

  #names(sql: string, limit: number): string[] {
    return this.#connection.all(sql, limit).map(({ session }) => String(session));
  }
}

export type LedgerCounts = {
  accepted: number;
  open: number;
  sealed: number;
  reports: number;
  /** Sessions that have deliveries. */
  sent: number;
  due: number;
  dead: number;
};

/** Of a version before it, without the column. */
const found = (row: SqliteRow): SessionRow => sessionRowOf({ epoch: 1, ...row });
const placed = (row: SqliteRow): PlacedRow => {
  const one = found(row);
  return { ...one, place: { epoch: one.epoch, acceptedAt: one.acceptedAt, row: Number(row['place']) } };
};
