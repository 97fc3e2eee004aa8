/**
 * The socket between the keeper and its worker and jobs: one JSON object a line, over a Unix socket whose path is
 * fixed for a LASTWORD_DIR. Types only.
 *
 * The side that connects speaks first (`hello.*`), and says it all again after each reconnection: a new keeper knows
 * nothing.
 */
import type { HangUpPolicy, JobFacts, Owner } from '../journal/entry.ts';
import type { JobId, JobOfSession, SessionId } from '../journal/ids.ts';
import type { Policy } from '../../machines/index.ts';
import type { Destination } from './destination.ts';
import type { Keep } from './keep.ts';

/** How to reach LiveKit's server API; given by the worker, kept in memory only. */
export type LiveKitAccess = { url: string; apiKey: string; apiSecret: string };

/** `end`: the goodbye, now. `finish`: they talk on until the budget is nearly spent. */
export type Shutdown = 'end' | 'finish';

export type WorkerHello = {
  type: 'hello.worker';
  pid: number;
  agentFile: string;
  agentName: string;
  livekit: LiveKitAccess | null;
  reports: Destination[];
  alerts: Destination[];
  policy: Policy;
  hangUp: HangUpPolicy;
  /** What a worker that is told to stop means for its calls. Default `end`. */
  shutdown?: Shutdown;
  /** How long sealed sessions are kept. */
  keep?: Keep;
  /** Shows that it is the worker of this directory (secret.ts). */
  token?: string;
};

export type JobHello = JobOfSession & {
  type: 'hello.job';
  owner: Owner;
  /** The agent's own participant: what recovery has to remove. */
  identity: string;
  /** Shows that it is the job of this session (secret.ts). */
  token?: string;
};

export type ToKeeper =
  | WorkerHello
  | { type: 'worker.ready' } // registered with LiveKit
  /** Told to stop by somebody else than the keeper: its calls are to end, which the SDK does not tell them. */
  | { type: 'worker.draining' }
  | { type: 'job.offered'; request: number; facts: JobFacts } // answered by `job.recorded` or `job.refused`
  /** A process that was warm has it; until then it waited for one. */
  | { type: 'job.launched'; job: JobId }
  /** No process can be had for it, or the one that had it is gone: of interest when it opened no journal. */
  | { type: 'job.unstarted'; job: JobId; why: string }
  /** Declined after all (the answer came too late): no session, and no report. */
  | { type: 'job.withdrawn'; job: JobId; why: string }
  | JobHello
  | { type: 'beat'; session: SessionId }
  /** The journal is closed, and durable up to `lastSeq` but for the lines in `tail`, which its disk did not take; answered by `sealed`. */
  | { type: 'job.closed'; session: SessionId; epoch: number; lastSeq: number; tail?: string }
  /** A failure that the operator's alert destinations should hear of. */
  | { type: 'alert'; session: SessionId; message: string; detail: string };

export type FromKeeper =
  | { type: 'welcome' }
  /** What came is not for this peer to say: what was expected, what came, what to do. The connection is closed after it. */
  | { type: 'refused'; why: string }
  | { type: 'job.recorded'; request: number }
  | { type: 'job.refused'; request: number; why: string }
  /** End within the budget: SIGTERM, or the worker is drained. */
  | { type: 'shutdown'; graceMs: number; reason: 'worker_shutdown' | 'worker_lost' }
  /** Another job speaks for this session now: leave without a word. */
  | { type: 'yield' }
  | { type: 'sealed'; session: SessionId; report: string };
