/**
 * Code of the user's that the call waits for: its tools, its hooks. Who asks for the end in there and waits for it would
 * wait for themselves.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

const work = new AsyncLocalStorage<{ isOver: boolean }>();

/**
 * What it leaves behind (a timer, a listener) is not waited for, and runs on outside. A promise of its own is returned as
 * it is: the SDK has races that a few turns of the microtask queue decide.
 */
export function awaitedByCall<Value>(run: () => Value | Promise<Value>): Promise<Value> {
  const inside = { isOver: false };
  const over = () => void (inside.isOver = true);
  const running = new Promise<Value>((resolve, reject) => {
    const value = work.run(inside, run);
    if (value instanceof Promise) value.then(resolve, reject);
    else resolve(value);
  });
  running.then(over, over);
  return running;
}

/** Does the call wait for whoever asks this? */
export const isAwaitedByCall = (): boolean => work.getStore()?.isOver === false;
