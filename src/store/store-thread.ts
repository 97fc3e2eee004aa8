/**
 * The store's thread: SQLite's driver is synchronous, and what holds it (another process's transaction, a hung disk) must
 * hold nobody else. All writes that have come are done in one transaction, so that they share its flush.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { openSqlite, type SqliteStore } from './sqlite.ts';
import { StoreError } from './store.ts';
import { methods, type StoreAnswer, type StoreCall, type StoreRequest, type Opened } from './thread-messages.ts';
import { messageOf } from '../errors/thrown.ts';

/** A transaction holds the database for other processes meanwhile. */
const MOST_TOGETHER = 256;

const port = parentPort;
if (!port) throw new Error('store-thread is started by in-thread.ts');
let answers: StoreAnswer[] = [];
const say = (answer: StoreAnswer): void => {
  // A tick comes when no promise is left to run: by then all of a batch are answered.
  if (answers.push(answer) === 1) process.nextTick(tell);
};
const tell = (): void => {
  port.postMessage(answers);
  answers = [];
};
const opened = (how: Opened) => port.postMessage(how);
const told = (error: unknown) =>
  error instanceof StoreError
    ? { code: error.code, message: error.message.slice(error.code.length + 2) }
    : { code: 'FAILED' as const, message: messageOf(error) };

const calls: StoreCall[] = [];
let isPlanned = false;

const call = (store: SqliteStore, { method, given }: StoreCall): Promise<unknown> =>
  (store[method] as (...given: unknown[]) => Promise<unknown>).apply(store, [...given]);
const answer = async ({ id }: StoreCall, asked: Promise<unknown>): Promise<void> => {
  try {
    say({ id, value: await asked });
  } catch (error) {
    say({ id, error: told(error) });
  }
};

/** Methods run to their end when they are called; their promises only carry what came of it. */
const work = (store: SqliteStore): void => {
  isPlanned = false;
  const batch = calls.splice(0, MOST_TOGETHER);
  if (calls.length > 0) plan(store);
  const writes = batch.filter(({ method }) => methods[method] === 'writes');
  const asked = new Map<StoreCall, Promise<unknown>>();
  try {
    store.together(writes.map((one) => () => void asked.set(one, call(store, one))));
    for (const one of writes) void answer(one, asked.get(one) ?? Promise.resolve());
  } catch (error) {
    for (const promise of asked.values()) promise.catch(() => undefined);
    for (const { id } of writes) say({ id, error: told(error) }); // nothing of it is on the disk
  }
  for (const one of batch) if (methods[one.method] === 'reads') void answer(one, call(store, one));
};
const plan = (store: SqliteStore): void => {
  if (isPlanned) return;
  isPlanned = true;
  setImmediate(() => work(store));
};

const { location } = workerData as { location: string };
try {
  const store = await openSqlite(location);
  opened({ isOpen: true });
  port.on('message', (given: StoreRequest[]) => {
    for (const one of given) if (one !== 'close') calls.push(one);
    if (!given.includes('close')) return plan(store);
    while (calls.length > 0) work(store);
    setImmediate(() => {
      void store.close();
      port.close();
    });
  });
} catch (error) {
  opened({ isOpen: false, error: told(error) });
  port.close();
}
