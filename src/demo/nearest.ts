/** What somebody who mistyped a name may have meant. Pure. */

/** Pure. The one or few of `known` that `given` could have been meant as, nearest first; empty when none is near. */
export function nearest(given: string, known: readonly string[], most = 2): string[] {
  const limit = Math.max(2, Math.floor(given.length / 3));
  return known
    .map((name) => ({ name, far: given.length > 2 && name.startsWith(given) ? 0 : distance(given, name, limit) }))
    .filter(({ far }) => far <= limit)
    .sort((one, other) => one.far - other.far)
    .slice(0, most)
    .map(({ name }) => name);
}

/** Letters to insert, remove, replace or swap; more than `limit` once the lengths alone say so. */
function distance(from: string, to: string, limit: number): number {
  if (Math.abs(from.length - to.length) > limit) return limit + 1;
  let before: number[] = [];
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let line = 1; line <= from.length; line += 1) {
    const next = [line];
    for (let column = 1; column <= to.length; column += 1) {
      const isSame = from[line - 1] === to[column - 1];
      const isSwapped = from[line - 1] === to[column - 2] && from[line - 2] === to[column - 1];
      next[column] = Math.min(
        (row[column - 1] ?? 0) + (isSame ? 0 : 1),
        (row[column] ?? 0) + 1,
        (next[column - 1] ?? 0) + 1,
        isSwapped ? (before[column - 2] ?? Infinity) + 1 : Infinity,
      );
    }
    [before, row] = [row, next];
  }
  return row[to.length] ?? limit + 1;
}
