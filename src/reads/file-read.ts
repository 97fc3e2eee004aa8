/**
 * One journal file as it is asked about again and again: only what was added is read and parsed.
 *
 *   F1  Whole lines only; what follows the last newline is torn until it is whole.
 *   F2  A file that is shorter than what was read of it, or another one, is read from its beginning: a new writer has cut
 *       off damaged lines, or somebody has put another file there.
 */
import { open, type FileHandle } from 'node:fs/promises';
import type { Entry } from '../journal/entry.ts';
import { journalErrorOf } from '../journal/errors.ts';
import type { JournalName } from '../journal/folder.ts';
import { KeptEntries } from '../journal/kept.ts';
import { LINE_BYTES } from '../journal/line.ts';
import { JournalParser } from '../journal/parse.ts';

const NEWLINE = 0x0a;
const BLOCK_BYTES = 1024 * 1024;

export class FileRead {
  readonly name: JournalName;
  readonly #path: string;
  #kept = new KeptEntries();
  #parser = this.#newParser();
  #position = 0;
  #inode = 0;
  #isUnfinished = false;
  /** Grows with every look that found something; a file that is read anew has another generation. */
  version = 0;
  generation = 0;

  constructor(path: string, name: JournalName) {
    this.#path = path;
    this.name = name;
  }

  get entries(): Entry[] {
    return this.#kept.entries;
  }
  get lastSeq(): number {
    return this.#kept.entries.at(-1)?.seq ?? 0;
  }
  get facts(): { torn: boolean; lost: number; passedOver: number } {
    const { torn, lost } = this.#parser;
    return { torn: torn || this.#isUnfinished, lost, passedOver: this.#kept.passedOver };
  }

  /** *Effect.* Reads what was added. A file that is gone stays as it was read. @throws JournalError */
  async look(): Promise<void> {
    let handle: FileHandle | undefined;
    try {
      handle = await open(this.#path, 'r');
      const { size, ino } = await handle.stat();
      if (ino !== this.#inode || size < this.#position) this.#forget(ino); // F2
      await this.#readTo(handle, size);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw journalErrorOf(error, this.#path, 'read');
    } finally {
      await handle?.close();
    }
  }

  async #readTo(handle: FileHandle, size: number): Promise<void> {
    this.#isUnfinished = false;
    for (let length = BLOCK_BYTES; this.#position < size;) {
      const wanted = Math.min(length, size - this.#position);
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(wanted), 0, wanted, this.#position);
      const bytes = buffer.subarray(0, bytesRead);
      const whole = bytes.subarray(0, bytes.lastIndexOf(NEWLINE) + 1);
      const isTooLong = whole.length === 0 && bytes.length > LINE_BYTES; // the parser forgets it, and so can we
      const taken = isTooLong ? bytes : whole;
      if (taken.length > 0) {
        this.#parser.push(taken);
        this.#position += taken.length;
        this.version += 1;
        length = BLOCK_BYTES;
      } else if (bytesRead < length) {
        this.#isUnfinished = true; // F1
        return;
      } else length *= 2;
    }
  }

  #forget(inode: number): void {
    this.#inode = inode;
    this.#position = 0;
    this.#kept = new KeptEntries();
    this.#parser = this.#newParser();
    this.version += 1;
    this.generation += 1;
  }

  #newParser(): JournalParser {
    return new JournalParser((entry, bytes) => this.#kept.take(entry, bytes));
  }
}
