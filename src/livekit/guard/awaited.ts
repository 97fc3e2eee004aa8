/**
 * Code of the user's that the call waits for: its tools, its hooks. Who asks for the end in there and waits for it would
 * wait for themselves.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

const work = new AsyncLocalStorage<{ isOver: boolean }>();

/** What it leaves behind (a timer, a listener) is not waited for, and runs on outside. */
export async function awaitedByCall<Value>(run: () => Value | Promise<Value>): Promise<Value> {
  const inside = { isOver: false };
  try {
    return await work.run(inside, async () => run());
  } finally {
    inside.isOver = true;
  }
}

/** Does the call wait for whoever asks this? */
export const isAwaitedByCall = (): boolean => work.getStore()?.isOver === false;
