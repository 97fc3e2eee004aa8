/**
 * Follows a session as it is written: for the live screen, the inspector and the keeper.
 *
 * Owns: how far each file has been read. Hands on each complete line once, in the order of its file; across files by
 * time, as far as they were there when it looked.
 *   F1  fs.watch is a hint to look now and never the only one: it misses events under load and on some file systems.
 *   F2  Only whole lines are passed: the tail of a write in progress, or half a UTF-8 character, waits for its rest.
 *   F3  Across files the earliest comes first, and never against the order within a file (a clock may be set back). One
 *       block of each file is held, however long it is.
 */
import { watch, type FSWatcher } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Entry } from './entry.ts';
import { journalErrorOf } from './errors.ts';
import { type JournalName, journalNameOf, sessionFolder } from './folder.ts';
import { FollowedFile } from './followed-file.ts';
import type { SessionId } from './ids.ts';

/** Backstop while fs.watch works, and pace where there is nothing to watch yet. */
const POLL_MS = 1_000;
const UNWATCHED_POLL_MS = 100;

/**
 * Calls `onEntry` for every entry of every file of the session, those already there first, until `signal` aborts; then
 * resolves. Folder and files may come later. Rejects when a file cannot be read, or with what `onEntry` throws.
 *
 * @param directory LASTWORD_DIR
 * @param onEntry gets the entry and the file it is in: 1, 2, …, `keeper`
 */
export const followSession = async (
  directory: string,
  session: SessionId,
  onEntry: (entry: Entry, file: JournalName) => void,
  signal: AbortSignal,
): Promise<void> => {
  const folder = sessionFolder(directory, session);
  const files = new Map<JournalName, FollowedFile>();
  const bell = new Bell(signal);
  let watcher: FSWatcher | undefined;
  try {
    while (!signal.aborted) {
      watcher ??= watchFolder(folder, bell);
      await findFiles(folder, files);
      const all = [...files.values()];
      for (const file of all) await file.look();
      for (let first = await earliest(all); first; first = await earliest(all)) {
        if (signal.aborted) return;
        onEntry(first.entry, first.file.name);
        first.file.next();
      }
      await bell.wait(watcher ? POLL_MS : UNWATCHED_POLL_MS);
    }
  } finally {
    watcher?.close();
  }
};

/** Undefined while the folder is not there, or where the system has no watches left: then the poll does it alone. */
const watchFolder = (folder: string, bell: Bell): FSWatcher | undefined => {
  try {
    const watcher = watch(folder, { persistent: false }, () => bell.ring());
    watcher.on('error', () => watcher.close());
    return watcher;
  } catch {
    return undefined;
  }
};

const findFiles = async (folder: string, files: Map<JournalName, FollowedFile>): Promise<void> => {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw journalErrorOf(error, folder, 'read');
  }
  for (const name of names) {
    const file = journalNameOf(name);
    if (file !== undefined && !files.has(file)) files.set(file, new FollowedFile(join(folder, name), file));
  }
};

/** F3. */
const earliest = async (files: readonly FollowedFile[]): Promise<{ entry: Entry; file: FollowedFile } | undefined> => {
  let first: { entry: Entry; file: FollowedFile } | undefined;
  for (const file of files) {
    const entry = file.head ?? (await file.refill());
    if (entry && (!first || entry.at < first.entry.at)) first = { entry, file };
  }
  return first;
};

/** Sleeps until rung, aborted or the time is up; a ring while nobody sleeps is remembered. */
class Bell {
  #isRung = false;
  #wake: () => void = () => undefined;

  constructor(signal: AbortSignal) {
    signal.addEventListener('abort', () => this.ring(), { once: true });
  }

  ring(): void {
    this.#isRung = true;
    this.#wake();
  }

  async wait(ms: number): Promise<void> {
    if (!this.#isRung) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#isRung = false;
    this.#wake = () => undefined;
  }
}
