/**
 * What is on disk, read by a process of its own: whether a keeper runs or not makes no difference. A look makes nothing:
 * where there is no database yet, there is nothing to see.
 */
import { existsSync } from 'node:fs';
import { addressForPeople } from '../delivery/metadata-url.ts';
import { readSession, listSessions } from '../journal/read.ts';
import { JournalError } from '../journal/errors.ts';
import { isSessionId, type SessionId } from '../journal/ids.ts';
import type { SessionJournal } from '../journal/entry.ts';
import { openSource, type Source } from '../reads/source.ts';
import { fileOf, openStore, sqlitePathOf } from '../store/open.ts';
import { SqliteLook } from '../store/sqlite-look.ts';
import type { SqliteRows } from '../store/sqlite-look-rows.ts';
import type { SessionRow, Store } from '../store/store.ts';
import { nearest } from '../demo/nearest.ts';
import { NotFoundError } from './problems.ts';
import type { Settings } from './settings.ts';

const SQLITE = 'sqlite:';

/** *Effect.* `work` on the open store; `nothing` where there is none yet. @throws StoreError */
export async function withStore<Result>(
  { store: address }: Settings,
  nothing: Result,
  work: (store: Store) => Promise<Result>,
): Promise<Result> {
  const path = address.startsWith(SQLITE) ? address.slice(SQLITE.length) : '';
  if (path !== '' && !existsSync(path)) return nothing;
  const store = await openStore(address);
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

/** *Effect.* `work` on what can be asked about sessions; makes and changes nothing. @throws ReadError, JournalError, StoreError */
export async function withSource<Result>(
  settings: Settings,
  work: (source: Source) => Promise<Result>,
): Promise<Result> {
  const source = openSource(settings);
  try {
    return await work(source);
  } finally {
    source.close();
  }
}

/** *Effect.* What `work` reads of the database as of one moment; `nothing` where there is none yet. @throws StoreError */
export function lookedUp<Result>(
  { store: address }: Settings,
  nothing: Result,
  work: (rows: SqliteRows) => Result,
): Result {
  sqlitePathOf(address);
  const look = new SqliteLook(fileOf(address));
  try {
    return look.look(nothing, work);
  } finally {
    look.close();
  }
}

/** *Effect.* @throws NotFoundError that names the sessions it may have meant */
export async function notFound(settings: Settings, session: string): Promise<never> {
  const stored = lookedUp(settings, [] as SessionRow[], (rows) => rows.list({ limit: 1_000 }));
  const known = [...new Set([...(await listSessions(settings.directory)), ...stored.map((row) => row.session)])];
  const near = nearest(session, known, 3);
  const advice =
    near.length > 0
      ? `did you mean ${near.join(' or ')}?`
      : known.length > 0
        ? '`lastword sessions` lists those there are'
        : 'there is none at all: is LASTWORD_DIR right?';
  throw new NotFoundError(
    `session: expected one of ${settings.directory}, got ${JSON.stringify(session.slice(0, 80))}; ${advice}`,
  );
}

/** *Effect.* What was typed, as an id. @throws NotFoundError for a text that no session can have, as `notFound` does */
export const sessionNamed = async (settings: Settings, text: string): Promise<SessionId> =>
  isSessionId(text) ? text : notFound(settings, text);

/** *Effect.* undefined where there is no such session. @throws JournalError when it cannot be read */
export async function storedJournal({ directory }: Settings, session: SessionId): Promise<SessionJournal | undefined> {
  try {
    return await readSession(directory, session);
  } catch (error) {
    if (error instanceof JournalError && error.code === 'ENOSESSION') return undefined;
    throw error;
  }
}

/** *Pure.* As lists show it: a body is a whole report, and an address may hold a key. */
export const withoutBody = <Row extends { destination: string; lane?: string; body?: string }>(row: Row) => {
  const { body: _body, lane: _lane, ...rest } = row;
  return { ...rest, destination: addressForPeople(row.destination) };
};
