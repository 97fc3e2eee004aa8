/**
 * Spans on lanes: what overlaps lies in rows below each other. *Pure.*
 *
 *   R1  A span has the first row that is free where it begins; at most `most` rows, and what is more goes into the last.
 *   R2  However short, a span is as wide as can be seen and hit.
 */
import type { Span } from '../../../reads/answers.ts';
import type { TimeScale } from './time-scale.ts';

export type PlacedSpan = { span: Span; row: number; x: number; width: number };

const NARROWEST = 3;

export function placedSpans(
  spans: readonly Span[],
  scale: Pick<TimeScale, 'xOf'>,
  now: number,
  most: number,
): { spans: PlacedSpan[]; rows: number } {
  const free: number[] = [];
  const placed = [...spans]
    .sort((one, other) => one.from - other.from)
    .map((span): PlacedSpan => {
      const x = scale.xOf(span.from);
      const width = Math.max(NARROWEST, scale.xOf(span.to ?? now) - x); // R2
      const found = free.findIndex((right) => right <= x);
      const row = found >= 0 ? found : Math.min(free.length, most - 1); // R1
      free[row] = Math.max(x + width + 1, free[row] ?? 0);
      return { span, row, x, width };
    });
  return { spans: placed, rows: Math.max(1, free.length) };
}
