/**
 * Spans on lanes: what overlaps lies in rows below each other. *Pure.*
 *
 *   R1  A span has the first row that is free where it begins; at most `most` rows, and what is more goes into the last.
 *   R2  However short, a span is as wide as can be seen and hit.
 *   R3  Of a crowd nobody sees one span: it is one shape for each tone, and what lies under a pointer is looked up.
 */
import type { Span } from '../../../reads/answers.ts';
import type { TimeScale } from './time-scale.ts';

/** R3. */
const CROWD = 200;
/** Lower rows have no room for words. */
export const LABELLED_HEIGHT = 12;
/** Nor have narrower ones (lanes-drawing.ts, fittingLabel). */
const LABELLED_WIDTH = 25;

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

/** R3. Where there are many: those that are looked at one by one, and the others. A silence that was too long is seen. */
export function parted({ rowHeight, spans }: { rowHeight: number; spans: readonly PlacedSpan[] }): {
  single: readonly PlacedSpan[];
  crowd: readonly PlacedSpan[];
} {
  if (spans.length <= CROWD) return { single: spans, crowd: [] };
  const isThin = rowHeight < LABELLED_HEIGHT;
  const isSingle = ({ span, width }: PlacedSpan) => !isThin && (span.tone === 'bad' || width >= LABELLED_WIDTH);
  return { single: spans.filter(isSingle), crowd: spans.filter((span) => !isSingle(span)) };
}

/** R3. Each tone with its outline. */
export function crowdShapes(
  spans: readonly PlacedSpan[],
  top: number,
  rowHeight: number,
): { tone: string; d: string }[] {
  const shapes = new Map<string, string[]>();
  for (const { span, row, x, width } of spans) {
    const parts = shapes.get(span.tone) ?? [];
    shapes.set(span.tone, parts);
    parts.push(
      `M${x.toFixed(1)},${top + row * (rowHeight + 1)}h${width.toFixed(1)}v${rowHeight}h${(-width).toFixed(1)}z`,
    );
  }
  return [...shapes].map(([tone, parts]) => ({ tone, d: parts.join('') }));
}

/** R3. What is drawn last lies above. */
export const spanUnder = (spans: readonly PlacedSpan[], row: number, at: number): PlacedSpan | undefined =>
  spans.findLast(({ row: of, x, width }) => of === row && at >= x && at <= x + width);
