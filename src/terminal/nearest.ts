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

/** Letters to insert, remove or replace; anything above `limit` once the lengths alone say so. */
function distance(from: string, to: string, limit: number): number {
  if (Math.abs(from.length - to.length) > limit) return limit + 1;
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [line, letter] of Array.from(from).entries()) {
    const next = [line + 1];
    for (const [column, other] of Array.from(to).entries()) {
      const kept = (row[column] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(kept, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? limit + 1;
}
