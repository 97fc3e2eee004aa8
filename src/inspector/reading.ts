/**
 * Reads and replays, in a thread of their own. What a journal holds, strangers decide: one of 50,000 entries, or with ten
 * megabytes in a field, takes seconds to replay, and for these seconds everybody else is to be answered.
 *
 *   R1  One after the other, each under a deadline. A thread that is late is ended, and so is its memory; what waited
 *       behind is asked of the next thread, and never knows.
 *   R2  Who was late is not asked again for a while: a page that tries again would keep the thread from all others.
 *   R3  What waits is bounded: whoever comes then is told to come later.
 */
import { Worker } from 'node:worker_threads';
import { RequestProblem } from './problem.ts';

const READ_MS = 10_000;
const REFUSED_MS = 30_000;
const MOST_WAITING = 512;
/** Above it the thread ends, and not the process. */
const THREAD_MEGABYTES = 1_024;

export type ReadAsk =
  /** A read of the table; `asked` is JSON, as it came. */
  | { kind: 'read'; name: string; asked: string }
  /** What the files of a session hold behind a position, for its stream. */
  | { kind: 'rows'; session: string; from: string }
  /** The list of calls, if it is another than the one with this mark. */
  | { kind: 'calls'; asked: string; mark: string };
export type ReadAnswer = {
  /** JSON; of `calls` empty when it is the same as before. */
  json: Uint8Array;
  /** Of `rows`: up to where they go, and whether more is there already. */
  position?: string;
  isMore?: boolean;
  /** Of `calls`. */
  mark?: string;
};
export type ThreadStart = { directory: string; store: string };
export type ThreadCall = { id: number; ask: ReadAsk };
export type ThreadAnswer = { id: number } & ({ answer: ReadAnswer } | { status: number; message: string });

export type Reading = {
  /** Rejects with RequestProblem. */
  ask(ask: ReadAsk): Promise<ReadAnswer>;
  close(): Promise<void>;
};

// Beside this file, in the sources as in the build.
const threadFile = new URL(
  import.meta.url.endsWith('.ts') ? './reading-thread.ts' : './reading-thread.js',
  import.meta.url,
);

type Waiting = {
  id: number;
  ask: ReadAsk;
  resolve: (answer: ReadAnswer) => void;
  reject: (problem: RequestProblem) => void;
};

/** *Effect.* Starts the thread with the first question. `thread`: a build of reading-thread.ts, for tests. */
export function openReading(start: ThreadStart, options: { thread?: URL; readMs?: number } = {}): Reading {
  const { thread: file = threadFile, readMs = READ_MS } = options;
  const waiting: Waiting[] = [];
  const refused = new Map<string, number>();
  let running: Waiting | undefined;
  let timer: NodeJS.Timeout | undefined;
  let thread: Worker | undefined;
  let lastId = 0;
  let isClosed = false;

  const settle = (): Waiting | undefined => {
    clearTimeout(timer);
    const one = running;
    running = undefined;
    return one;
  };
  const refuse = (status: number, message: string) => {
    const one = settle();
    if (!one) return;
    refused.set(keyOf(one.ask), performance.now() + REFUSED_MS); // R2
    one.reject(new RequestProblem(status, message));
  };
  const open = (): Worker => {
    const worker = new Worker(file, {
      workerData: start,
      resourceLimits: { maxOldGenerationSizeMb: THREAD_MEGABYTES },
    });
    worker.unref();
    worker.on('message', (told: ThreadAnswer) => {
      if (told.id !== running?.id) return; // late: it was told so
      const one = settle();
      if ('answer' in told) one?.resolve(told.answer);
      else one?.reject(new RequestProblem(told.status, told.message));
      next();
    });
    const end = (why: string) => {
      if (thread !== worker) return;
      thread = undefined;
      refuse(500, `this read ended its thread: ${why}; lastword show ID shows what the journal holds`);
      next();
    };
    worker.once('error', ({ message }) => end(message));
    worker.once('exit', (code) => end(`exit ${code}`));
    return worker;
  };
  const next = () => {
    if (running || isClosed) return;
    running = waiting.shift();
    if (!running) return;
    thread ??= open();
    timer = setTimeout(() => {
      const late = thread;
      thread = undefined; // R1
      refuse(
        504,
        `this read took longer than ${readMs} ms and was ended; ask for less, or again in ${REFUSED_MS / 1_000} s`,
      );
      void late?.terminate();
      next();
    }, readMs);
    // A thread has no origin: the rule is for windows.
    // oxlint-disable-next-line unicorn/require-post-message-target-origin
    thread.postMessage({ id: running.id, ask: running.ask } satisfies ThreadCall);
  };

  return {
    ask: (ask) =>
      new Promise((resolve, reject) => {
        if (isClosed) return reject(new RequestProblem(503, 'the inspector ends'));
        const now = performance.now();
        for (const [key, until] of refused) if (until <= now) refused.delete(key);
        if (refused.has(keyOf(ask)))
          return reject(new RequestProblem(503, 'this read was too much a moment ago; ask for less, or later', later));
        if (waiting.length >= MOST_WAITING)
          return reject(new RequestProblem(503, `more than ${MOST_WAITING} reads are waiting; ask again later`, later)); // R3
        waiting.push({ id: (lastId += 1), ask, resolve, reject });
        return next();
      }),
    async close() {
      isClosed = true;
      const ends = new RequestProblem(503, 'the inspector ends');
      settle()?.reject(ends);
      for (const { reject } of waiting.splice(0)) reject(ends);
      const open = thread;
      thread = undefined;
      await open?.terminate();
    },
  };
}

const later = { 'retry-after': '30' };
const keyOf = (ask: ReadAsk): string => JSON.stringify(ask);
