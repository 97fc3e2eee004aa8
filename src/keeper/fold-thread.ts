/** The thread that reads and folds journals. One after the other: each may take hundreds of megabytes. */
import { parentPort } from 'node:worker_threads';
import { messageOf } from '../errors/thrown.ts';
import type { FoldAnswer, FoldCall } from './fold-in-thread.ts';
import { foldHere } from './folding.ts';

const port = parentPort;
if (!port) throw new Error('fold-thread is started by fold-in-thread.ts');
const say = (answer: FoldAnswer) => port.postMessage(answer);

let last: Promise<void> = Promise.resolve();
const answer = async ({ id, remembered }: FoldCall): Promise<void> => {
  try {
    say({ id, folded: await foldHere(remembered) });
  } catch (error) {
    say({ id, error: messageOf(error) });
  }
};
port.on('message', (call: FoldCall) => {
  last = last.then(() => answer(call));
});
