/**
 * Bytes of a journal → entries, piece by piece: a journal may be longer than the longest string there is (512 MiB).
 * Holds one unfinished line at most, and nothing else. Pure.
 *
 *   P1  A line counts only with its newline: what follows the last one was never acknowledged to anybody.
 *   P2  A damaged line costs itself. A newline that is damaged costs the two lines that it parted.
 *   P3  What is missing is counted, never more than there was: by the numbers where a good line follows; behind the last
 *       good one by its lines, and a line that a false newline broke in two is one.
 */
import type { Entry } from './entry.ts';
import { entryOf, LINE_BYTES } from './line.ts';

const NEWLINE = 0x0a;
const OPENING = 0x7b;
const CLOSING = 0x7d;

export type ParsedJournal = {
  entries: Entry[];
  /** Something was there that is no entry: a torn last line, a damaged one, a gap in the numbers, or a line twice. */
  torn: boolean;
  /** Entries that were written and cannot be read: missing numbers, and damaged lines at the end (P3). */
  lost: number;
  /** Entries that could be read and were not kept, for there were too many (kept.ts). */
  passedOver: number;
};

export class JournalParser {
  readonly #onEntry: (entry: Entry, bytes: number) => void;
  readonly #lineBytes: number;
  /** The line that is not over yet, as it came. */
  #pieces: Buffer[] = [];
  #bytes = 0;
  /** That line is longer than any of ours: the rest of it is not even looked at. */
  #isTooLong = false;
  #lastSeq = 0;
  #missing = 0;
  /** Behind the last good line. */
  #damaged = 0;
  #isBroken = false;
  #isTorn = false;

  /** @param lineBytes longest line, default LINE_BYTES; a longer one is damaged */
  constructor(onEntry: (entry: Entry, bytes: number) => void, lineBytes = LINE_BYTES) {
    this.#onEntry = onEntry;
    this.#lineBytes = lineBytes;
  }

  /** Whether anything was there that is no entry; with what is not over yet. */
  get torn(): boolean {
    return this.#isTorn || this.#bytes > 0 || this.#isTooLong;
  }

  get lost(): number {
    return this.#missing + this.#damaged;
  }

  push(chunk: Buffer): void {
    let begin = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, begin)) {
      this.#hold(chunk.subarray(begin, end));
      this.#endLine();
      begin = end + 1;
    }
    this.#hold(chunk.subarray(begin));
  }

  #hold(piece: Buffer): void {
    if (piece.length === 0 || this.#isTooLong) return;
    this.#bytes += piece.length;
    this.#pieces.push(piece);
    if (this.#bytes <= this.#lineBytes) return;
    this.#isTooLong = true;
    this.#pieces = [];
  }

  #endLine(): void {
    const [first = Buffer.alloc(0)] = this.#pieces;
    const line = this.#pieces.length > 1 ? Buffer.concat(this.#pieces) : first;
    const entry = this.#isTooLong ? undefined : entryOf(line);
    this.#pieces = [];
    this.#bytes = 0;
    this.#isTooLong = false;
    if (!entry) this.#noteDamage(line);
    else if (entry.seq > this.#lastSeq) this.#take(entry, line.length + 1);
    else this.#isTorn = true; // once more, or an older block after a power cut
  }

  #take(entry: Entry, bytes: number): void {
    const missing = entry.seq - this.#lastSeq - 1;
    if (missing > 0) this.#isTorn = true;
    this.#missing += missing;
    this.#damaged = 0; // P3: the numbers say it better
    this.#isBroken = false;
    this.#lastSeq = entry.seq;
    this.#onEntry(entry, bytes);
  }

  #noteDamage(line: Buffer): void {
    this.#isTorn = true;
    const isRest = this.#isBroken && line[0] !== OPENING;
    if (!isRest) this.#damaged += 1;
    this.#isBroken = line.at(-1) !== CLOSING;
  }
}

/** *Pure.* What the text of a whole journal holds, in order. */
export const parseJournal = (text: string): ParsedJournal => {
  const entries: Entry[] = [];
  const parser = new JournalParser((entry) => entries.push(entry));
  parser.push(Buffer.from(text));
  return { entries, torn: parser.torn, lost: parser.lost, passedOver: 0 };
};
