/**
 * A store in a thread of its own, with the same port. Nothing that holds the database holds the caller's loop.
 *
 *   T1  Every call has a deadline. One that is late may still be done: every write is one that can be repeated, or says
 *       what it found (a lease that is gone, a row that exists).
 *   T2  A thread that ends fails what it was asked, and the next call starts another.
 */
import { Worker } from 'node:worker_threads';
import { sentTogether } from '../link/sent-together.ts';
import { settledWithin } from '../waiting/deadline.ts';
import { StoreError, type Store } from './store.ts';
import {
  methods,
  type StoreAnswer,
  type StoreCall,
  type StoreRequest,
  type Opened,
  type Told,
} from './thread-messages.ts';

/** Above the driver's own wait for another process (1,500 ms), several times over: calls wait for each other. */
const CALL_MS = 10_000;
const OPEN_MS = 10_000;
const CLOSE_MS = 3_000;

// Beside this file, in the sources as in the build.
const threadFile = new URL(
  import.meta.url.endsWith('.ts') ? './store-thread.ts' : './store-thread.js',
  import.meta.url,
);

type Asked = { resolve: (value: unknown) => void; reject: (error: StoreError) => void; timer: NodeJS.Timeout };
type Thread = { post: (given: StoreRequest[]) => void; ended: Promise<void>; terminate: () => Promise<unknown> };

const errorOf = ({ code, message }: Told): StoreError => new StoreError({ code, message });

/**
 * *Effect.* Opens SQLite at a path in a thread.
 *
 * `thread`: a build of store-thread.ts, for tests.
 *
 * @throws StoreError as openSqlite does, or `UNWRITABLE` when there is no answer within 10 s
 */
export const openInThread = async (location: string, options: { thread?: URL } = {}): Promise<Store> => {
  const { thread: file = threadFile } = options;
  const asked = new Map<number, Asked>();
  let lastId = 0;
  let isClosed = false;

  const settle = (id: number, finish: (one: Asked) => void): void => {
    const one = asked.get(id);
    if (!one) return; // late: it was told so
    asked.delete(id);
    clearTimeout(one.timer);
    finish(one);
  };
  const take = (answer: StoreAnswer): void =>
    settle(answer.id, (one) => ('error' in answer ? one.reject(errorOf(answer.error)) : one.resolve(answer.value)));
  const failAll = (message: string): void => {
    for (const id of asked.keys()) settle(id, ({ reject }) => reject(new StoreError({ code: 'FAILED', message })));
  };

  const start = (): Promise<Thread> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(file, { workerData: { location } });
      worker.unref(); // whoever waits for an answer has a timer
      const ended = new Promise<void>((done) => void worker.once('exit', () => done()));
      const late = setTimeout(() => {
        const message = `cannot open the database ${location}: no answer within ${OPEN_MS} ms; is its disk there, and does another process hold it?`;
        reject(new StoreError({ code: 'UNWRITABLE', message }));
        void worker.terminate();
      }, OPEN_MS);
      worker.on('message', (told: Opened | StoreAnswer[]) => {
        if (Array.isArray(told)) return told.forEach(take);
        clearTimeout(late);
        if (!told.isOpen) return reject(errorOf(told.error));
        // A thread has no origin: the rule is for windows.
        // oxlint-disable-next-line unicorn/require-post-message-target-origin
        const post = (given: StoreRequest[]) => worker.postMessage(given);
        return resolve({ post, ended, terminate: () => worker.terminate() });
      });
      worker.once('error', (error) => {
        clearTimeout(late);
        reject(new StoreError({ code: 'FAILED', message: `the store's thread ended: ${error.message}`, cause: error }));
        failAll(`the store's thread ended: ${error.message}`);
      });
      worker.once('exit', () => {
        failAll("the store's thread has ended");
        thread = undefined; // T2
      });
    });

  let thread: Promise<Thread> | undefined;
  const running = (): Promise<Thread> => (thread ??= start());
  await running();

  /** What goes in one piece goes mostly into one transaction. */
  const give = sentTogether<StoreRequest>((given) => {
    running().then(
      ({ post }) => post(given),
      (error: StoreError) => {
        for (const one of given) if (one !== 'close') settle(one.id, ({ reject }) => reject(error));
      },
    );
  });

  const ask = (method: StoreCall['method'], given: readonly unknown[]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      if (isClosed) return reject(new StoreError({ code: 'CLOSED', message: 'the store was used after close()' }));
      const id = (lastId += 1);
      const message = `no answer of the database within ${CALL_MS} ms (${method}): another process holds it, or its disk hangs`;
      const timer = setTimeout(
        () => settle(id, (one) => one.reject(new StoreError({ code: 'BUSY', message }))),
        CALL_MS,
      );
      asked.set(id, { resolve, reject, timer });
      give({ id, method, given });
    });

  const close = {
    async close(): Promise<void> {
      if (isClosed) return;
      isClosed = true;
      if (!thread) return;
      give('close'); // behind what was asked before
      const open = await thread;
      const ended = await settledWithin(open.ended, CLOSE_MS);
      if (ended.kind === 'late') void open.terminate(); // what was not done is a row, or a session that is not sealed yet
    },
  };
  const asking = Object.keys(methods).map((method) => [
    method,
    (...given: unknown[]) => ask(method as StoreCall['method'], given),
  ]);
  return { ...(Object.fromEntries(asking) as Omit<Store, 'close'>), ...close };
};
