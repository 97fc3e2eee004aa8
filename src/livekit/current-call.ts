/**
 * Which call is this code of? Asked from anywhere, with nothing in hand: so it is the one thing of a call that the
 * process keeps, and it keeps it for the call's own asynchronous context.
 *
 *   C1  Code that a call started, or that is called for it, finds that call, however many are at work in the process.
 *   C2  What comes from outside (a callback of native code) has no context: it finds the only call that there is.
 *   C3  A copy of this package that the user's code imports by another way finds the same calls.
 *   C4  Who asks for the end in a tool or a hook, for which the call waits, and waits for it would wait for themselves.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Call } from './call.ts';

/** `work`: code of the user's that the call waits for (C4). */
type Inside = { call: Call; work?: { isOver: boolean } };
/** `begun`: those whose callers have not been let go, and the last one. */
type CallsHere = { readonly inside: AsyncLocalStorage<Inside>; begun: Call[] };

const slot = Symbol.for('lastword.calls');
const callsHere = (): CallsHere =>
  ((globalThis as { [slot]?: CallsHere })[slot] ??= { inside: new AsyncLocalStorage(), begun: [] }); // C3

const isAtWork = ({ signal }: Call): boolean => !signal.aborted;

/**
 * The call that this code runs in, from anywhere inside a job. A process has one call; where it has several (a test), the
 * code of each finds its own. @throws when there is no call in this process, or several and none of them runs this code.
 */
export function currentCall(): Call {
  const { inside, begun } = callsHere();
  const own = inside.getStore()?.call;
  if (own) return own;
  const [first, ...more] = begun.filter(isAtWork);
  if (more.length > 0)
    throw new Error(
      `currentCall(): expected to run inside a call, but this code belongs to none, and ${more.length + 1} are at work in this process; use the \`call\` that your function was given`,
    );
  const call = first ?? begun.at(-1); // C2; what is cleaned up after the end still finds it
  if (!call) throw new Error('currentCall(): expected to run inside a job, but no call has begun in this process');
  return call;
}

/** From now on it can be found. @internal */
export function beginCall(call: Call): void {
  const here = callsHere();
  here.begun = [...here.begun.filter(isAtWork), call];
}

/** What `run` starts finds the call (C1). @internal */
export const inCall = <Value>(call: Call, run: () => Value): Value => callsHere().inside.run({ call }, run);

/**
 * Code of the user's that the call waits for: its tools, its hooks. What it leaves behind (a timer, a listener) is not
 * waited for, and runs on outside. A promise of its own is returned as it is: the SDK has races that a few turns of the
 * microtask queue decide. @internal
 */
export function awaitedByCall<Value>(call: Call, run: () => Value | Promise<Value>): Promise<Value> {
  const work = { isOver: false };
  const over = () => void (work.isOver = true);
  const running = new Promise<Value>((resolve, reject) => {
    const value = callsHere().inside.run({ call, work }, run);
    if (value instanceof Promise) value.then(resolve, reject);
    else resolve(value);
  });
  running.then(over, over);
  return running;
}

/** C4. Does this call wait for whoever asks this? @internal */
export function isAwaitedBy(call: Call): boolean {
  const store = callsHere().inside.getStore();
  return store?.call === call && store.work?.isOver === false;
}
