/** What a journal says when the disk, or the caller, does not do what it needs. */
import { messageOf } from '../errors/thrown.ts';

export class JournalError extends Error {
  override readonly name = 'JournalError';
  /** The system's own code (`ENOSPC`, `EIO`, `EACCES`, …), or `ETIMEDOUT`, `ECLOSED`, `EBADID`, `ENOSESSION`. */
  readonly code: string;
  readonly path: string;

  constructor(options: { code: string; path: string; message: string; cause?: unknown }) {
    super(`${options.code}: ${options.message}`, { cause: options.cause });
    this.code = options.code;
    this.path = options.path;
  }
}

const advice: Record<string, string> = {
  ENOSPC: 'the disk is full: free space there, nothing is lost as long as this process lives',
  EDQUOT: 'the disk quota is used up: raise it, nothing is lost as long as this process lives',
  EIO: 'the disk reports a fault: look at the system log; the same bytes are written again',
  EROFS: 'the file system is read-only: point LASTWORD_DIR to a directory that can be written',
  EACCES: 'no permission: let this user write there, or point LASTWORD_DIR elsewhere',
  EPERM: 'no permission: let this user write there, or point LASTWORD_DIR elsewhere',
  ENOTDIR: 'a part of the path is a file: point LASTWORD_DIR to a directory',
  ENOENT: 'the folder is gone: has somebody removed it while the call was running?',
  EMFILE: 'too many open files: raise the limit (ulimit -n) or lower maxCalls',
  ETIMEDOUT: 'the disk did not answer in time: is it a network file system? It is tried again',
};

/** Any failure of a file operation as a JournalError: which file, what failed, what to do. */
export const journalErrorOf = (cause: unknown, path: string, wanted: string): JournalError => {
  if (cause instanceof JournalError) return cause;
  const code = (cause as { code?: unknown } | null)?.code;
  const known = typeof code === 'string' ? code : 'EIO';
  const reason = messageOf(cause);
  const what = advice[known] ?? `the system said: ${reason}`;
  return new JournalError({ code: known, path, message: `could not ${wanted} ${path}; ${what}`, cause });
};
