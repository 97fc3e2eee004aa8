/**
 * One connection to a SQLite database: prepared statements, transactions, and errors that say what was wanted.
 *
 *   S1  Every writing transaction begins `immediate`: one that reads first and writes later can fail half-way (BUSY).
 *   S4  Several writes may share a transaction (`together`): each is undone alone when it fails, and none is
 *       acknowledged before all are on the disk. One flush for a hundred rows is what makes an outbox quick.
 */
import type { DatabaseSyncInstance } from '@photostructure/sqlite';
import type { SqliteRow } from './sqlite-rows.ts';
import { StoreError } from './store.ts';
import { messageOf } from '../errors/thrown.ts';

/** How long a transaction waits for another process's. Below `sealMs`: a seal has to fail in time to be tried again. */
export const BUSY_MS = 1_500;

const isBusy = (error: unknown): boolean => /database is (locked|busy)|SQLITE_BUSY/i.test(messageOf(error));

export const storeErrorOf = (error: unknown, wanted: string): StoreError => {
  if (error instanceof StoreError) return error;
  const message = isBusy(error)
    ? `could not ${wanted}: another process held the database for more than ${BUSY_MS} ms; try again`
    : `could not ${wanted}: ${messageOf(error)}`;
  return new StoreError({ code: isBusy(error) ? 'BUSY' : 'FAILED', message, cause: error });
};

export class Connection {
  readonly #database: DatabaseSyncInstance;
  readonly #statements = new Map<string, ReturnType<DatabaseSyncInstance['prepare']>>();
  #isClosed = false;
  #isShared = false;

  constructor(database: DatabaseSyncInstance) {
    this.#database = database;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#statements.clear();
    this.#database.close();
  }

  /** For `write`'s work: how many rows were changed. */
  run(sql: string, ...values: (string | number | null)[]): number {
    return this.#statement(sql).run(...values).changes;
  }

  all(sql: string, ...values: (string | number | null)[]): SqliteRow[] {
    return this.#statement(sql).all(...values) as SqliteRow[];
  }

  /** Outside of `write`. @throws StoreError */
  rows(wanted: string, sql: string, ...values: (string | number | null)[]): SqliteRow[] {
    try {
      return this.all(sql, ...values);
    } catch (error) {
      throw storeErrorOf(error, wanted);
    }
  }

  /** What `work` reads, it reads as of one moment. */
  asOfNow<Result>(work: () => Result): Result {
    this.#statement('begin').run();
    try {
      return work();
    } finally {
      if (this.#database.isTransaction) this.#database.exec('commit'); // a fault of the disk may have ended it
    }
  }

  /** One transaction, or a part of the one that is open (S4). @throws StoreError */
  write<Result>(wanted: string, work: () => Result): Result {
    const [begin, commit, undo] = this.#isShared
      ? ['savepoint part', 'release part', 'rollback to part; release part']
      : ['begin immediate', 'commit', 'rollback']; // S1
    try {
      this.#statement(begin).run();
    } catch (error) {
      throw storeErrorOf(error, wanted);
    }
    try {
      const result = work();
      this.#statement(commit).run();
      return result;
    } catch (error) {
      this.#undo(undo);
      throw storeErrorOf(error, wanted);
    }
  }

  /** The same for one statement: alone, it needs no part of its own, for it does all or nothing. @throws StoreError */
  change(wanted: string, sql: string, ...values: (string | number | null)[]): number {
    if (!this.#isShared) return this.write(wanted, () => this.run(sql, ...values));
    try {
      return this.run(sql, ...values);
    } catch (error) {
      throw storeErrorOf(error, wanted);
    }
  }

  /** S4. Runs all of `works` in one transaction; throws when that fails, and then nothing of them was done. */
  together(works: readonly (() => void)[]): void {
    if (works.length < 2) return works[0]?.();
    try {
      this.#statement('begin immediate').run();
    } catch (error) {
      throw storeErrorOf(error, 'begin a transaction');
    }
    this.#isShared = true;
    try {
      for (const work of works) {
        work();
        // SQLite may roll all of it back by itself (disk full, fault): what comes would be on its own, and acknowledged.
        if (!this.#database.isTransaction) throw new Error('the transaction was given up by the database');
      }
      this.#statement('commit').run();
    } catch (error) {
      this.#undo('rollback');
      throw storeErrorOf(error, 'write what was asked');
    } finally {
      this.#isShared = false;
    }
  }

  #undo(sql: string): void {
    try {
      this.#database.exec(sql);
    } catch {
      // SQLite has rolled back by itself (disk full, fault): nothing is left to undo
    }
  }

  #statement(sql: string): ReturnType<DatabaseSyncInstance['prepare']> {
    if (this.#isClosed) throw new StoreError({ code: 'CLOSED', message: 'the store was used after close()' });
    let statement = this.#statements.get(sql);
    if (!statement) this.#statements.set(sql, (statement = this.#database.prepare(sql)));
    return statement;
  }
}
