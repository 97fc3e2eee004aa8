/**
 * Where a moment stands on the line of time. *Pure.*
 *
 *   T1  Stretches in which nothing was written are drawn at one small width, with their length beside it: a caller who
 *       was on hold for ten minutes does not press the rest of the call into a corner.
 *   T2  What is not collapsed has one scale: equal widths are equal times.
 *   T3  From a moment to its place and back is the same moment, collapsed or not.
 */
export type IdleStretch = { from: number; to: number; left: number; right: number };
export type TimeScale = {
  width: number;
  idle: readonly IdleStretch[];
  xOf: (at: number) => number;
  timeOf: (x: number) => number;
};

export const IDLE_WIDTH = 40;
/** Shorter ones are what a conversation is made of. */
const SHORTEST_IDLE_MS = 6_000;
const LEAST_BUSY_MS = 500;
/** More of them than this leaves no room for the rest. */
const MOST_OF_WIDTH = 0.4;

type Knot = { at: number; x: number };

export function timeScale(asked: {
  from: number;
  to: number;
  /** Moments at which something was written or changed. */
  marks: readonly number[];
  width: number;
  isCollapsed: boolean;
}): TimeScale {
  const { from, width } = asked;
  const to = Math.max(asked.to, from + 1);
  const found = asked.isCollapsed ? idleStretches(from, to, asked.marks, width) : [];
  const foundMs = found.reduce((sum, one) => sum + one.to - one.from, 0);
  // A call in which nothing but waiting was written: without any scale nothing could be pointed at.
  const idle = to - from - foundMs < LEAST_BUSY_MS ? [] : found;
  const idleMs = idle.length === 0 ? 0 : foundMs;
  const busyMs = Math.max(1, to - from - idleMs);
  const scale = Math.max(0, width - idle.length * IDLE_WIDTH) / busyMs; // T2
  const knots: Knot[] = [{ at: from, x: 0 }];
  const placed = idle.map((one): IdleStretch => {
    const before = knots.at(-1) as Knot;
    const left = before.x + (one.from - before.at) * scale;
    const right = left + IDLE_WIDTH;
    knots.push({ at: one.from, x: left }, { at: one.to, x: right });
    return { ...one, left, right };
  });
  knots.push({ at: to, x: width });
  return {
    width,
    idle: placed,
    xOf: (at) => between(knots, at, 'at', 'x'),
    timeOf: (x) => between(knots, x, 'x', 'at'),
  };
}

function idleStretches(
  from: number,
  to: number,
  marks: readonly number[],
  width: number,
): { from: number; to: number }[] {
  const sorted = [from, ...marks.filter((at) => at > from && at < to).sort((one, other) => one - other), to];
  const long: { from: number; to: number }[] = [];
  for (let index = 1; index < sorted.length; index += 1) {
    const [begin, end] = [sorted[index - 1] as number, sorted[index] as number];
    if (end - begin >= SHORTEST_IDLE_MS) long.push({ from: begin, to: end });
  }
  // T1: only where it gains something, the longest first.
  const most = Math.floor((width * MOST_OF_WIDTH) / IDLE_WIDTH);
  const chosen = [...long].sort((one, other) => other.to - other.from - (one.to - one.from)).slice(0, most);
  return chosen
    .filter((one) => ((one.to - one.from) / (to - from)) * width > IDLE_WIDTH * 1.5)
    .sort((one, other) => one.from - other.from);
}

const between = (knots: readonly Knot[], value: number, of: 'at' | 'x', into: 'at' | 'x'): number => {
  let low = 0;
  let high = knots.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((knots[middle] as Knot)[of] <= value) low = middle;
    else high = middle;
  }
  const [one, other] = [knots[low] as Knot, knots[high] as Knot];
  const length = other[of] - one[of];
  const share = length <= 0 ? 0 : Math.min(1, Math.max(0, (value - one[of]) / length));
  return one[into] + share * (other[into] - one[into]);
};

const steps = [
  100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000,
];

/** Moments that the axis names: round ones, `apart` points from each other and not within what is collapsed. */
export function ticksOf(scale: TimeScale, from: number, to: number, apart = 84): { at: number; x: number }[] {
  const idleMs = scale.idle.reduce((sum, one) => sum + one.to - one.from, 0);
  const points = (scale.width - scale.idle.length * IDLE_WIDTH) / Math.max(1, to - from - idleMs);
  const step = steps.find((ms) => ms * points >= apart) ?? Math.max(3_600_000, Math.ceil((to - from) / 10));
  const ticks: { at: number; x: number }[] = [];
  for (let at = from; at <= to && ticks.length < 1_000; at += step) {
    // Of what is collapsed nothing is named: an hour on hold is 36,000 steps of those beside it.
    const within = scale.idle.find((one) => at > one.from && at < one.to);
    if (within) at = from + Math.floor((within.to - from) / step) * step;
    const x = scale.xOf(at);
    const isHidden = scale.idle.some(({ left, right }) => x > left - 44 && x < right + 4);
    const last = ticks.at(-1);
    if (!isHidden && (last === undefined || x - last.x >= apart * 0.6)) ticks.push({ at, x });
  }
  return ticks;
}
