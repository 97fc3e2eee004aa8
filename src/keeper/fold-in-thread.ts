/**
 * Folding in a thread of its own. How long a journal is, strangers decide: one that they filled to its budget takes a second
 * to fold, and for that second nobody else's caller would be let go.
 *
 *   F1  Every call has a deadline; whoever asked tries again (supervision), and a thread that hangs is replaced.
 */
import { Worker } from 'node:worker_threads';
import type { Fold, Folded } from './folding.ts';
import type { Remembered } from './whole-journal.ts';

/** Of one journal of the largest size there is (128 MiB of kept lines in each file), on a machine that is busy. */
const FOLD_MS = 60_000;

export type FoldCall = { id: number; remembered: Remembered };
export type FoldAnswer = { id: number; folded: Folded } | { id: number; error: string };

// Beside this file, in the sources as in the build.
const threadFile = new URL(import.meta.url.endsWith('.ts') ? './fold-thread.ts' : './fold-thread.js', import.meta.url);

type Asked = { resolve: (folded: Folded) => void; reject: (error: Error) => void };

/** *Effect.* Starts the thread with the first journal. */
export function openFolding(file: URL = threadFile): { fold: Fold; close(): Promise<void> } {
  const asked = new Map<number, Asked>();
  let lastId = 0;
  let thread: Worker | undefined;

  const start = (): Worker => {
    const worker = new Worker(file);
    worker.unref(); // whoever waits for an answer has a timer
    const end = (why: string) => {
      if (thread === worker) thread = undefined;
      for (const { reject } of asked.values()) reject(new Error(`the thread that folds journals ended: ${why}`));
      asked.clear();
    };
    worker.on('message', (answer: FoldAnswer) => {
      const one = asked.get(answer.id);
      asked.delete(answer.id);
      if ('folded' in answer) one?.resolve(answer.folded);
      else one?.reject(new Error(answer.error));
    });
    worker.once('error', ({ message }) => end(message));
    worker.once('exit', (code) => end(`exit ${code}`));
    return worker;
  };

  return {
    fold: (remembered) =>
      new Promise((resolve, reject) => {
        const id = (lastId += 1);
        thread ??= start();
        const timer = setTimeout(() => {
          reject(new Error(`a journal was not folded within ${FOLD_MS} ms`));
          void thread?.terminate(); // F1
        }, FOLD_MS);
        const settled =
          <Value>(settle: (value: Value) => void) =>
          (value: Value) => {
            clearTimeout(timer);
            settle(value);
          };
        asked.set(id, { resolve: settled(resolve), reject: settled(reject) });
        // A thread has no origin: the rule is for windows.
        // oxlint-disable-next-line unicorn/require-post-message-target-origin
        thread.postMessage({ id, remembered } satisfies FoldCall);
      }),
    async close() {
      await thread?.terminate();
    },
  };
}
