/** Waiting, but not for ever: the SDK, users' code and the network all hang now and then. */

export type Settled<Value> = { kind: 'settled'; value: Value } | { kind: 'failed'; error: unknown } | { kind: 'late' };

/** Never rejects. A promise that is late goes on by itself; its rejection is swallowed here. */
export async function settledWithin<Value>(promise: PromiseLike<Value>, ms: number): Promise<Settled<Value>> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Settled<Value>>((resolve) => {
    timer = setTimeout(() => resolve({ kind: 'late' }), ms);
  });
  const settled = Promise.resolve(promise).then(
    (value): Settled<Value> => ({ kind: 'settled', value }),
    (error: unknown): Settled<Value> => ({ kind: 'failed', error }),
  );
  try {
    return await Promise.race([settled, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** What an effect rejects with when the machine has gone on: nobody's failure. */
export class LeftError extends Error {
  override name = 'LeftError';
}

/**
 * Rejects as soon as it is aborted, with what `why` makes; default: LeftError. The promise goes on by itself, and its
 * rejection is swallowed.
 */
export function unlessAborted<Value>(
  promise: PromiseLike<Value>,
  signal: AbortSignal,
  why: () => unknown = () => new LeftError('left before it was done'),
): Promise<Value> {
  return new Promise<Value>((resolve, reject) => {
    const leave = () => reject(why());
    if (signal.aborted) leave();
    else signal.addEventListener('abort', leave, { once: true });
    Promise.resolve(promise)
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', leave));
  });
}

/** Whole milliseconds since it was made, by a clock that nobody sets: the wall clock jumps. */
export function stopwatch(): () => number {
  const begun = performance.now();
  return () => Math.round(performance.now() - begun);
}
