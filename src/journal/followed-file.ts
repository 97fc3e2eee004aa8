/** One journal file as it grows: its new lines, block by block. Passes over what it has passed on already. */
import { open, stat } from 'node:fs/promises';
import type { Entry } from './entry.ts';
import { journalErrorOf } from './errors.ts';
import type { JournalName } from './folder.ts';
import { LINE_BYTES } from './line.ts';
import { JournalParser } from './parse.ts';

const NEWLINE = 0x0a;
/** A thousand lines and more; doubled while a line is longer than that. */
const BLOCK_BYTES = 256 * 1024;

export class FollowedFile {
  readonly name: JournalName;
  readonly #path: string;
  readonly #parser = new JournalParser((entry) => this.#fresh.push(entry));
  #fresh: Entry[] = [];
  #next = 0;
  /** What was handed to the parser: whole lines, but for the beginning of one that is longer than any of ours. */
  #position = 0;
  /** How long it was when it was looked at: one that grows faster than it is read keeps nobody. */
  #size = 0;

  /** @param name 1, 2, …, `keeper` */
  constructor(path: string, name: JournalName) {
    this.#path = path;
    this.name = name;
  }

  /** The first entry that is read and not passed on. */
  get head(): Entry | undefined {
    return this.#fresh[this.#next];
  }

  next(): void {
    this.#next += 1;
  }

  async look(): Promise<void> {
    try {
      this.#size = (await stat(this.#path)).size;
    } catch (error) {
      if (!isMissing(error)) throw journalErrorOf(error, this.#path, 'read');
    }
    // A new writer has cut off damaged lines: what it writes begins where they began.
    this.#position = Math.min(this.#position, this.#size);
  }

  /** The next entry, if there was one when it was looked at. */
  async refill(): Promise<Entry | undefined> {
    this.#fresh = [];
    this.#next = 0;
    for (let length = BLOCK_BYTES; this.head === undefined && this.#position < this.#size;) {
      const bytes = await this.#read(Math.min(length, this.#size - this.#position));
      const whole = bytes.subarray(0, bytes.lastIndexOf(NEWLINE) + 1);
      const isTooLong = whole.length === 0 && bytes.length > LINE_BYTES; // the parser forgets it, and so can we
      this.#consume(isTooLong ? bytes : whole);
      if (whole.length > 0 || isTooLong) length = BLOCK_BYTES;
      else if (bytes.length < length) break; // a write in progress
      else length *= 2;
    }
    return this.head;
  }

  #consume(bytes: Buffer): void {
    this.#position += bytes.length;
    this.#parser.push(bytes);
  }

  async #read(length: number): Promise<Buffer> {
    try {
      const handle = await open(this.#path, 'r');
      try {
        const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, this.#position);
        return buffer.subarray(0, bytesRead);
      } finally {
        await handle.close();
      }
    } catch (error) {
      if (isMissing(error)) return Buffer.alloc(0);
      throw journalErrorOf(error, this.#path, 'read');
    }
  }
}

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException | null)?.code === 'ENOENT';
