/** A small generator with a seed: a failing run can be had again. */
export type Random = {
  /** 0 up to 1. */
  next: () => number;
  below: (limit: number) => number;
  pick: <T>(from: readonly T[]) => T;
};

export function randomFrom(seed: number): Random {
  let state = seed;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number): number => Math.floor(next() * limit);
  return { next, below, pick: <T>(from: readonly T[]) => from[below(from.length)] as T };
}
