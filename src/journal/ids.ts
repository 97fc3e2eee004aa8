/**
 * Who is meant: a session, or one of its jobs. A session is one call as its caller knows it; a job is one process that
 * speaks in it, and is counted by its epoch. Both ids are texts of one look, so the types keep them apart.
 *
 *   I1  What comes from outside (a folder's name, the socket, a command line, LiveKit) is checked where it comes in.
 *   I2  An id becomes the name of a folder, on every file system, and never a path.
 */
import { JournalError } from './errors.ts';

declare const meaning: unique symbol;
export type SessionId = string & { readonly [meaning]: 'session' };
export type JobId = string & { readonly [meaning]: 'job' };

/** Which process of which session. */
export type JobOfSession = {
  session: SessionId;
  /** 1, and one more for each job that took the session over. */
  epoch: number;
  job: JobId;
};

/** I2. */
const safeName = /^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,127}$/;
export const idRule = 'letters, digits, "_", "-", "."; no leading dot; at most 128';

/** *Pure.* I1. */
export const isSessionId = (text: string): text is SessionId => safeName.test(text);
/** *Pure.* I1. */
export const isJobId = (text: string): text is JobId => safeName.test(text);

const refused = (what: string, text: string): JournalError => {
  const got = JSON.stringify(text.slice(0, 80));
  return new JournalError({ code: 'EBADID', path: '', message: `expected a ${what} id (${idRule}), got ${got}` });
};

/** *Pure.* @throws JournalError `EBADID` */
export const sessionIdOf = (text: string): SessionId => {
  if (isSessionId(text)) return text;
  throw refused('session', text);
};
/** *Pure.* @throws JournalError `EBADID` */
export const jobIdOf = (text: string): JobId => {
  if (isJobId(text)) return text;
  throw refused('job', text);
};

/**
 * *Pure.* A session is named after its first job, whose epoch is 1: whoever knows one of the two names knows the other.
 * This is the only place where one id becomes the other.
 */
export const firstJob = (id: SessionId | JobId): JobOfSession => ({
  session: id as string as SessionId,
  epoch: 1,
  job: id as string as JobId,
});
