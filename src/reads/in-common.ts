/**
 * Two lists side by side, with as much in common as there is. Pure. Myers' way: it costs what the lists differ by, and
 * beyond a limit of that the rest stands unaligned.
 */
const MOST_DIFFERENCES = 500;

type Pair<Value> = readonly [Value | undefined, Value | undefined];

export function mostInCommon<Value>(
  one: readonly Value[],
  other: readonly Value[],
  key: (value: Value) => string,
): Pair<Value>[] {
  const [left, right] = [one.map(key), other.map(key)];
  let same = 0;
  while (same < left.length && same < right.length && left[same] === right[same]) same += 1;
  const pairs: Pair<Value>[] = one.slice(0, same).map((value, index) => [value, other[index]] as const);
  const moves = movesBetween(left.slice(same), right.slice(same));
  let [x, y] = [same, same];
  for (const move of moves) {
    if (move === 'both') pairs.push([one[x], other[y]]);
    else if (move === 'one') pairs.push([one[x], undefined]);
    else pairs.push([undefined, other[y]]);
    if (move !== 'other') x += 1;
    if (move !== 'one') y += 1;
  }
  return pairs;
}

type Move = 'both' | 'one' | 'other';

function movesBetween(left: readonly string[], right: readonly string[]): Move[] {
  const furthest = new Map<number, number>([[1, 0]]);
  const trace: Map<number, number>[] = [];
  const most = Math.min(left.length + right.length, MOST_DIFFERENCES);
  for (let depth = 0; depth <= most; depth += 1) {
    trace.push(new Map(furthest));
    for (let line = -depth; line <= depth; line += 2) {
      const down =
        line === -depth || (line !== depth && (furthest.get(line - 1) ?? -1) < (furthest.get(line + 1) ?? -1));
      let x = down ? (furthest.get(line + 1) ?? 0) : (furthest.get(line - 1) ?? 0) + 1;
      let y = x - line;
      while (x < left.length && y < right.length && left[x] === right[y]) [x, y] = [x + 1, y + 1];
      furthest.set(line, x);
      if (x >= left.length && y >= right.length) return back(trace, left.length, right.length);
    }
  }
  return [...left.map((): Move => 'one'), ...right.map((): Move => 'other')];
}

function back(trace: readonly Map<number, number>[], toX: number, toY: number): Move[] {
  const moves: Move[] = [];
  let [x, y] = [toX, toY];
  for (let depth = trace.length - 1; depth >= 0; depth -= 1) {
    const furthest = trace[depth] ?? new Map<number, number>();
    const line = x - y;
    const down = line === -depth || (line !== depth && (furthest.get(line - 1) ?? -1) < (furthest.get(line + 1) ?? -1));
    const from = down ? line + 1 : line - 1;
    const fromX = furthest.get(from) ?? 0;
    const fromY = fromX - from;
    while (x > fromX && y > fromY) {
      moves.push('both');
      [x, y] = [x - 1, y - 1];
    }
    if (depth === 0) break;
    moves.push(down ? 'other' : 'one');
    [x, y] = [fromX, fromY];
  }
  while (x > 0 && y > 0) {
    moves.push('both');
    [x, y] = [x - 1, y - 1];
  }
  return moves.toReversed();
}
