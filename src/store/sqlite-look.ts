/**
 * A look at the database by a process of its own. It writes nothing, makes nothing, migrates nothing.
 *
 *   L1  While somebody writes there is a log (`-wal`), and the look takes part in it. While there is none, nobody has the
 *       database open: it is opened as a file that does not change, since SQLite would make a log of its own. As soon as
 *       the file does change, or a log is there, it is opened anew.
 *   L2  A database of the version before has fewer columns and indexes: answers are the same, later.
 */
import { statSync, type Stats } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { DatabaseSync } from '@photostructure/sqlite';
import { tooNew } from './migrate.ts';
import { openingError } from './sqlite.ts';
import { Connection, storeErrorOf } from './sqlite-connection.ts';
import { SqliteRows } from './sqlite-look-rows.ts';
import { StoreError } from './store.ts';

/** A look waits only for whoever rebuilds the log after a crash. */
const LOOK_BUSY_MS = 1_500;
/** The columns that are read are there from this version on. */
const OLDEST_READ = 4;

type Opened = { key: string; connection: Connection; rows: SqliteRows };

export class SqliteLook {
  readonly #path: string | undefined;
  #opened: Opened | undefined;

  /** @param path of the database's file; undefined: it is in memory, and somebody else's */
  constructor(path: string | undefined) {
    this.#path = path;
  }

  /** *Effect.* `work` on the rows as of one moment; `nothing` where there is no database yet. @throws StoreError */
  look<Result>(nothing: Result, work: (rows: SqliteRows) => Result): Result {
    const opened = this.#open();
    if (!opened) return nothing;
    try {
      return opened.connection.asOfNow(() => work(opened.rows));
    } catch (error) {
      this.close(); // whatever is wrong with it: the next look begins anew
      throw storeErrorOf(error, 'read the database');
    }
  }

  close(): void {
    this.#opened?.connection.close();
    this.#opened = undefined;
  }

  #open(): Opened | undefined {
    const path = this.#path;
    const facts = path === undefined ? undefined : factsOf(path);
    if (path === undefined || facts === undefined || facts.size === 0) {
      this.close();
      return undefined;
    }
    const isAlone = factsOf(`${path}-wal`) === undefined;
    const key = isAlone ? `${facts.ino} ${facts.size} ${facts.mtimeMs}` : `${facts.ino} log`; // L1
    if (this.#opened?.key === key) return this.#opened;
    this.close();
    try {
      const name = isAlone ? `${pathToFileURL(path).href}?immutable=1` : path;
      const database = new DatabaseSync(name, { readOnly: true, timeout: LOOK_BUSY_MS });
      const connection = new Connection(database);
      this.#opened = { key, connection, rows: new SqliteRows(connection) };
    } catch (error) {
      throw openingError(error, path);
    }
    const { version } = this.#opened.rows;
    const refused = tooNew(version);
    if (refused) {
      this.close();
      throw refused;
    }
    if (version > 0 && version < OLDEST_READ) {
      this.close();
      const message = `expected a database of version ${OLDEST_READ} or newer, got ${version}: start a keeper once, it brings it up to date`;
      throw new StoreError({ code: 'FAILED', message });
    }
    if (version === 0) {
      this.close();
      return undefined; // made a moment ago, and still empty
    }
    return this.#opened;
  }
}

const factsOf = (path: string): Stats | undefined => statSync(path, { throwIfNoEntry: false });
