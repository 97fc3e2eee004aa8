/** What Lastword promises of each row, and where the bare SDK does better. Pure. */
import type { Measured, Row } from './row.ts';

export type Bounds = { silenceMs: number; startMs: number };
export type Cell = 'silence' | 'outcome' | 'room' | 'report' | 'reason';
export type Pair = { row: Row; bare: Measured; lastword: Measured };

/** One call is no measurement of a second. */
const NOISE_MS = 1000;

/** The cells of one side that are no good. */
export function misses(row: Row, measured: Measured, bounds: Bounds): Cell[] {
  const bound = row.isStart ? bounds.startMs : bounds.silenceMs;
  const { longestMs, outcome, isRoomLeft, reports, isTrue } = measured;
  const found: [Cell, boolean][] = [
    ['silence', (longestMs ?? 0) > bound],
    ['outcome', outcome === 'left alone'],
    ['room', isRoomLeft],
    ['report', reports !== 1],
    ['reason', !isTrue],
  ];
  return found.filter(([, isMissed]) => isMissed).map(([cell]) => cell);
}

/**
 * The cells in which the bare SDK does better: it keeps what Lastword misses, lets a call go on that Lastword ends, or is
 * sooner. A line that is cut without a word is not sooner than an apology or an answer.
 */
export function defeats({ row, bare, lastword }: Pair, bounds: Bounds): Cell[] {
  const [theirs, ours] = [misses(row, bare, bounds), misses(row, lastword, bounds)];
  const found = ours.filter((cell) => !theirs.includes(cell));
  if (bare.outcome === 'answered' && lastword.outcome !== 'answered') found.push('outcome');
  const isSooner = (bare.silenceMs ?? 0) + NOISE_MS < (lastword.silenceMs ?? 0);
  const isComparable = bare.heard !== '' || lastword.heard === '';
  if (isSooner && isComparable) found.push('silence');
  return [...new Set(found)];
}
