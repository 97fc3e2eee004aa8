/**
 * What the files of a session hold behind a position, for its stream: a page of rows, and up to where it goes.
 *
 *   P1  Each file is counted by its own numbers: whoever comes back with a position gets every later entry once.
 *   P2  A page is bounded in rows and in bytes, so that one watcher costs one page.
 */
import type { EntryRow, Reference, StateAt } from '../reads/answers.ts';
import { shownOf } from '../reads/entry-rows.ts';
import { refOf, type Placed } from '../reads/session-read.ts';
import type { Source } from '../reads/source.ts';
import { recordOf, textOf, textsOf } from '../report/lenient.ts';

const MOST_ROWS = 500;
const MOST_BYTES = 262_144;

export type Batch = {
  rows: EntryRow[];
  /** Where machines are that moved within these rows: the last of each. */
  states: { machine: string; file: string; ref: Reference; states: string[] }[];
  /** Of supervision nothing: it runs beside the call (reads/state.ts). */
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
  const shown = shownOf(read);
  const batch: Batch = { rows: [], states: [], moved: null };
  let bytes = 0;
  let taken = 0;
  for (const placed of asked) {
    const row = shown[placed.index]?.row;
    const size = row ? row.text.length + (row.aside?.length ?? 0) + 200 : 0;
    if (taken > 0 && bytes + size > MOST_BYTES) break; // P2
    bytes += size;
    taken += 1;
    places.set(String(placed.file), placed.entry.seq);
    if (row) batch.rows.push(row);
    take(batch, placed);
  }
  const sorted = new Map([...places].sort(([one], [other]) => rankOf(one) - rankOf(other)));
  return { batch, position: taken === 0 ? from : positionOf(sorted), isMore: behind.length > taken };
}

/** A file may hold anything at all; no chart of ours has more leaves, nor longer ones. */
const leavesIn = (value: unknown): string[] => textsOf(value).slice(0, 64).map(brief);
const brief = (text: string): string => text.slice(0, 200);

const take = (batch: Batch, placed: Placed): void => {
  const { file } = placed;
  const { kind, data: raw } = placed.entry;
  if (kind !== 'transition') return;
  const data = recordOf(raw);
  const machine = brief(textOf(data['machine']) ?? 'session');
  const at = { machine, file: String(file), ref: refOf(placed), states: leavesIn(data['to']) };
  if (machine !== 'supervision')
    batch.moved = { machine, from: leavesIn(data['from']), to: at.states, event: brief(textOf(data['event']) ?? '') };
  const known = batch.states.findIndex((one) => one.machine === machine && one.file === at.file);
  if (known === -1) batch.states.push(at);
  else batch.states[known] = at;
};
