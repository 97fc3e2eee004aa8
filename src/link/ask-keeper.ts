/**
 * An operator's word to the keeper of a directory: end this call, replace the worker. By the secret of the directory, as
 * worker and job show who they are; so whoever may read that file may do this, and nobody else.
 */
import { connect } from 'node:net';
import type { SessionId } from '../journal/ids.ts';
import type { FromKeeper, ToKeeper } from './messages.ts';
import { socketPath } from './path.ts';
import { readSecret, tokenOf } from './secret.ts';
import { encode, parseFromKeeper, readLines } from './wire.ts';

const ANSWER_MS = 5_000;
/** A worker may take a minute to load, and another one until it takes calls (next-worker.ts). */
const RELOAD_MS = 125_000;

type Answer = Extract<FromKeeper, { type: 'session.ending' | 'reloaded' }>;
type KeeperAnswer = { why: string } | { answer: Answer };

/** *Effect.* @returns why not; undefined: the keeper has told its job. Never rejects. */
export async function askToEnd(directory: string, session: SessionId, path?: string): Promise<string | undefined> {
  const asked = await ask(directory, { type: 'session.end', session }, ANSWER_MS, path);
  return 'why' in asked ? asked.why : undefined;
}

/** *Effect.* @returns why not, or which worker takes the calls now, and how many calls are going on. Never rejects. */
export async function askToReload(directory: string): Promise<{ why: string } | { worker: number; calls: number }> {
  const asked = await ask(directory, { type: 'reload' }, RELOAD_MS);
  if ('why' in asked) return asked;
  return asked.answer.type === 'reloaded' ? asked.answer : { why: `expected "reloaded", got "${asked.answer.type}"` };
}

function ask(
  directory: string,
  message: ToKeeper,
  answerMs: number,
  path = socketPath(directory),
): Promise<KeeperAnswer> {
  return new Promise((resolve) => {
    let token: string;
    try {
      token = tokenOf(readSecret(directory), 'operator');
    } catch {
      const why = `expected a keeper that runs on ${directory}, got no secret of one; is LASTWORD_DIR right?`;
      return resolve({ why });
    }
    const socket = connect(path);
    const settle = (asked: KeeperAnswer) => {
      clearTimeout(limit);
      socket.destroy();
      resolve(asked);
    };
    const refuse = (why: string) => settle({ why });
    const limit = setTimeout(
      () => refuse(`expected an answer of the keeper within ${answerMs} ms, got none`),
      answerMs,
    );
    const say = (line: ToKeeper) => void socket.write(encode(line));
    readLines(socket, {
      onLine: (line) => {
        const parsed = parseFromKeeper(line);
        if (!parsed.ok) return refuse(`the keeper said what is no message: ${parsed.problem}`);
        const told = parsed.message;
        if (told.type === 'welcome') return say(message);
        if (told.type === 'session.ending' || told.type === 'reloaded') return settle({ answer: told });
        if (told.type === 'session.unended' || told.type === 'unreloaded' || told.type === 'refused')
          return refuse(told.why);
        return undefined;
      },
      onProblem: refuse,
    });
    socket.once('connect', () => say({ type: 'hello.operator', token }));
    socket.once('error', () => refuse(`expected a keeper that runs on ${directory}, got none; is it started?`));
    socket.once('close', () => refuse('the keeper closed the connection before it answered'));
    return undefined;
  });
}
