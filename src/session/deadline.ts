/** Waiting, but not for ever: the SDK, users' code and the network all hang now and then. */

export type Outcome<Value> = { kind: 'settled'; value: Value } | { kind: 'failed'; error: unknown } | { kind: 'late' };

/** Never rejects. A promise that is late goes on by itself; its rejection is swallowed here. */
export async function settledWithin<Value>(promise: PromiseLike<Value>, ms: number): Promise<Outcome<Value>> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Outcome<Value>>((resolve) => {
    timer = setTimeout(() => resolve({ kind: 'late' }), ms);
  });
  const settled = Promise.resolve(promise).then(
    (value): Outcome<Value> => ({ kind: 'settled', value }),
    (error: unknown): Outcome<Value> => ({ kind: 'failed', error }),
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

/** Rejects with LeftError as soon as it is aborted; the promise goes on by itself. */
export function unlessAborted<Value>(promise: PromiseLike<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise<Value>((resolve, reject) => {
    const leave = () => reject(new LeftError('left before it was done'));
    if (signal.aborted) leave();
    else signal.addEventListener('abort', leave, { once: true });
    Promise.resolve(promise)
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', leave));
  });
}

/** Longer ones go into log lines, alerts and reports, several times each; nobody reads them to their end. */
const MESSAGE_CHARACTERS = 4096;

/** What was thrown, as a text of bounded length. Survives everything that can be thrown, getters that throw included. */
export function messageOf(thrown: unknown): string {
  try {
    const isNamed = typeof thrown === 'object' && thrown !== null && 'message' in thrown;
    const message = String(isNamed ? thrown.message : thrown);
    const text = message === '' && thrown instanceof Error ? String(thrown.name as unknown) : message;
    return text.length <= MESSAGE_CHARACTERS ? text : `${text.slice(0, MESSAGE_CHARACTERS)}…`;
  } catch {
    return 'something that cannot be printed was thrown';
  }
}

/** `instanceof` for what users throw and return: a proxy may throw when it is asked what it is. */
export function isA<Value>(value: unknown, kind: abstract new (...given: never[]) => Value): value is Value {
  try {
    return value instanceof kind;
  } catch {
    return false;
  }
}

/** Whole milliseconds since it was made, by a clock that nobody sets: the wall clock jumps. */
export function stopwatch(): () => number {
  const begun = performance.now();
  return () => Math.round(performance.now() - begun);
}

/** The stack, for the journal; undefined when there is none or it cannot be read. */
export function stackOf(thrown: unknown): string | undefined {
  try {
    return thrown instanceof Error ? thrown.stack : undefined;
  } catch {
    return undefined;
  }
}
