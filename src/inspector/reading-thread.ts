/** The thread that reads journals and store for the inspector, one question after the other. */
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../errors/thrown.ts';
import { JournalError } from '../journal/errors.ts';
import { ReadError } from '../reads/refusal.ts';
import { openSource } from '../reads/source.ts';
import { ask } from '../reads/table.ts';
import { StoreError } from '../store/store.ts';
import { callsMark } from './calls-mark.ts';
import { RequestProblem } from './problem.ts';
import type { ReadAnswer, ReadAsk, ThreadAnswer, ThreadCall, ThreadStart } from './reading.ts';
import { jsonIn } from './request.ts';
import { rowsBehind } from './rows-behind.ts';

/** No page draws more, and no question has more to say. */
const ANSWER_BYTES = 32 * 1_048_576;
const statuses = { BAD_QUESTION: 400, NOT_FOUND: 404, NOT_BUILT: 501 } as const;

const port = parentPort;
if (!port) throw new Error('reading-thread is started by reading.ts');
/** Present silence is counted up to one moment, which the mark knows. */
let moment = Date.now();
const source = openSource({ ...(workerData as ThreadStart), now: () => moment });

const jsonOf = (value: unknown): Uint8Array => {
  const bytes = new TextEncoder().encode(JSON.stringify(value)); // a copy of its own, which can be handed over
  if (bytes.length <= ANSWER_BYTES) return bytes;
  throw new RequestProblem(
    400,
    `answer: expected at most ${ANSWER_BYTES} bytes, got ${bytes.length}; ask for less at once`,
  );
};

const answerTo = async (asked: ReadAsk): Promise<ReadAnswer> => {
  moment = Date.now();
  switch (asked.kind) {
    case 'read':
      return { json: jsonOf(await ask(source, asked.name, jsonIn(asked.asked, 'asked'))) };
    case 'rows': {
      const { batch, position, isMore } = await rowsBehind(source, asked.session, asked.from);
      return { json: jsonOf(batch), position, isMore };
    }
    case 'calls': {
      const calls = await ask(source, 'calls', jsonIn(asked.asked, 'asked'));
      const mark = callsMark(calls, moment);
      return { json: mark === asked.mark ? new Uint8Array() : jsonOf(calls), mark };
    }
  }
};

const problemOf = (error: unknown): { status: number; message: string } => {
  if (error instanceof RequestProblem) return { status: error.status, message: error.message };
  if (error instanceof ReadError) return { status: statuses[error.code], message: error.message };
  if (error instanceof JournalError) return { status: error.code === 'ENOSESSION' ? 404 : 500, message: error.message };
  if (error instanceof StoreError) return { status: 503, message: error.message };
  return { status: 500, message: `this read failed: ${messageOf(error)}` };
};

let last: Promise<void> = Promise.resolve();
port.on('message', ({ id, ask: asked }: ThreadCall) => {
  last = last.then(async () => {
    try {
      const answer = await answerTo(asked);
      port.postMessage({ id, answer } satisfies ThreadAnswer, [answer.json.buffer as ArrayBuffer]);
    } catch (error) {
      port.postMessage({ id, ...problemOf(error) } satisfies ThreadAnswer);
    }
  });
});
