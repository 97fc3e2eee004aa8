/**
 * The secret of a LASTWORD_DIR, and the tokens that are made of it: by its token a worker or a job shows that it speaks
 * for itself. This stops accidents and other users of the machine. It does not stop code of the same user, which can
 * read the secret as a job does.
 *
 *   T1  The file is whole from the first moment and only one keeper can make it (link(), as for a claim). It outlives
 *       keepers: the worker and the jobs of an earlier one still have their tokens.
 *   T2  It is opened without following a link, and it is a file of whoever owns the directory.
 *   T3  A job whose token is wrong may have read a file that was put there while its keeper ran: the keeper's own comes
 *       back, and the job asks again.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { ConfigError } from '../errors/config-error.ts';
import type { SessionId } from '../journal/ids.ts';

const SECRET_BYTES = 32;
const secretText = /^[0-9a-f]{64}$/;

/** The keeper's, and the token of whoever looks at the inspector's page: that one opens nothing else. */
export type SecretName = 'secret' | 'inspector-token';

/** Where it lies. */
export const secretPath = (directory: string, name: SecretName = 'secret'): string => join(resolve(directory), name);

/** *Pure.* HMAC-SHA256 of role and session id, in hexadecimal digits. A worker or an operator has no session: one name stands for all of them. */
export const tokenOf = (secret: string, role: 'worker' | 'job' | 'operator', session = ''): string =>
  createHmac('sha256', secret).update(`${role}\n${session}`).digest('hex');

/** *Pure.* Takes the same time wherever the two differ. */
export const isSameToken = (expected: string, given: string): boolean =>
  expected.length === Buffer.byteLength(given) && timingSafeEqual(Buffer.from(expected), Buffer.from(given));

/**
 * *Effect.* Reads the secret of a directory, or makes it; the keeper's by the keeper alone.
 * @throws ConfigError when what is there is no secret of ours
 */
export function openSecret(directory: string, name: SecretName = 'secret'): string {
  const path = secretPath(directory, name);
  try {
    return readSecret(directory, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const draft = draftOf(directory, randomBytes(SECRET_BYTES).toString('hex'), name);
  try {
    linkSync(draft, path); // T1
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error; // another keeper was quicker: its secret counts
  } finally {
    rmSync(draft, { force: true });
  }
  return readSecret(directory, name);
}

function draftOf(directory: string, secret: string, name: SecretName = 'secret'): string {
  const draft = `${secretPath(directory, name)}.${process.pid}.${randomBytes(4).toString('hex')}`;
  writeFileSync(draft, secret, { flag: 'wx', mode: 0o600, flush: true });
  return draft;
}

/**
 * *Effect.* T3. Never throws: what cannot be written now is tried at the next hello that is refused.
 * @param secret of this keeper; @returns was it missing or another one, and is there again?
 */
export function mendSecret(directory: string, secret: string): boolean {
  try {
    if (readSecret(directory) === secret) return false;
  } catch {
    // Whatever lies there is none.
  }
  try {
    renameSync(draftOf(directory, secret), secretPath(directory)); // replaces a link, and not what it leads to
    return true;
  } catch {
    return false;
  }
}

/**
 * *Effect.* A secret of ours that a volume has opened to its group (Kubernetes does so for `fsGroup`) is closed again.
 * @throws ConfigError when what is there is no secret of ours; the system's error when there is none
 */
export function readSecret(directory: string, name: SecretName = 'secret'): string {
  const path = secretPath(directory, name);
  const wrong = (expected: string, got: string) =>
    new ConfigError({
      field: path,
      expected,
      got,
      advice:
        name === 'secret'
          ? 'remove it and start again; calls that run meanwhile go on without a keeper'
          : 'remove it and start again',
    });
  const file = openIt(path, wrong);
  try {
    const { uid, mode } = fstatSync(file);
    const owners = [process.getuid?.() ?? uid, statSync(directory).uid];
    if (!owners.includes(uid)) throw wrong(`a file of user ${owners[0]}`, `one of user ${uid}`); // T2
    if ((mode & 0o077) !== 0) fchmodSync(file, 0o600);
    const text = readFileSync(file, 'utf8');
    if (!secretText.test(text))
      throw wrong('64 hexadecimal digits', `${text.length} characters that are something else`);
    return text;
  } finally {
    closeSync(file);
  }
}

function openIt(path: string, wrong: (expected: string, got: string) => ConfigError): number {
  try {
    // A pipe that somebody left there would hold the one who opens it.
    const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    if (fstatSync(file).isFile()) return file;
    closeSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ELOOP') throw error;
    throw wrong('a file', 'a link');
  }
  throw wrong('a file', 'something else');
}

/** *Effect.* The token that the keeper gave to its worker; taken out of the environment, which the jobs inherit. */
export function takeWorkerToken(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const token = environment[workerTokenVariable];
  delete environment[workerTokenVariable];
  return token;
}
export const workerTokenVariable = 'LASTWORD_TOKEN';

/** *Effect.* A job's own token; undefined when it cannot read the secret. The keeper says what to do about it. */
export function jobToken(directory: string, session: SessionId): string | undefined {
  try {
    return tokenOf(readSecret(directory), 'job', session);
  } catch {
    return undefined;
  }
}
