/**
 * The store in one SQLite file: WAL, every commit flushed.
 *
 * Opens the database, and seals: what touches several tables is here, each table has a file beside this one. The driver
 * is synchronous, so a call holds its thread for as long as it takes, up to `BUSY_MS` when another process writes: the
 * keeper has it in a thread of its own (in-thread.ts), the command line in its only one, a job never.
 *   S2  Report, session row and deliveries are sealed in one transaction, and the report's primary key decides.
 */
import { mkdir, open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { DatabaseSync, type DatabaseSyncInstance } from '@photostructure/sqlite';
import { migrate } from './migrate.ts';
import { BUSY_MS, Connection, storeErrorOf } from './sqlite-connection.ts';
import { HangUpsTable } from './sqlite-hang-ups.ts';
import { Outbox } from './sqlite-outbox.ts';
import { RetentionTable } from './sqlite-retention.ts';
import { withoutNulls } from './sqlite-rows.ts';
import { SessionsTable } from './sqlite-sessions.ts';
import {
  StoreError,
  type ClaimAsk,
  type Claimed,
  type Delivery,
  type ListedDelivery,
  type HangUpSettlement,
  type HangUpState,
  type KeptSession,
  type NewDelivery,
  type NewHangUp,
  type OwedHangUp,
  type Page,
  type Purged,
  type SealedReport,
  type SessionRow,
  type Settlement,
  type Store,
} from './store.ts';
import { messageOf } from '../errors/thrown.ts';
import type { SessionId } from '../journal/ids.ts';

/** Older ones can corrupt a WAL database that two processes checkpoint and write at the same instant. */
const OLDEST_SQLITE = [3, 51, 3] as const;
export type SqliteOptions = {
  /** For `createdAt`. Default: Date.now. */
  now?: () => number;
};

/**
 * Opens a database file, made with its directory if need be, or `:memory:`.
 *
 * @throws StoreError `UNWRITABLE`, `TOO_OLD`, `TOO_NEW`, `FAILED`.
 */
export const openSqlite = async (location: string, options: SqliteOptions = {}): Promise<SqliteStore> => {
  const isInMemory = location === ':memory:';
  const path = isInMemory ? location : resolve(location);
  let database: DatabaseSyncInstance | undefined;
  try {
    if (!isInMemory) await makeFile(path);
    database = new DatabaseSync(path, { timeout: BUSY_MS });
    assertSqliteVersion(versionOf(database));
    makeDurable(database, isInMemory);
    migrate(database);
    return new SqliteStore(new Connection(database), options.now ?? Date.now);
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

export const openingError = (error: unknown, path: string): StoreError => {
  if (error instanceof StoreError) return error;
  const told = storeErrorOf(error, 'open');
  if (told.code === 'BUSY') return told;
  const isDamaged = /malformed|not a database/i.test(messageOf(error));
  const advice = isDamaged
    ? 'the file is no database of ours: move it away, or set LASTWORD_STORE to another'
    : 'let this user write there, or set LASTWORD_DIR or LASTWORD_STORE to a place that can be written';
  const message = `cannot open the database ${path} (${messageOf(error)}); ${advice}`;
  return new StoreError({ code: isDamaged ? 'FAILED' : 'UNWRITABLE', message, cause: error });
};

/** The port, and what its thread needs: several calls in one transaction. */
export class SqliteStore implements Store {
  readonly #connection: Connection;
  readonly #outbox: Outbox;
  readonly #retention: RetentionTable;
  readonly #sessions: SessionsTable;
  readonly #hangUps: HangUpsTable;

  constructor(connection: Connection, now: () => number) {
    this.#connection = connection;
    this.#outbox = new Outbox(connection, now);
    this.#retention = new RetentionTable(connection);
    this.#sessions = new SessionsTable(connection);
    this.#hangUps = new HangUpsTable(connection);
  }

  together(works: readonly (() => void)[]): void {
    this.#connection.together(works);
  }

  async putSession(row: SessionRow): Promise<void> {
    this.#connection.write('write a session', () => this.#sessions.put(row));
  }

  async session(id: SessionId): Promise<SessionRow | undefined> {
    return this.#sessions.one(id);
  }

  async sessions(page: Page & { state?: SessionRow['state'] }): Promise<SessionRow[]> {
    return this.#sessions.list(page);
  }

  async seal(row: SessionRow, report: SealedReport, deliveries: NewDelivery[]): Promise<boolean> {
    return this.#connection.write('seal a report', () => {
      const sql =
        'insert into reports (session, report, sealed_at, body) values (?, ?, ?, ?) on conflict (session) do nothing';
      const isFirst =
        this.#connection.run(sql, report.session, report.report, Math.round(report.sealedAt), report.body) > 0;
      if (!isFirst) return false;
      this.#sessions.put({ ...row, state: 'sealed' }, report.sealedAt);
      this.#outbox.add(deliveries);
      return true;
    });
  }

  async report(session: SessionId): Promise<SealedReport | undefined> {
    const sql = 'select session, report, sealed_at as "sealedAt", body from reports where session = ?';
    const [row] = this.#connection.rows('read a report', sql, session);
    return row && (withoutNulls(row) as SealedReport);
  }

  async enqueue(deliveries: NewDelivery[]): Promise<void> {
    if (deliveries.length > 0) this.#connection.write('enqueue deliveries', () => this.#outbox.add(deliveries));
  }

  async claim(ask: ClaimAsk): Promise<Claimed[]> {
    return this.#outbox.claim(ask);
  }

  async begin(delivery: string, lease: string, at: number): Promise<boolean> {
    return this.#outbox.begin(delivery, lease, at);
  }

  async settle(delivery: string, lease: string, settlement: Settlement): Promise<boolean> {
    return this.#outbox.settle(delivery, lease, settlement);
  }

  async release(delivery: string, lease: string): Promise<boolean> {
    return this.#outbox.release(delivery, lease);
  }

  async reclaim(ask: Parameters<Store['reclaim']>[0]): Promise<number> {
    return this.#outbox.reclaim(ask);
  }

  async nextDue(names: readonly string[]): Promise<number | undefined> {
    return this.#outbox.nextDue(names);
  }

  async delivery(id: string): Promise<Delivery | undefined> {
    return this.#outbox.delivery(id);
  }

  async body(delivery: string): Promise<string | undefined> {
    return this.#outbox.body(delivery);
  }

  async oldestOwed(): Promise<number | undefined> {
    return this.#outbox.oldestOwed();
  }

  async owedByName(): Promise<Record<string, number>> {
    return this.#outbox.owedByName();
  }

  async deliveries(page: Parameters<Store['deliveries']>[0]): Promise<ListedDelivery[]> {
    return this.#outbox.list(page);
  }

  async owe(hangUp: NewHangUp): Promise<boolean> {
    return this.#hangUps.owe(hangUp);
  }

  async takeOwed(ask: Parameters<Store['takeOwed']>[0]): Promise<OwedHangUp[]> {
    return this.#hangUps.take(ask);
  }

  async settleHangUp(session: SessionId, settlement: HangUpSettlement): Promise<boolean> {
    return this.#hangUps.settle(session, settlement);
  }

  async hastenOwed(ask: { now: number; furthestMs: number }): Promise<number> {
    return this.#hangUps.hasten(ask);
  }

  async nextOwed(server: string): Promise<number | undefined> {
    return this.#hangUps.next(server);
  }

  async hangUps(page: Page & { session?: SessionId; state?: HangUpState }): Promise<OwedHangUp[]> {
    return this.#hangUps.list(page);
  }

  async close(): Promise<void> {
    this.#connection.close();
  }

  async dropSession(id: SessionId): Promise<void> {
    this.#sessions.drop(id);
  }

  async unsealed(): Promise<SessionRow[]> {
    return this.#sessions.unsealed();
  }

  async wasServed(room: string, roomSid: string): Promise<boolean> {
    return this.#sessions.isIn(room, roomSid);
  }

  async withoutReport(sessions: readonly SessionId[]): Promise<SessionId[]> {
    return this.#sessions.without('reports', sessions);
  }

  async withoutRow(sessions: readonly SessionId[]): Promise<SessionId[]> {
    return this.#sessions.without('sessions', sessions);
  }

  async kept({ sealedBefore, limit }: { sealedBefore?: number; limit: number }): Promise<KeptSession[]> {
    return this.#retention.kept(sealedBefore, limit);
  }

  async keptBytes(): Promise<number> {
    return this.#retention.bytes();
  }

  async find(ask: Parameters<Store['find']>[0]): Promise<KeptSession[]> {
    return this.#retention.find(ask);
  }

  async owedOf(sessions: readonly SessionId[]): Promise<Record<string, number>> {
    return this.#retention.owedOf(sessions);
  }

  async purge(sessions: readonly SessionId[]): Promise<Purged> {
    return this.#retention.purge(sessions);
  }

  async purgeUnserved(before: number): Promise<number> {
    return this.#retention.purgeUnserved(before);
  }
}
