/**
 * Follows a session as it is written: for the live screen, the inspector and the keeper.
 *
 * Owns: how far each file has been read. Hands on each complete line once, in the order of its file; across files by
 * time, as far as they were there when it looked.
 *   F1  fs.watch is a hint to look now and never the only one: it misses events under load and on some file systems.
 *   F2  Only whole lines are passed: the tail of a write in progress, or half a UTF-8 character, waits for its rest.
 */
import { watch, type FSWatcher } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Entry } from './entry.ts';
import { journalErrorOf } from './errors.ts';
import { journalOf, sessionFolder } from './folder.ts';
import { mergeByTime } from './merge.ts';
import { parseJournal } from './parse.ts';

/** Backstop while fs.watch works, and pace where there is nothing to watch yet. */
const POLL_MS = 1_000;
const UNWATCHED_POLL_MS = 100;

type Found = { entry: Entry; file: string };
const timeOf = ({ entry }: Found): number => entry.at;

/**
 * Calls `onEntry` for every entry of every file of the session, those already there first, until `signal` aborts; then
 * resolves. Folder and files may come later. Rejects when a file cannot be read, or with what `onEntry` throws.
 *
 * @param directory LASTWORD_DIR
 * @param onEntry gets the entry and the file it is in: `1`, `2`, …, `keeper`
 */
export const followSession = async (
  directory: string,
  session: string,
  onEntry: (entry: Entry, file: string) => void,
  signal: AbortSignal,
): Promise<void> => {
  const folder = sessionFolder(directory, session);
  const consumed = new Map<string, { bytes: number; lastSeq: number }>();
  const bell = new Bell(signal);
  let watcher: FSWatcher | undefined;
  try {
    while (!signal.aborted) {
      watcher ??= watchFolder(folder, bell);
      for (const { entry, file } of mergeByTime(await readNew(folder, consumed), timeOf)) {
        if (signal.aborted) return;
        onEntry(entry, file);
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

const readNew = async (
  folder: string,
  consumed: Map<string, { bytes: number; lastSeq: number }>,
): Promise<Found[][]> => {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw journalErrorOf(error, folder, 'read');
  }
  const found: Found[][] = [];
  for (const name of names) {
    const file = journalOf(name);
    if (file === undefined) continue;
    const state = consumed.get(file) ?? { bytes: 0, lastSeq: 0 };
    consumed.set(file, state);
    const bytes = await readFrom(join(folder, name), state.bytes);
    const whole = bytes.subarray(0, bytes.lastIndexOf(0x0a) + 1); // F2
    state.bytes += whole.length;
    const fresh = parseJournal(whole.toString('utf8')).entries.filter(({ seq }) => seq > state.lastSeq);
    state.lastSeq = fresh.at(-1)?.seq ?? state.lastSeq;
    found.push(fresh.map((entry) => ({ entry, file })));
  }
  return found;
};

const readFrom = async (path: string, position: number): Promise<Buffer> => {
  try {
    const handle = await open(path, 'r');
    try {
      const { size } = await handle.stat();
      const bytes = Buffer.alloc(Math.max(0, size - position));
      const { bytesRead } = await handle.read(bytes, 0, bytes.length, position);
      return bytes.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0);
    throw journalErrorOf(error, path, 'read');
  }
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
