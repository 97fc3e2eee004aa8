/** From one entry to the next that matters. *Pure.* */
import type { EntryRow } from '../../../reads/answers.ts';
import type { KeyCommand } from './key-commands.ts';

const isTransition = ({ kind }: EntryRow): boolean => kind === 'transition';
const isTurn = ({ kind, what }: EntryRow): boolean => kind === 'item' && (what === 'caller' || what === 'agent');

/**
 * Where a key leads; undefined: it stays.
 * @param rows all entries, in order @param shown those that the list shows
 */
export function indexAfter(
  command: KeyCommand,
  at: number,
  rows: readonly EntryRow[],
  shown: readonly EntryRow[],
): number | undefined {
  // From that place on, and not from an end: a step of a long call is as quick as one of a short one.
  const before = (list: readonly EntryRow[], fits: (row: EntryRow) => boolean) => {
    for (let place = countBelow(list, at) - 1; place >= 0; place -= 1)
      if (fits(list[place] as EntryRow)) return list[place]?.index;
    return undefined;
  };
  const behind = (list: readonly EntryRow[], fits: (row: EntryRow) => boolean) => {
    for (let place = countBelow(list, at + 1); place < list.length; place += 1)
      if (fits(list[place] as EntryRow)) return list[place]?.index;
    return undefined;
  };
  const any = () => true;
  switch (command) {
    case 'entry-back':
      return before(shown, any);
    case 'entry-on':
      return behind(shown, any);
    case 'transition-back':
      return before(rows, isTransition);
    case 'transition-on':
      return behind(rows, isTransition);
    case 'turn-back':
      return before(rows, isTurn);
    case 'turn-on':
      return behind(rows, isTurn);
    case 'first':
      return rows[0]?.index;
    case 'last':
      return rows.at(-1)?.index;
    case 'live':
    case 'filter':
    case 'help':
      return undefined;
  }
}

/** Where the same key leads, pressed again and again. */
export function indexesAfter(
  command: KeyCommand,
  at: number,
  rows: readonly EntryRow[],
  shown: readonly EntryRow[],
  most: number,
): number[] {
  const found: number[] = [];
  for (let from = at; found.length < most;) {
    const next = indexAfter(command, from, rows, shown);
    if (next === undefined || next === from) break;
    found.push(next);
    from = next;
  }
  return found;
}

/** How many of these rows, which are in order, stand below that index. */
export const countBelow = (rows: readonly { index: number }[], index: number): number => {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((rows[middle]?.index ?? Infinity) < index) low = middle + 1;
    else high = middle;
  }
  return low;
};

/** The last entry that was written by then; rows are in order of time. */
export function indexAt(rows: readonly { at: number; index: number }[], at: number): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((rows[middle]?.at ?? 0) <= at) low = middle + 1;
    else high = middle;
  }
  return rows[Math.max(0, low - 1)]?.index ?? 0;
}
