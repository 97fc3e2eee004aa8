/** How the command line fails: one line that says what to do, and an exit code that a script can use. */
import { PolicyError } from '../../machines/index.ts';
import { ConfigError } from '../errors/config-error.ts';
import { JournalError } from '../journal/errors.ts';
import { unusableFolder } from '../keeper/owned-folder.ts';
import { messageOf } from '../errors/thrown.ts';
import { ReadError } from '../reads/refusal.ts';
import { StoreError } from '../store/store.ts';

export const exitCodes = {
  /** It worked. */
  ok: 0,
  /** It did not work; trying again may. */
  failure: 1,
  /** The command line was not understood. */
  usage: 2,
  /** There is no such session, report or delivery. */
  notFound: 3,
  /** Environment, files or keys are wrong: trying again will not help. */
  configuration: 78,
} as const;

/** The command line was not understood. */
export class UsageError extends Error {
  override name = 'UsageError';
}

/** What was asked for is not there. */
export class NotFoundError extends Error {
  override name = 'NotFoundError';
}

/** It was tried, and refused or not to be had. */
export class FailedError extends Error {
  override name = 'FailedError';
}

const isSystemError = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && typeof (error as NodeJS.ErrnoException).code === 'string';

/** *Pure.* What to print and how to exit. A fault of ours is printed with its stack, but never the stack alone. */
export function problemOf(error: unknown): { message: string; code: number } {
  const { failure, usage, notFound, configuration } = exitCodes;
  if (error instanceof UsageError) return { message: error.message, code: usage };
  if (error instanceof NotFoundError) return { message: error.message, code: notFound };
  if (error instanceof FailedError) return { message: error.message, code: failure };
  if (error instanceof ReadError) {
    const codes = { BAD_QUESTION: usage, NOT_FOUND: notFound, NOT_BUILT: failure } as const;
    return { message: error.message, code: codes[error.code] };
  }
  if (error instanceof ConfigError || error instanceof PolicyError)
    return { message: error.message, code: configuration };
  if (error instanceof StoreError) {
    const isPassing = error.code === 'BUSY' || error.code === 'FAILED' || error.code === 'CLOSED';
    // A file that is damaged, or no database at all, does not mend itself.
    const isDamaged = /malformed|not a database/i.test(error.message);
    return { message: error.message, code: isPassing && !isDamaged ? failure : configuration };
  }
  if (error instanceof JournalError) {
    return {
      message: error.message,
      code: error.code === 'ENOSESSION' || error.code === 'EBADID' ? notFound : failure,
    };
  }
  if (error instanceof Error && 'code' in error && error.code === 'LASTWORD_KEEPER_RUNS')
    return { message: error.message, code: failure };
  // A path that is not there is one of ours; a folder that cannot be made is told where it is made.
  if (isSystemError(error) && error.path !== undefined && error.code !== 'ENOENT') {
    const refused = unusableFolder(error, error.path, 'LASTWORD_DIR');
    if (refused) return problemOf(refused);
  }
  const stack = error instanceof Error && error.stack !== undefined ? `\n${error.stack}` : '';
  return {
    message: `${messageOf(error)}; this should not happen, please report it with what follows${stack}`,
    code: failure,
  };
}

/** *Effect.* Lets output be written, and then leaves: a handle that somebody forgot must not keep a finished command. */
export function finish(code: number): void {
  process.exitCode = code;
  setTimeout(() => process.exit(), 1_000).unref();
}
