/**
 * What an earlier keeper left unsealed. The store knows nearly all of it at once, by an index, however many sessions were
 * sealed before; a session that was accepted and died before its row was written is found by its folder, a little later.
 *
 *   U1  The worker does not wait for the folders: a million of them take seconds.
 *   U2  A store that does not answer is asked again: nobody is called sealed on a guess, nor unsealed.
 */
import { opendir } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import { sessionsFolder } from '../journal/folder.ts';
import { isSessionId, type SessionId } from '../journal/ids.ts';
import type { SessionRow, Store } from '../store/store.ts';

const AT_ONCE = 500;
const AGAIN_MS = 5_000;

export type UnsealedOptions = {
  directory: string;
  store: Pick<Store, 'unsealed' | 'withoutReport'>;
  log: Logger;
  signal: AbortSignal;
};

/** *Effect.* The rows that are not sealed; none when the store does not say: then the folders do. */
export async function unsealedRows({ store, log }: UnsealedOptions): Promise<SessionRow[]> {
  try {
    return await store.unsealed();
  } catch (error) {
    log.warn({ err: error }, 'the store does not say what is unsealed; looking at the journals instead');
    return [];
  }
}

/** *Effect.* The names of all sessions that have a folder, in no order; undefined when they are more than `most`. */
export async function folderNames(directory: string, most: number): Promise<SessionId[] | undefined> {
  const names: SessionId[] = [];
  for await (const name of foldersIn(directory)) {
    if (names.length >= most) return undefined;
    names.push(name);
  }
  return names;
}

/** One after the other, however many there are. */
async function* foldersIn(directory: string): AsyncGenerator<SessionId> {
  const folder = await opendir(sessionsFolder(directory), { bufferSize: 1_000 }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  });
  if (!folder) return;
  for await (const entry of folder) if (entry.isDirectory() && isSessionId(entry.name)) yield entry.name;
}

/** *Effect.* Every session that has a folder and no report, until all were looked at, or the signal says stop. */
export async function* unsealedFolders({ directory, store, log, signal }: UnsealedOptions): AsyncGenerator<SessionId> {
  let names: SessionId[] = [];
  const without = async (): Promise<SessionId[]> => {
    for (const asked = names.splice(0); asked.length > 0;) {
      try {
        return await store.withoutReport(asked);
      } catch (error) {
        log.warn({ err: error }, 'the store does not say what is sealed; asking again'); // U2
        await pause(AGAIN_MS, undefined, { signal });
      }
    }
    return [];
  };
  for await (const name of foldersIn(directory)) {
    if (signal.aborted) return;
    names.push(name);
    if (names.length >= AT_ONCE) yield* await without();
  }
  yield* await without();
}
