/** Where everything on the lanes stands: all numbers of the drawing, none of the drawing itself. *Pure.* */
import type { LaneName, Lanes } from '../../../reads/answers.ts';
import { placedSpans, type PlacedSpan } from './lane-rows.ts';
import { ticksOf, timeScale, type TimeScale } from './time-scale.ts';

export type DrawnLane = { lane: LaneName; top: number; height: number; rowHeight: number; spans: PlacedSpan[] };
export type LanesDrawing = {
  scale: TimeScale;
  lanes: DrawnLane[];
  ticks: { at: number; x: number }[];
  deaths: { x: number; at: number; label: string; ref: string }[];
  height: number;
};

export const AXIS_HEIGHT = 18;
const GAP = 3;
/** The voices and their silence are what is looked at; the rest is beside it. */
const forms: Record<LaneName, { rowHeight: number; most: number }> = {
  caller: { rowHeight: 16, most: 1 },
  agent: { rowHeight: 16, most: 1 },
  filler: { rowHeight: 10, most: 1 },
  apology: { rowHeight: 10, most: 1 },
  silence: { rowHeight: 18, most: 1 },
  tools: { rowHeight: 13, most: 3 },
  states: { rowHeight: 16, most: 2 },
  limits: { rowHeight: 7, most: 5 },
  effects: { rowHeight: 7, most: 4 },
  epochs: { rowHeight: 14, most: 3 },
};
const order: readonly LaneName[] = [
  'caller',
  'agent',
  'filler',
  'apology',
  'silence',
  'tools',
  'states',
  'limits',
  'effects',
  'epochs',
];
/** Without a span these are left out: most calls have no tool and no apology. */
const whenEmpty: ReadonlySet<LaneName> = new Set(['tools', 'limits', 'effects', 'states', 'epochs']);

export function lanesDrawing(
  lanes: Lanes,
  asked: { width: number; now: number; isCollapsed: boolean; marks: readonly number[] },
): LanesDrawing {
  const to = lanes.isOver ? lanes.to : Math.max(lanes.to, asked.now);
  const edges = lanes.lanes
    .filter(({ lane }) => lane !== 'silence' && lane !== 'states' && lane !== 'epochs' && lane !== 'limits')
    .flatMap(({ spans }) => spans.flatMap((span) => [span.from, span.to ?? to]));
  const deathMarks = lanes.deaths.map(({ at }) => at);
  const scale = timeScale({
    from: lanes.from,
    to,
    marks: [...edges, ...asked.marks, ...deathMarks],
    width: asked.width,
    isCollapsed: asked.isCollapsed,
  });
  let top = AXIS_HEIGHT;
  const drawn = order.flatMap((name): DrawnLane[] => {
    const spans = lanes.lanes.find(({ lane }) => lane === name)?.spans ?? [];
    if (spans.length === 0 && whenEmpty.has(name)) return [];
    const { rowHeight, most } = forms[name];
    const placed = placedSpans(spans, scale, to, most);
    const lane: DrawnLane = { lane: name, top, rowHeight, height: placed.rows * (rowHeight + 1), spans: placed.spans };
    top += lane.height + GAP;
    return [lane];
  });
  return {
    scale,
    lanes: drawn,
    ticks: ticksOf(scale, lanes.from, to),
    deaths: lanes.deaths.map((death) => ({ ...death, x: scale.xOf(death.at) })),
    height: top,
  };
}

/** As much of a label as fits: letters of the lanes are about so wide. */
const LETTER = 5.6;
export function fittingLabel(label: string, width: number): string {
  const letters = Math.floor((width - 8) / LETTER);
  if (letters < 3) return '';
  return label.length <= letters ? label : `${label.slice(0, letters - 1)}…`;
}
