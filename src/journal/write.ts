/**
 * The writer of one journal file. One process writes a file, and only one writer at a time.
 *
 * Owns: the numbering, the order, and every byte until the disk has it. Does not own what an entry means.
 *   W1  `append` is synchronous, cheap, and never throws: it runs between two frames of audio.
 *   W2  Bytes are forgotten only after fdatasync has answered. After a failed one the kernel may have dropped the pages
 *       it could not write, so all that is not known to be on the disk is written again, at the same place.
 *   W3  Numbers have no gaps, also across a restart: a writer goes on behind the last good line and cuts off the rest. A
 *       line that was whole and is damaged is cut off too, and its number stays free: the gap says that it is missing.
 *   W4  No wait without a deadline: a disk that does not answer is a JournalError `ETIMEDOUT`, and the writing goes on.
 */
import { dirname } from 'node:path';
import { realDisk, type Disk, type DiskFile } from './disk.ts';
import type { Entry, EntryData, EntryKind } from './entry.ts';
import { JournalError, journalErrorOf } from './errors.ts';
import { type JournalName, journalPath, sessionFolder } from './folder.ts';
import { toJson } from './json.ts';
import { lineOf } from './line.ts';
import { bootId } from './owner.ts';
import { tailOf, type Tail } from './tail.ts';
import type { SessionId } from './ids.ts';
import { settledWithin } from '../waiting/deadline.ts';

/** How long `openJournal`, `durable` and `close` wait for the disk, unless told otherwise. */
const DISK_MS = 5_000;
/** After a failure: often enough that a disk with room again is noticed within a breath, rare enough to cost nothing. */
const RETRY_MS = 250;

export type FirstEntry = { [Kind in EntryKind]: { kind: Kind; data: EntryData[Kind] } }[EntryKind];

export type JournalOptions = {
  /** LASTWORD_DIR. */
  directory: string;
  session: SessionId;
  /** `keeper`, or the epoch of a job: 1, 2, … */
  file: JournalName;
  /** Appended and on the disk before `openJournal` resolves. */
  first?: FirstEntry;
  /** Milliseconds since the epoch. Default: Date.now. */
  now?: () => number;
  /**
   * Milliseconds since boot, by a clock that is never set, the same for all processes. Default: the system's (hrtime, on
   * Linux CLOCK_MONOTONIC), unless `now` is given: whoever brings a clock has to bring both.
   */
  up?: () => number;
  /** Told once when writing begins to fail, and again when the reason changes. */
  onTrouble?: (error: JournalError) => void;
  /** Longest wait for the disk, in milliseconds. Default 5,000. */
  diskMs?: number;
  /** For tests. */
  disk?: Disk;
};

export type Journal = {
  readonly path: string;
  /** Number of the last entry appended (0: none), durable or not. */
  readonly lastSeq: number;
  /**
   * Takes the entry in, whatever it holds, and returns its number. Written soon; `durable()` says when. What JSON
   * cannot hold becomes text; beyond 1 MiB of text the entry is cut, with a mark. After `close` nothing is taken:
   * returns 0 and tells `onTrouble`.
   */
  append<Kind extends EntryKind>(kind: Kind, data: EntryData[Kind]): number;
  /**
   * Resolves when all that was appended before is on the disk. Rejects with JournalError when the disk refuses or does
   * not answer in time; the entries are kept and tried again, so a later `durable()` may well resolve.
   */
  durable(): Promise<void>;
  /** The lines that are not known to be on the disk, as text: for whoever can keep them when the disk does not. */
  pending(): string;
  /** `durable()`, then closes the file; takes nothing in from the first call on. Rejects as `durable()` does. */
  close(): Promise<void>;
};

type Waiter = { seq: number; resolve: () => void; reject: (error: JournalError) => void };

/**
 * Opens a session's journal file, made (durably, with its folders) if need be; an existing file is continued.
 *
 * @throws JournalError when the folder cannot be made or the file not be opened or, with `first`, not be written in time.
 */
export const openJournal = async (options: JournalOptions): Promise<Journal> => {
  const { directory, session, file, first, disk = realDisk, diskMs = DISK_MS } = options;
  const path = journalPath(directory, session, file);
  const opening = open(disk, sessionFolder(directory, session), path);
  const opened = await inTime(diskMs, opening, path, 'open').catch((error: unknown) => {
    // Too late is not never: the descriptor that arrives later has no owner any more.
    opening.then(({ handle }) => handle.close()).catch(() => undefined);
    throw journalErrorOf(error, path, 'open');
  });
  const journal = new JournalFile(path, opened, { ...options, diskMs });
  if (!first) return journal;
  journal.append(first.kind, first.data);
  try {
    await journal.durable();
  } catch (error) {
    journal.close().catch(() => undefined);
    throw error;
  }
  return journal;
};

type Opened = Tail & { handle: DiskFile };

const systemUp = (): number => Number(process.hrtime.bigint() / 1_000_000n);

const open = async (disk: Disk, folder: string, path: string): Promise<Opened> => {
  await disk.makeFolder(folder);
  const handle = await disk.open(path);
  try {
    const tail = await tailOf(handle);
    if (tail.length < tail.size) await handle.truncate(tail.length);
    await handle.datasync();
    await disk.syncFolder(dirname(path)); // the name, too, has to outlive a power cut
    return { handle, ...tail };
  } catch (error) {
    await handle.close().catch(() => undefined);
    throw error;
  }
};

const inTime = async <Result>(ms: number, work: Promise<Result>, path: string, wanted: string): Promise<Result> => {
  const done = await settledWithin(work, ms);
  if (done.kind === 'settled') return done.value;
  if (done.kind === 'failed') throw done.error;
  throw journalErrorOf(Object.assign(new Error(`no answer in ${ms} ms`), { code: 'ETIMEDOUT' }), path, wanted);
};

class JournalFile implements Journal {
  readonly path: string;
  readonly #file: DiskFile;
  readonly #now: () => number;
  readonly #up: (() => number) | undefined;
  /** Said once: with the first line. */
  #boot: string;
  readonly #onTrouble: (error: JournalError) => void;
  readonly #diskMs: number;
  #lastSeq: number;
  #durableSeq: number;
  /** Bytes known to be on the disk: where the next write begins. */
  #position: number;
  /** Lines not yet handed to the disk. */
  #queued = '';
  /** Lines handed to the disk and not known to be there (W2), and the number of the last of them. */
  #unsynced: Buffer | undefined;
  #unsyncedSeq = 0;
  #isFlushing = false;
  #scheduled: NodeJS.Immediate | undefined;
  #retry: NodeJS.Timeout | undefined;
  #trouble: string | undefined;
  #waiters: Waiter[] = [];
  #closing: Promise<void> | undefined;

  constructor(path: string, opened: Opened, options: JournalOptions & { diskMs: number }) {
    this.path = path;
    this.#file = opened.handle;
    this.#position = opened.length;
    this.#lastSeq = opened.lastSeq;
    this.#durableSeq = opened.lastSeq;
    this.#now = options.now ?? Date.now;
    this.#up = options.up ?? (options.now ? undefined : systemUp);
    this.#boot = this.#up ? bootId() : '';
    this.#onTrouble = options.onTrouble ?? (() => undefined);
    this.#diskMs = options.diskMs;
  }

  get lastSeq(): number {
    return this.#lastSeq;
  }

  append<Kind extends EntryKind>(kind: Kind, data: EntryData[Kind]): number {
    if (this.#closing) {
      const message = `an entry of kind "${kind}" came after the end of ${this.path}; close the journal last`;
      this.#tell(new JournalError({ code: 'ECLOSED', path: this.path, message }));
      return 0;
    }
    this.#lastSeq += 1;
    this.#queued += lineOf(this.#entry(kind, data));
    // In trouble the retry timer sets the pace: a hundred entries a second need not be a hundred failures a second.
    if (!this.#isFlushing && !this.#trouble) this.#scheduled ??= setImmediate(() => this.#flush());
    return this.#lastSeq;
  }

  #entry(kind: EntryKind, data: unknown): Entry {
    const up = this.#up && { up: Math.floor(this.#up()) };
    const boot = this.#boot === '' ? {} : { boot: this.#boot };
    this.#boot = '';
    return { seq: this.#lastSeq, at: this.#now(), ...up, ...boot, kind, data: toJson(data) } as Entry;
  }

  async durable(): Promise<void> {
    const seq = this.#lastSeq;
    if (this.#durableSeq >= seq) return;
    const waiter: Waiter = { seq, resolve: () => undefined, reject: () => undefined };
    const done = new Promise<void>((resolve, reject) => Object.assign(waiter, { resolve, reject }));
    this.#waiters.push(waiter);
    this.#flush();
    try {
      await inTime(this.#diskMs, done, this.path, 'write');
    } catch (error) {
      this.#waiters = this.#waiters.filter((other) => other !== waiter);
      const failure = journalErrorOf(error, this.path, 'write');
      if (failure.code === 'ETIMEDOUT') this.#noteTrouble(failure);
      throw failure;
    }
  }

  pending(): string {
    return `${this.#unsynced?.toString() ?? ''}${this.#queued}`;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    try {
      await this.durable();
    } finally {
      clearTimeout(this.#retry);
      clearImmediate(this.#scheduled);
      await inTime(this.#diskMs, this.#file.close(), this.path, 'close').catch((error: unknown) =>
        this.#tell(journalErrorOf(error, this.path, 'close')),
      );
    }
  }

  /** One at a time; whatever arrives while the disk works is the next write: that is all the coalescing there is. */
  #flush(): void {
    clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    if (this.#isFlushing) return;
    clearTimeout(this.#retry);
    this.#isFlushing = true;
    void this.#write();
  }

  /** Never rejects. Ends in the same tick in which it finds nothing left, so no entry can fall between two writes. */
  async #write(): Promise<void> {
    try {
      while (this.#queued !== '' || this.#unsynced) await this.#writeOnce();
      this.#isFlushing = false;
    } catch (error) {
      this.#isFlushing = false;
      this.#fail(journalErrorOf(error, this.path, 'write'));
    }
  }

  async #writeOnce(): Promise<void> {
    if (this.#queued !== '') {
      const more = Buffer.from(this.#queued);
      this.#unsynced = this.#unsynced ? Buffer.concat([this.#unsynced, more]) : more;
      this.#unsyncedSeq = this.#lastSeq;
      this.#queued = '';
    }
    const bytes = this.#unsynced ?? Buffer.alloc(0);
    for (let done = 0; done < bytes.length;) {
      const written = await this.#file.write(bytes.subarray(done), this.#position + done);
      if (written <= 0) throw Object.assign(new Error('the disk took no byte'), { code: 'ENOSPC' });
      done += written;
    }
    await this.#file.datasync();
    this.#position += bytes.length;
    this.#durableSeq = this.#unsyncedSeq;
    this.#unsynced = undefined;
    this.#trouble = undefined;
    const reached = this.#waiters.filter(({ seq }) => seq <= this.#durableSeq);
    this.#waiters = this.#waiters.filter(({ seq }) => seq > this.#durableSeq);
    for (const waiter of reached) waiter.resolve();
  }

  #fail(error: JournalError): void {
    const failed = this.#waiters;
    this.#waiters = [];
    for (const waiter of failed) waiter.reject(error);
    this.#noteTrouble(error);
    if (!this.#closing) this.#retry = setTimeout(() => this.#flush(), RETRY_MS).unref();
  }

  #noteTrouble(error: JournalError): void {
    if (this.#trouble === error.code) return;
    this.#trouble = error.code;
    this.#tell(error);
  }

  #tell(error: JournalError): void {
    try {
      this.#onTrouble(error);
    } catch {
      // W1: a listener that throws must not take the call down with it, and there is nobody left to tell.
    }
  }
}
