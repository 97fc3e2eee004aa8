/** From the address in LASTWORD_STORE to a store. */
import { resolve } from 'node:path';
import { openInThread } from './in-thread.ts';
import { openSqlite } from './sqlite.ts';
import { StoreError, type Store } from './store.ts';

/** *Pure.* What is behind `sqlite:`. @throws StoreError `BAD_ADDRESS` */
export const sqlitePathOf = (url: string): string => {
  const scheme = url.slice(0, url.indexOf(':') + 1);
  if (scheme === 'postgres:' || scheme === 'postgresql:') {
    // The address is not repeated: it holds a password.
    throw new StoreError({
      code: 'BAD_ADDRESS',
      message: 'Postgres is not built yet; set LASTWORD_STORE to sqlite:PATH',
    });
  }
  const path = url.slice('sqlite:'.length);
  if (scheme !== 'sqlite:' || path === '') {
    const got = scheme === '' ? JSON.stringify(url.slice(0, 80)) : JSON.stringify(`${scheme}…`);
    throw new StoreError({
      code: 'BAD_ADDRESS',
      message: `LASTWORD_STORE: expected sqlite:PATH or sqlite::memory:, got ${got}`,
    });
  }
  return path;
};

/**
 * Opens the store at `sqlite:PATH` or `sqlite::memory:` (gone with the process: for tests).
 *
 * `inThread`: in a thread of its own, so that a database that is held, or a disk that hangs, holds nobody else.
 *
 * @throws StoreError `BAD_ADDRESS` for anything else, `UNWRITABLE` where the database cannot be made.
 */
export const openStore = async (url: string, { inThread = false } = {}): Promise<Store> => {
  const path = sqlitePathOf(url);
  return inThread ? openInThread(path) : openSqlite(path);
};

/** *Pure.* The database's file, for a second reader; undefined where there is none. */
export const fileOf = (url: string): string | undefined => {
  const path = url.startsWith('sqlite:') ? url.slice('sqlite:'.length) : '';
  return path === '' || path === ':memory:' ? undefined : resolve(path);
};
