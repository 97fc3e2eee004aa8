/**
 * What the files of a session hold behind a position, for its stream: a page of rows, and up to where it goes.
 *
 *   P1  Each file is counted by its own numbers: whoever comes back with a position gets every later entry once.
 *   P2  A page is bounded in rows and in bytes, so that one watcher costs one page.
 */
import type { Entry } from '../journal/entry.ts';
import type { JournalName } from '../journal/folder.ts';
import type { Entries, EntryRow, StateAt } from '../reads/answers.ts';
import { ReadError } from '../reads/refusal.ts';
import { type Placed, refOf } from '../reads/session-read.ts';
import type { Source } from '../reads/source.ts';
import { ask } from '../reads/table.ts';

const MOST_ROWS = 500;
const MOST_BYTES = 262_144;
/** Of one text in a row: the whole is asked for by its reference. */
const MOST_TEXT = 4_096;

export type Batch = {
  rows: EntryRow[];
  /** Where machines are that moved within these rows: the last of each. */
  states: { machine: string; file: string; states: string[] }[];
  moved: StateAt['moved'];
};

/** *Pure.* By file, the last number; what is not named has not been read. */
export function placesIn(position: string): Map<string, number> {
  const pairs = position.split(',').filter((pair) => pair !== '');
  return new Map(pairs.map((pair) => [pair.slice(0, pair.indexOf(':')), Number(pair.slice(pair.indexOf(':') + 1))]));
}
/** *Pure.* */
export const positionOf = (places: ReadonlyMap<string, number>): string =>
  [...places].map(([file, seq]) => `${file}:${seq}`).join(',');

const rankOf = (file: string): number => (file === 'keeper' ? Infinity : Number(file));

/** *Effect.* It reads what was added. @param from a position; empty: the beginning. @throws ReadError, JournalError */
export async function rowsBehind(
  source: Source,
  session: string,
  from: string,
): Promise<{ batch: Batch; position: string; isMore: boolean }> {
  const read = await source.session(session);
  const places = placesIn(from);
  const behind = read.all.filter(({ file, entry }) => entry.seq > (places.get(String(file)) ?? 0)); // P1
  const asked = behind.slice(0, MOST_ROWS);
  const rowsByRef = await rowsOf(source, session, asked).catch((error: unknown) => {
    if (error instanceof ReadError && error.code === 'NOT_BUILT') return new Map(asked.map(plainRow));
    throw error;
  });
  const batch: Batch = { rows: [], states: [], moved: null };
  let bytes = 0;
  let taken = 0;
  for (const placed of asked) {
    const row = rowsByRef.get(refOf(placed));
    const size = row ? row.text.length + (row.aside?.length ?? 0) + 200 : 0;
    if (taken > 0 && bytes + size > MOST_BYTES) break; // P2
    bytes += size;
    taken += 1;
    places.set(String(placed.file), placed.entry.seq);
    if (row) batch.rows.push(row);
    take(batch, placed.file, placed.entry);
  }
  const sorted = new Map([...places].sort(([one], [other]) => rankOf(one) - rankOf(other)));
  return { batch, position: taken === 0 ? from : positionOf(sorted), isMore: behind.length > taken };
}

const plainRow = (placed: Placed): [string, EntryRow] => {
  const { at, kind } = placed.entry;
  return [refOf(placed), { index: placed.index, ref: refOf(placed), at, kind, what: kind, text: '', tone: 'plain' }];
};

const cut = (text: string): string => (text.length <= MOST_TEXT ? text : `${text.slice(0, MOST_TEXT)}…`);

/** As the read of entries has them. Mostly they stand side by side at the end. */
async function rowsOf(source: Source, session: string, asked: readonly Placed[]): Promise<Map<string, EntryRow>> {
  const rows = new Map<string, EntryRow>();
  const wanted = new Set(asked.map(refOf));
  const indexes = asked.map(({ index }) => index);
  let from = indexes.reduce((one, other) => Math.min(one, other), Infinity);
  const last = indexes.reduce((one, other) => Math.max(one, other), -1);
  while (from <= last) {
    const page = (await ask(source, 'entries', { session, density: 'entries', from, limit: MOST_ROWS })) as Entries;
    for (const row of page.rows)
      if (wanted.has(row.ref))
        rows.set(row.ref, { ...row, text: cut(row.text), ...(row.aside !== undefined && { aside: cut(row.aside) }) });
    if (page.next === null || page.next <= from) break;
    from = page.next;
  }
  return rows;
}

const take = (batch: Batch, file: JournalName, { kind, data }: Entry): void => {
  if (kind !== 'transition') return;
  const { machine, from, to, event } = data;
  batch.moved = { machine, from, to, event };
  const at = { machine, file: String(file), states: to };
  const known = batch.states.findIndex((one) => one.machine === machine && one.file === at.file);
  if (known === -1) batch.states.push(at);
  else batch.states[known] = at;
};
