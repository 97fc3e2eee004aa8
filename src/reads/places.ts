/** Which entry is meant, and what each file held by then. */
import type { JournalName } from '../journal/folder.ts';
import type { Reference } from './answers.ts';
import { ReadError } from './refusal.ts';
import type { Placed, SessionRead } from './session-read.ts';

/** The entry that was asked for; the last one where none was named; undefined where there is none at all. @throws ReadError */
export function placeAsked(
  read: SessionRead,
  { index, ref }: { index?: number | undefined; ref?: string | undefined },
): Placed | undefined {
  const { all } = read;
  if (ref === undefined && index === undefined) return all.at(-1);
  const at = ref === undefined ? index : read.indexOf(ref as Reference);
  const placed = at === undefined ? undefined : all[at];
  if (placed) return placed;
  const files = read.position === '' ? 'no entries at all' : `entries up to ${read.position}`;
  const got = ref === undefined ? `index ${index}` : ref;
  throw new ReadError(
    'NOT_FOUND',
    `entry: expected one of 0 to ${all.length - 1} (${files}), got ${got}; entries lists them`,
  );
}

/** *Pure.* How many of these, which are in order, are not above that. */
export const countUpTo = (sorted: readonly number[], most: number): number => {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? Infinity) <= most) low = middle + 1;
    else high = middle;
  }
  return low;
};

/** The number of the last entry of a file that stands there or before; 0: none does. */
export const lastSeqAt = (read: SessionRead, file: JournalName, index: number): number => {
  const byFile = read.kept('by file', () => {
    const found = new Map<JournalName, { indexes: number[]; seqs: number[] }>();
    for (const { index: at, file: name, entry } of read.all) {
      let of = found.get(name);
      if (!of) found.set(name, (of = { indexes: [], seqs: [] }));
      of.indexes.push(at);
      of.seqs.push(entry.seq);
    }
    return found;
  });
  const of = byFile.get(file);
  return of?.seqs[countUpTo(of.indexes, index) - 1] ?? 0;
};
