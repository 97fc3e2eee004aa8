/** Lines of a journal → entries. Pure. */
import type { Entry } from './entry.ts';

export type ParsedJournal = {
  entries: Entry[];
  /** Something was there that is no entry: a torn last line, a damaged one, or a gap in the numbers. */
  torn: boolean;
};

const NEWLINE = 0x0a;

const entryOf = (line: string): Entry | undefined => {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { seq, at, kind, data } = value as Record<string, unknown>;
  const isNumbered = Number.isSafeInteger(seq) && (seq as number) > 0 && typeof at === 'number';
  return isNumbered && typeof kind === 'string' && data !== undefined ? (value as Entry) : undefined;
};

/**
 * *Pure.* What a journal's text holds, in order. A line counts only with its newline: what follows the last one was
 * never acknowledged to anybody. Lines that are no entries, and numbers that do not rise, are passed over and make the
 * result `torn`.
 */
export const parseJournal = (text: string): ParsedJournal => {
  const entries: Entry[] = [];
  const lines = text.split('\n');
  let torn = lines.pop() !== '';
  let last = 0;
  for (const line of lines) {
    const entry = entryOf(line);
    if (!entry || entry.seq <= last) {
      torn = true;
      continue;
    }
    if (entry.seq !== last + 1) torn = true;
    last = entry.seq;
    entries.push(entry);
  }
  return { entries, torn };
};

/** *Pure.* Where the last good line ends (in bytes, its newline included) and its number: a writer goes on from there. */
export const endOf = (bytes: Buffer): { length: number; lastSeq: number } => {
  let end = bytes.lastIndexOf(NEWLINE);
  while (end >= 0) {
    const begin = end === 0 ? 0 : bytes.lastIndexOf(NEWLINE, end - 1) + 1;
    const entry = entryOf(bytes.toString('utf8', begin, end));
    if (entry) return { length: end + 1, lastSeq: entry.seq };
    end = begin - 1; // after a power cut the tail may be zeros or an older block, newline and all
  }
  return { length: 0, lastSeq: 0 };
};
