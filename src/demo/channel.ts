/**
 * Between `npm start` and the terminal's host, the worker's stand-in: which call it serves, and for which dispatch it is
 * to start a job. Over a socket of its own, because the keeper stands between the two processes.
 */
import type { Destination } from '../link/destination.ts';
import type { LiveKitAccess } from '../link/messages.ts';
import type { JobFacts } from '../journal/entry.ts';
import type { JobId, SessionId } from '../journal/ids.ts';
import type { LineChannel } from '../livekit/terminal/line-channel.ts';

/** The environment variable that tells the host where to connect. */
export const CHANNEL = 'LASTWORD_TERMINAL_SOCKET';

/** What the host needs to be a worker of one call. Secrets are in it, so it is no environment variable. */
export type Begin = {
  type: 'begin';
  session: SessionId;
  /** False: an earlier host has begun the call, and this one is the next worker. */
  isFirst: boolean;
  room: JobFacts['room'];
  /** The stand-in for LiveKit's server. */
  livekit: LiveKitAccess;
  /** Compiled; its default export is the session. */
  agentFile: string;
  /** For the job, on top of the host's own. */
  environment: Record<string, string>;
  reports: Destination[];
  /** Where the job's output goes. */
  logFile: string;
};
export type ToHost =
  | Begin
  /** A job is wanted, and this is its name. */
  | { type: 'dispatch'; dispatch: string; job: JobId }
  /** Not any more. */
  | { type: 'undispatch'; dispatch: string }
  /** The call needs the processor less than before: a process may be warmed up for the job after this one. */
  | { type: 'spare' }
  /** SIGKILL for what runs. */
  | { type: 'kill' };
export type FromHost =
  | { type: 'here'; pid: number }
  /** A keeper knows this host; said of each keeper. */
  | { type: 'welcome' }
  /** A spare process waits for the next job. */
  | { type: 'warm' }
  | { type: 'failed'; why: string };

export type HostChannel = LineChannel<FromHost, ToHost>;
export type ChannelOfHost = LineChannel<ToHost, FromHost>;
