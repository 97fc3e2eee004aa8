/**
 * How long it took, whatever became of the machine's clock meanwhile: it may be set by hours in the middle of a call
 * (NTP after a boot, a hypervisor that wakes up). Pure.
 *
 *   K1  Two entries of one boot are as far apart as the clock says that is never set; others as their times say.
 *   K2  A time that is shown is the one that was written: whoever looks for it in other logs finds it there.
 *   K3  What is put in order, or compared across files, is so on a line of time without the jumps: `whenOf`.
 *
 * Each boot's steady clock is laid onto the calendar at the first entry that has it. An entry then has its steady time:
 * milliseconds since the epoch as they would be if nobody had set the clock since.
 */
import type { Entry, SessionJournal } from '../journal/entry.ts';
import { durationOf, readableName, recordOf } from './lenient.ts';

/** `steady`: where it differs from `at`. */
export type Timed = Entry & { readonly steady?: number };
/** When something was: `at` as it is shown, and as it is reckoned with. Every entry is one. */
export type Moment = { at: number; steady?: number | undefined };

/** Two clocks that are read one after the other, each cut to whole milliseconds. */
const ROUNDING_MS = 2;
/** A clock that is corrected at the usual rate (500 millionths) is off by less after an hour. */
const MOVED_MS = 2_000;

export const steadyOf = ({ at, steady }: Moment): number => steady ?? at;

export const momentOf = ({ at, steady }: Moment): Moment => (steady === undefined ? { at } : { at, steady });

/** K1. In ms; negative where the two are not in order, or the clock was set and nothing else is known. */
export const apart = (from: Moment, to: Moment): number => steadyOf(to) - steadyOf(from);

/** K1. In ms, never negative. */
export const elapsed = (from: Moment, to: Moment): number => durationOf(apart(from, to)) ?? 0;

/** K3. Small corrections are left as they are: what others' clocks say (the SDK's, of its items) has them too. */
export const whenOf = (moment: Moment): number =>
  Math.abs(moment.at - steadyOf(moment)) > MOVED_MS ? steadyOf(moment) : moment.at;

/** What the clock was off by, and in which stretch of steady time: it may have been set at either end, nobody saw when. */
type Setting = { off: number; from: number; to: number };

/** Nobody sets a clock a hundred times in a call; whoever writes such a journal is not to make the fold slow. */
const MOST_SETTINGS = 100;

/** How the clock was set while these were written, by one process. */
export const settingsOf = (moments: readonly Moment[]): Setting[] => {
  const settings: Setting[] = [];
  let before = -Infinity;
  for (const moment of moments) {
    const steady = whenOf(moment);
    const off = moment.at - steady;
    const last = settings.at(-1);
    if (!last || (Math.abs(off - last.off) > MOVED_MS && settings.length < MOST_SETTINGS)) {
      if (last) last.to = steady;
      settings.push({ off, from: before, to: Infinity });
    }
    before = steady;
  }
  return settings;
};

/** K3, for a time of somebody else's that an entry carries: the latest that it can have been, by the clock of then. */
export const saidAt = (time: number, entry: Moment, settings: readonly Setting[]): number => {
  if (settings.every(({ off }) => off === 0)) return time;
  const when = whenOf(entry);
  const possible = settings.flatMap(({ off, from, to }) => {
    const reading = time - off;
    return reading >= from && reading <= Math.min(to, when) ? [reading] : [];
  });
  return possible.length === 0 ? when : Math.max(...possible);
};

type Reading = { up: number; boot: string };

/** Which boot an entry's `up` counts from: as its writer said first. A clock that went back is another boot's. */
const readingsOf = (file: string, entries: readonly Entry[]): (Reading | undefined)[] => {
  let boot = `${file}:0`;
  let last = -Infinity;
  return entries.map((entry, index) => {
    const up = durationOf(entry.up);
    const named = readableName(entry.boot) ?? bootIn(entry);
    if (named !== null) boot = named;
    else if (up !== null && up < last) boot = `${file}:${index}`;
    if (up === null) return undefined;
    last = up;
    return { up, boot };
  });
};

/** The owner names the boot too. */
const bootIn = ({ kind, data }: Entry): string | null =>
  kind === 'session.opened' ? readableName(recordOf(recordOf(data)['owner'])['bootId']) : null;

/** *Pure.* The same journal, each entry with its steady time; `movedMs`: how far the clock was set, null if unknown. */
export const withSteadyTime = (journal: SessionJournal): { journal: SessionJournal; movedMs: number | null } => {
  const files = [
    { name: 'keeper', entries: journal.keeper },
    ...journal.epochs.map(({ epoch, entries }) => ({ name: String(epoch), entries })),
  ];
  const read = files.map(({ name, entries }) => ({ entries, readings: readingsOf(name, entries) }));
  const first = new Map<string, { up: number; at: number }>();
  for (const { entries, readings } of read)
    for (const [index, reading] of readings.entries()) {
      const at = entries[index]?.at;
      if (!reading || typeof at !== 'number') continue;
      if (reading.up < (first.get(reading.boot)?.up ?? Infinity)) first.set(reading.boot, { up: reading.up, at });
    }
  let movedMs: number | null = first.size === 0 ? null : 0;
  const timed = read.map(({ entries, readings }) =>
    entries.map((entry, index): Timed => {
      const reading = readings[index];
      const origin = reading && first.get(reading.boot);
      if (!origin) return entry;
      const steady = origin.at + (reading.up - origin.up);
      const off = entry.at - steady;
      if (Math.abs(off) > MOVED_MS && Math.abs(off) > Math.abs(movedMs ?? 0)) movedMs = off;
      return Math.abs(off) <= ROUNDING_MS ? entry : { ...entry, steady };
    }),
  );
  const [keeper = [], ...jobs] = timed;
  const epochs = journal.epochs.map((epoch, index) => ({ ...epoch, entries: jobs[index] ?? [] }));
  return { journal: { ...journal, epochs, keeper }, movedMs };
};
