/**
 * The store in one SQLite file: WAL, every commit flushed.
 *
 * Owns: the database and its transactions. The API below is synchronous, so a call holds the event loop for as long as
 * it takes: short transactions only, in the keeper and the command line, never in a job.
 *   S1  Every writing transaction begins `immediate`: one that reads first and writes later can fail half-way (BUSY).
 *   S2  Report, session row and deliveries are sealed in one transaction, and the report's primary key decides.
 *   S3  A row that is leased is settled only with its lease: a sender that was given up for dead changes nothing.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { DatabaseSync, type DatabaseSyncInstance } from '@photostructure/sqlite';
import { migrate } from './migrate.ts';
import {
  StoreError,
  type Claimed,
  type Delivery,
  type DeliveryState,
  type HangUpSettlement,
  type HangUpState,
  type NewDelivery,
  type NewHangUp,
  type OwedHangUp,
  type Page,
  type SealedReport,
  type SessionRow,
  type Settlement,
  type Store,
} from './store.ts';

/** Older ones can corrupt a WAL database that two processes checkpoint and write at the same instant. */
const OLDEST_SQLITE = [3, 51, 3] as const;
/** How long a transaction waits for another process's. Below `sealMs`: a seal has to fail in time to be tried again. */
const BUSY_MS = 1_500;

export type SqliteOptions = {
  /** For `createdAt`. Default: Date.now. */
  now?: () => number;
};

/**
 * Opens a database file, made with its directory if need be, or `:memory:`.
 *
 * @throws StoreError `UNWRITABLE`, `TOO_OLD`, `TOO_NEW`, `FAILED`.
 */
export const openSqlite = async (location: string, options: SqliteOptions = {}): Promise<Store> => {
  const isInMemory = location === ':memory:';
  const path = isInMemory ? location : resolve(location);
  let database: DatabaseSyncInstance | undefined;
  try {
    if (!isInMemory) await makeFile(path);
    database = new DatabaseSync(path, { timeout: BUSY_MS });
    assertSqliteVersion(versionOf(database));
    makeDurable(database, isInMemory);
    migrate(database);
    return new SqliteStore(database, options.now ?? Date.now);
  } catch (error) {
    try {
      database?.close();
    } catch {
      // what went wrong first says more
    }
    throw openingError(error, path);
  }
};

/** Reports are personal data, and SQLite would make a file that everybody may read; its log takes the file's mode. */
const makeFile = async (path: string): Promise<void> => {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await (await open(path, 'a', 0o600)).close();
};

/** *Pure.* Throws StoreError `TOO_OLD` below 3.51.3. */
export const assertSqliteVersion = (version: string): void => {
  const parts = version.split('.').map(Number);
  for (const [index, oldest] of OLDEST_SQLITE.entries()) {
    const part = parts[index] ?? 0;
    if (part > oldest) return;
    if (part === oldest) continue;
    const expected = OLDEST_SQLITE.join('.');
    const message = `expected SQLite ${expected} or newer, got ${version}: older ones can corrupt a database that several processes use; reinstall @photostructure/sqlite`;
    throw new StoreError({ code: 'TOO_OLD', message });
  }
};

/** The driver's default for WAL is NORMAL, which loses what was sealed last in a power cut. */
const makeDurable = (database: DatabaseSyncInstance, isInMemory: boolean): void => {
  database.exec('pragma journal_mode = wal; pragma synchronous = full;');
  const mode = Object.values(database.prepare('pragma journal_mode').get() as object)[0] as unknown;
  const level = Object.values(database.prepare('pragma synchronous').get() as object)[0] as unknown;
  // SQLite keeps the old mode without a word where the file system has no shared memory (a network share).
  if ((mode === 'wal' || isInMemory) && level === 2) return;
  const message = `expected journal_mode wal and synchronous 2, got ${String(mode)} and ${String(level)}: put the database on a local disk (LASTWORD_DIR or LASTWORD_STORE)`;
  throw new StoreError({ code: 'UNWRITABLE', message });
};

const versionOf = (database: DatabaseSyncInstance): string =>
  (database.prepare('select sqlite_version() as version').get() as { version: string }).version;

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
const isBusy = (error: unknown): boolean => /database is (locked|busy)|SQLITE_BUSY/i.test(messageOf(error));

const openingError = (error: unknown, path: string): StoreError => {
  if (error instanceof StoreError) return error;
  if (isBusy(error)) return storeErrorOf(error, 'open');
  const isDamaged = /malformed|not a database/i.test(messageOf(error));
  const advice = isDamaged
    ? 'the file is no database of ours: move it away, or set LASTWORD_STORE to another'
    : 'let this user write there, or set LASTWORD_DIR or LASTWORD_STORE to a place that can be written';
  const message = `cannot open the database ${path} (${messageOf(error)}); ${advice}`;
  return new StoreError({ code: isDamaged ? 'FAILED' : 'UNWRITABLE', message, cause: error });
};

const storeErrorOf = (error: unknown, wanted: string): StoreError => {
  if (error instanceof StoreError) return error;
  const message = isBusy(error)
    ? `could not ${wanted}: another process held the database for more than ${BUSY_MS} ms; try again`
    : `could not ${wanted}: ${messageOf(error)}`;
  return new StoreError({ code: isBusy(error) ? 'BUSY' : 'FAILED', message, cause: error });
};

type Row = Record<string, string | number | null>;

/** Columns that are null are left out: in the port, unknown is absent. */
const known = (values: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null && value !== undefined));

const sessionOf = (row: Row): SessionRow =>
  known({
    session: row['session'],
    job: row['job'],
    room: row['room'],
    agentName: row['agent_name'],
    acceptedAt: row['accepted_at'],
    state: row['state'],
    endedAt: row['ended_at'],
    by: row['ended_by'],
    reason: row['reason'],
  }) as SessionRow;

const deliveryOf = (row: Row): Delivery =>
  known({
    delivery: row['delivery'],
    session: row['session'],
    report: row['report'],
    destination: row['destination'],
    kind: row['kind'],
    body: row['body'] ?? '',
    nextAt: row['next_at'],
    state: row['state'],
    attempts: row['attempts'],
    createdAt: row['created_at'],
    settledAt: row['settled_at'],
    lastError: row['last_error'],
  }) as Delivery;

const hangUpOf = (row: Row): OwedHangUp =>
  known({
    session: row['session'],
    server: row['server'],
    room: row['room'],
    roomSid: row['room_sid'],
    strategy: row['strategy'],
    caller: row['caller'],
    agent: row['agent'],
    since: row['since'],
    nextAt: row['next_at'],
    state: row['state'],
    attempts: row['attempts'],
    settledAt: row['settled_at'],
    lastError: row['last_error'],
  }) as OwedHangUp;

/** A body that equals the sealed report's is kept once, however many destinations there are. */
const DELIVERY_ROWS = `
  select d.*, coalesce(b.body, r.body) as body from deliveries d
  left join delivery_bodies b on b.delivery = d.delivery
  left join reports r on r.session = d.session`;

const PUT_SESSION = `
  insert into sessions (session, job, room, agent_name, accepted_at, state, ended_at, ended_by, reason)
  values (?, ?, ?, ?, ?, ?, ?, ?, ?)
  on conflict (session) do update set
    job = excluded.job, room = excluded.room, agent_name = excluded.agent_name, accepted_at = excluded.accepted_at,
    state = excluded.state, ended_at = coalesce(excluded.ended_at, ended_at),
    ended_by = coalesce(excluded.ended_by, ended_by), reason = coalesce(excluded.reason, reason)
  where sessions.state <> 'sealed'`;

const SETTLE = `
  update deliveries set state = ?, next_at = coalesce(?, next_at), settled_at = ?, last_error = coalesce(?, last_error),
    owner = null, lease = null, lease_until = null
  where delivery = ? and lease = ? and state = 'delivering'`;

const OWE = `
  insert into hang_ups (session, server, room, room_sid, strategy, caller, agent, state, since, next_at)
  values (?, ?, ?, ?, ?, ?, ?, 'owed', ?, ?) on conflict (session) do nothing`;

const SETTLE_HANG_UP = `
  update hang_ups set state = ?, next_at = coalesce(?, next_at), settled_at = ?, last_error = coalesce(?, last_error)
  where session = ? and state = 'owed'`;

const TAKE_OWED = `
  update hang_ups set attempts = attempts + 1, next_at = ? where session in
    (select session from hang_ups where state = 'owed' and server = ? and next_at <= ? order by next_at, rowid limit ?)
  returning *`;

const CLAIM = `
  update deliveries set state = 'delivering', attempts = attempts + 1, owner = ?, lease = ?, lease_until = ?
  where delivery in
    (select delivery from deliveries where state = 'due' and next_at <= ?
      and destination not in (select value from json_each(?)) order by next_at, rowid limit ?)`;

const RECLAIM = `
  update deliveries set state = 'due', owner = null, lease = null, lease_until = null
  where state = 'delivering' and (lease_until <= ? or owner = ?)`;

class SqliteStore implements Store {
  readonly #database: DatabaseSyncInstance;
  readonly #now: () => number;
  readonly #statements = new Map<string, ReturnType<DatabaseSyncInstance['prepare']>>();
  #isClosed = false;

  constructor(database: DatabaseSyncInstance, now: () => number) {
    this.#database = database;
    this.#now = now;
  }

  async putSession(row: SessionRow): Promise<void> {
    this.#write('write a session', () => this.#putSession(row));
  }

  async session(id: string): Promise<SessionRow | undefined> {
    const [row] = this.#rows('read a session', 'select * from sessions where session = ?', id);
    return row && sessionOf(row);
  }

  async sessions({ limit, before, state }: Page & { state?: SessionRow['state'] }): Promise<SessionRow[]> {
    const sql = `select * from sessions where (?1 is null or accepted_at < ?1) and (?2 is null or state = ?2)
      order by accepted_at desc, rowid desc limit ?3`;
    return this.#rows('list sessions', sql, before ?? null, state ?? null, limit).map(sessionOf);
  }

  async seal(row: SessionRow, report: SealedReport, deliveries: NewDelivery[]): Promise<boolean> {
    return this.#write('seal a report', () => {
      const sql =
        'insert into reports (session, report, sealed_at, body) values (?, ?, ?, ?) on conflict (session) do nothing';
      const isFirst = this.#run(sql, report.session, report.report, Math.round(report.sealedAt), report.body) > 0;
      if (!isFirst) return false;
      this.#putSession({ ...row, state: 'sealed' });
      this.#enqueue(deliveries);
      return true;
    });
  }

  async report(session: string): Promise<SealedReport | undefined> {
    const sql = 'select session, report, sealed_at as "sealedAt", body from reports where session = ?';
    const [row] = this.#rows('read a report', sql, session);
    return row && (known(row) as SealedReport);
  }

  async enqueue(deliveries: NewDelivery[]): Promise<void> {
    if (deliveries.length > 0) this.#write('enqueue deliveries', () => this.#enqueue(deliveries));
  }

  async claim(ask: Parameters<Store['claim']>[0]): Promise<Claimed[]> {
    const lease = randomUUID();
    const except = JSON.stringify(ask.except ?? []);
    const until = Math.round(ask.now + ask.leaseMs);
    const rows = this.#write('claim deliveries', () =>
      this.#run(CLAIM, ask.owner, lease, until, ask.now, except, ask.limit) === 0
        ? []
        : this.#all(`${DELIVERY_ROWS} where d.lease = ? and d.state = 'delivering' order by d.next_at, d.rowid`, lease),
    );
    return rows.map((row) => ({ ...deliveryOf(row), lease }));
  }

  async settle(delivery: string, lease: string, settlement: Settlement): Promise<boolean> {
    const state: Record<Settlement['kind'], DeliveryState> = { delivered: 'delivered', retry: 'due', dead: 'dead' };
    const nextAt = settlement.kind === 'retry' ? Math.round(settlement.nextAt) : null;
    const settledAt = settlement.kind === 'retry' ? null : Math.round(settlement.at);
    const error = settlement.kind === 'delivered' ? null : settlement.error;
    return this.#write(
      'settle a delivery',
      () => this.#run(SETTLE, state[settlement.kind], nextAt, settledAt, error, delivery, lease) > 0,
    );
  }

  async reclaim({ now, deadOwner }: { now: number; deadOwner?: string }): Promise<number> {
    return this.#write('reclaim deliveries', () => this.#run(RECLAIM, now, deadOwner ?? null));
  }

  async nextDue(): Promise<number | undefined> {
    const sql = `select min(next_at) as next from deliveries where state = 'due'`;
    const next = this.#rows('look for due deliveries', sql)[0]?.['next'];
    return typeof next === 'number' ? next : undefined;
  }

  async deliveries(page: Page & { session?: string; state?: DeliveryState }): Promise<Delivery[]> {
    const { limit, before, session, state } = page;
    const sql = `${DELIVERY_ROWS} where (?1 is null or d.created_at < ?1) and (?2 is null or d.session = ?2)
      and (?3 is null or d.state = ?3) order by d.created_at desc, d.rowid desc limit ?4`;
    const values = [before ?? null, session ?? null, state ?? null, limit];
    return this.#rows('list deliveries', sql, ...values).map(deliveryOf);
  }

  async owe(hangUp: NewHangUp): Promise<boolean> {
    const { session, server, room, roomSid, strategy, caller, agent, since, nextAt } = hangUp;
    const who = [caller ?? null, agent ?? null];
    const times = [Math.round(since), Math.round(nextAt)];
    return this.#write(
      'write down a hang-up',
      () => this.#run(OWE, session, server, room, roomSid, strategy, ...who, ...times) > 0,
    );
  }

  async takeOwed({ server, now, again, limit }: Parameters<Store['takeOwed']>[0]): Promise<OwedHangUp[]> {
    const rows = this.#write('take owed hang-ups', () =>
      this.#all(TAKE_OWED, Math.round(again), server, Math.round(now), limit),
    );
    return rows.map(hangUpOf).sort((one, other) => one.since - other.since);
  }

  async settleHangUp(session: string, settlement: HangUpSettlement): Promise<boolean> {
    const { kind } = settlement;
    const state: HangUpState = kind === 'retry' ? 'owed' : kind;
    const nextAt = kind === 'retry' ? Math.round(settlement.nextAt) : null;
    const settledAt = kind === 'retry' ? null : Math.round(settlement.at);
    const error = kind === 'done' ? null : settlement.error;
    return this.#write(
      'settle a hang-up',
      () => this.#run(SETTLE_HANG_UP, state, nextAt, settledAt, error, session) > 0,
    );
  }

  async nextOwed(server: string): Promise<number | undefined> {
    const sql = `select min(next_at) as next from hang_ups where state = 'owed' and server = ?`;
    const next = this.#rows('look for owed hang-ups', sql, server)[0]?.['next'];
    return typeof next === 'number' ? next : undefined;
  }

  async hangUps(page: Page & { session?: string; state?: HangUpState }): Promise<OwedHangUp[]> {
    const { limit, before, session, state } = page;
    const sql = `select * from hang_ups where (?1 is null or since < ?1) and (?2 is null or session = ?2)
      and (?3 is null or state = ?3) order by since desc, rowid desc limit ?4`;
    return this.#rows('list hang-ups', sql, before ?? null, session ?? null, state ?? null, limit).map(hangUpOf);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#statements.clear();
    this.#database.close();
  }

  #putSession(row: SessionRow): void {
    const { session, job, room, agentName, acceptedAt, state, endedAt, by, reason } = row;
    const ended = [endedAt === undefined ? null : Math.round(endedAt), by ?? null, reason ?? null];
    this.#run(PUT_SESSION, session, job, room, agentName, Math.round(acceptedAt), state, ...ended);
  }

  #enqueue(deliveries: NewDelivery[]): void {
    const insert = `insert into deliveries (delivery, session, report, destination, kind, state, next_at, created_at)
      values (?, ?, ?, ?, ?, 'due', ?, ?) on conflict (delivery) do nothing`;
    const insertBody = `insert into delivery_bodies (delivery, body)
      select ?1, ?2 where not exists (select 1 from reports where session = ?3 and body = ?2)`;
    for (const { delivery, session, report, destination, kind, body, nextAt } of deliveries) {
      const createdAt = Math.round(this.#now());
      if (this.#run(insert, delivery, session, report, destination, kind, Math.round(nextAt), createdAt) === 0)
        continue;
      this.#run(insertBody, delivery, body, session);
    }
  }

  #statement(sql: string): ReturnType<DatabaseSyncInstance['prepare']> {
    if (this.#isClosed) throw new StoreError({ code: 'CLOSED', message: 'the store was used after close()' });
    let statement = this.#statements.get(sql);
    if (!statement) this.#statements.set(sql, (statement = this.#database.prepare(sql)));
    return statement;
  }

  #run(sql: string, ...values: (string | number | null)[]): number {
    return this.#statement(sql).run(...values).changes;
  }

  #all(sql: string, ...values: (string | number | null)[]): Row[] {
    return this.#statement(sql).all(...values) as Row[];
  }

  #rows(wanted: string, sql: string, ...values: (string | number | null)[]): Row[] {
    try {
      return this.#all(sql, ...values);
    } catch (error) {
      throw storeErrorOf(error, wanted);
    }
  }

  #write<Result>(wanted: string, work: () => Result): Result {
    try {
      this.#statement('begin immediate').run(); // S1
    } catch (error) {
      throw storeErrorOf(error, wanted);
    }
    try {
      const result = work();
      this.#statement('commit').run();
      return result;
    } catch (error) {
      try {
        this.#statement('rollback').run();
      } catch {
        // SQLite has rolled back by itself (disk full, fault): nothing is left to undo
      }
      throw storeErrorOf(error, wanted);
    }
  }
}
