/**
 * An operator's word to the keeper of a directory: end this call. By the secret of the directory, as worker and job show
 * who they are; so whoever may read that file may do this, and nobody else.
 */
import { connect } from 'node:net';
import type { SessionId } from '../journal/ids.ts';
import type { ToKeeper } from './messages.ts';
import { socketPath } from './path.ts';
import { readSecret, tokenOf } from './secret.ts';
import { encode, parseFromKeeper, readLines } from './wire.ts';

const ANSWER_MS = 5_000;

/** *Effect.* @returns why not; undefined: the keeper has told its job. Never rejects. */
export function askToEnd(
  directory: string,
  session: SessionId,
  path = socketPath(directory),
): Promise<string | undefined> {
  return new Promise((resolve) => {
    let token: string;
    try {
      token = tokenOf(readSecret(directory), 'operator');
    } catch {
      return resolve(`expected a keeper that runs on ${directory}, got no secret of one; is LASTWORD_DIR right?`);
    }
    const socket = connect(path);
    const settle = (why?: string) => {
      clearTimeout(limit);
      socket.destroy();
      resolve(why);
    };
    const limit = setTimeout(
      () => settle(`expected an answer of the keeper within ${ANSWER_MS} ms, got none`),
      ANSWER_MS,
    );
    const say = (message: ToKeeper) => void socket.write(encode(message));
    readLines(socket, {
      onLine: (line) => {
        const parsed = parseFromKeeper(line);
        if (!parsed.ok) return settle(`the keeper said what is no message: ${parsed.problem}`);
        const { message } = parsed;
        if (message.type === 'welcome') return say({ type: 'session.end', session });
        if (message.type === 'session.ending') return settle();
        if (message.type === 'session.unended' || message.type === 'refused') return settle(message.why);
        return undefined;
      },
      onProblem: settle,
    });
    socket.once('connect', () => say({ type: 'hello.operator', token }));
    socket.once('error', () =>
      settle(`expected a keeper that runs on ${directory}, got none; nobody is there to end a call`),
    );
    socket.once('close', () => settle('the keeper closed the connection before it answered'));
    return undefined;
  });
}
