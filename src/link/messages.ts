/**
 * The socket between the keeper and its worker and jobs: one JSON object a line, over a Unix socket whose path is
 * fixed for a LASTWORD_DIR.
 *
 * The side that connects speaks first (`hello.*`), and says it all again after each reconnection: a new keeper knows
 * nothing. A field that is not known here is left out: what an older or newer version says besides does no harm.
 *
 *   M1  Ids become names of folders (journal/ids.ts): what cannot be one is no message.
 *   M2  Limits that no timer takes, and addresses that are none, are refused here: further inside, they would end the keeper.
 *   M3  A worker or a job of the version before names a session by its job alone, and a job by its session; a limit that
 *       it does not know has the default of this one.
 */
import { z } from 'zod';
import { defaultPolicy, expectedOf, hangUpStrategies, type Policy } from '../../machines/index.ts';
import { firstJob, idRule, isJobId, isSessionId, type JobId, type SessionId } from '../journal/ids.ts';
import { languages } from '../sound/bundled.ts';
import { destinationSchema } from './destination.ts';

const text = z.string();
const count = z.number().int().nonnegative();
const above0 = z.number().int().positive();
/** M1 */
const sessionId = z.custom<SessionId>(
  (value) => typeof value === 'string' && isSessionId(value),
  `expected a session id (${idRule})`,
);
/** M1 */
const jobId = z.custom<JobId>((value) => typeof value === 'string' && isJobId(value), `expected a job id (${idRule})`);
const key = text.min(1, 'expected a key, got an empty one');

const limitOf = (name: keyof Policy) =>
  z.custom<number>((value) => expectedOf(name, value) === undefined, {
    error: ({ input }) => `expected ${expectedOf(name, input)}`,
  });
const names = Object.keys(defaultPolicy) as (keyof Policy)[];
const limits: unknown = Object.fromEntries(names.map((name) => [name, limitOf(name).default(defaultPolicy[name])]));
/** M2, M3 */
const policy = z.object(limits as Record<keyof Policy, z.ZodType<number>>);

/** *Pure.* */
export const isServerUrl = (text: string): boolean =>
  URL.canParse(text) && ['ws:', 'wss:', 'http:', 'https:'].includes(new URL(text).protocol);
/** How to reach LiveKit's server API; given by the worker, kept in memory only. */
const livekit = z.object({
  url: text.refine(isServerUrl, 'expected the address of a LiveKit server, as wss://HOST'), // M2
  apiKey: key,
  apiSecret: key,
});
const strategy = z.enum(hangUpStrategies);
/** `end`: the goodbye, now. `finish`: they talk on until the budget is nearly spent. */
const shutdown = z.enum(['end', 'finish']);

const workerHello = z.object({
  type: z.literal('hello.worker'),
  pid: above0,
  agentFile: text,
  agentName: text,
  livekit: livekit.nullable(),
  reports: z.array(destinationSchema),
  alerts: z.array(destinationSchema),
  policy,
  hangUp: z.object({ normal: strategy, failure: strategy, transfer: strategy }),
  /** What a caller hears whom nobody answers. Absent: no words. */
  apology: z.object({ language: z.enum(languages), file: text.exactOptional() }).exactOptional(),
  /** Its jobs begin when a caller publishes something: until then a call waits for nobody. */
  waitsForTracks: z.boolean().exactOptional(),
  /** What a worker that is told to stop means for its calls. Default `end`. */
  shutdown: shutdown.exactOptional(),
  /** How long sealed sessions are kept. */
  keep: z
    .object({ days: z.number().positive().exactOptional(), gigabytes: z.number().positive().exactOptional() })
    .exactOptional(),
  /** It takes no calls any more, and serves those that it has; for so long, where it has to end by a time. */
  retiring: z.object({ leftMs: z.number().nonnegative().exactOptional() }).exactOptional(),
  /** Shows that it is the worker of this directory (secret.ts). */
  token: text.exactOptional(),
});

const jobHello = z
  .object({
    type: z.literal('hello.job'),
    session: sessionId,
    epoch: above0,
    job: jobId.exactOptional(), // M3
    owner: z.object({ host: text, bootId: text, pidNamespace: text, pid: above0, startTicks: text }),
    /** The agent's own participant: what recovery has to remove. */
    identity: text,
    /** Shows that it is the job of this session (secret.ts). */
    token: text.exactOptional(),
  })
  .transform((given) => ({ ...firstJob(given.session), ...given }));

/** M3 */
const facts = z
  .object({
    session: sessionId.exactOptional(),
    epoch: above0.exactOptional(),
    job: jobId,
    agentName: text,
    room: z.object({ name: text, sid: text }),
    metadata: text,
    dispatch: text.exactOptional(),
  })
  .transform((given) => ({ ...firstJob(given.job), ...given }));

export const toKeeper = z.discriminatedUnion('type', [
  workerHello,
  z.object({ type: z.literal('worker.ready') }), // registered with LiveKit
  /** So many of its processes wait for a call. */
  z.object({ type: z.literal('worker.warm'), count }),
  /** Told to stop by somebody else than the keeper: its calls are to end, which the SDK does not tell them. */
  z.object({ type: z.literal('worker.draining') }),
  z.object({ type: z.literal('job.offered'), request: count, facts }), // answered by `job.recorded` or `job.refused`
  /** A process that was warm has it; until then it waited for one. */
  z.object({ type: z.literal('job.launched'), job: jobId }),
  /** No process can be had for it, or the one that had it is gone: of interest when it opened no journal. */
  z.object({ type: z.literal('job.unstarted'), job: jobId, why: text }),
  /** The application refused the call of this room: it is not offered again. */
  z.object({ type: z.literal('call.refused'), roomSid: text }),
  /** Declined after all (the answer came too late): no session, and no report. */
  z.object({ type: z.literal('job.withdrawn'), job: jobId, why: text }),
  jobHello,
  z.object({
    type: z.literal('beat'),
    session: sessionId,
    /** How long nobody has been audible; null: somebody is, or no caller is there. */
    silentMs: z.number().nonnegative().nullable().exactOptional(),
    /** Lines of this process so far that somebody heard. */
    spoken: z.object({ filler: count, nudge: count }).exactOptional(),
  }),
  /** Of a job that took a session over: its caller hears it. */
  z.object({ type: z.literal('job.heard'), session: sessionId, epoch: above0 }),
  /** Its worker, of this pid, is gone or going, or (without one) its own session is over: another job is to have its call; answered by `hand.over` when one can. */
  z.object({ type: z.literal('job.orphaned'), session: sessionId, worker: count.optional() }),
  /** Nobody speaks: the next job may be called for; answered by `next.here` when it has been offered. */
  z.object({ type: z.literal('job.leaving'), session: sessionId }),
  /** Somebody speaks after all: nobody is called for. */
  z.object({ type: z.literal('job.staying'), session: sessionId }),
  /** The journal is closed, and durable up to `lastSeq` but for the lines in `tail`, which its disk did not take; answered by `sealed`. */
  z.object({
    type: z.literal('job.closed'),
    session: sessionId,
    epoch: above0,
    lastSeq: count,
    tail: text.exactOptional(),
  }),
  /** Somebody who acts by hand: the inspector, where it may, and the command line. */
  z.object({ type: z.literal('hello.operator'), token: text.exactOptional() }),
  /** Answered by `session.ending`, or by `session.unended`. */
  z.object({ type: z.literal('session.end'), session: sessionId }),
  /** Replaces the worker, and ends no call by it. Answered by `reloaded`, or by `unreloaded`. */
  z.object({ type: z.literal('reload') }),
  /** A failure that the operator's alert destinations should hear of. */
  z.object({ type: z.literal('alert'), session: sessionId, message: text, detail: text }),
]);

export const fromKeeper = z.discriminatedUnion('type', [
  z.object({ type: z.literal('welcome') }),
  /** What came is not for this peer to say: what was expected, what came, what to do. The connection is closed after it. */
  z.object({ type: z.literal('refused'), why: text }),
  z.object({ type: z.literal('job.recorded'), request: count }),
  z.object({ type: z.literal('job.refused'), request: count, why: text }),
  /** End within the budget: SIGTERM, or the worker is drained. */
  z.object({
    type: z.literal('shutdown'),
    graceMs: z.number().nonnegative(),
    reason: z.enum(['worker_shutdown', 'worker_lost', 'operator_ended']),
    /** Which worker was lost, by its pid: the jobs of another one are not meant. */
    worker: above0.exactOptional(),
  }),
  /** To a worker: the one that is to replace it needs the port of its health check. */
  z.object({ type: z.literal('port.wanted') }),
  /** To a worker: another one takes the calls. Take none, and go when yours are over. */
  z.object({ type: z.literal('worker.retire') }),
  /** To its jobs: a worker, of this pid, has been replaced. It has to be gone within `graceMs`, where that is given. */
  z.object({ type: z.literal('worker.replaced'), worker: above0, graceMs: z.number().nonnegative().exactOptional() }),
  /** A process of the next worker is warm for this call: leave it when nobody speaks. */
  z.object({ type: z.literal('hand.over') }),
  /** The next job has been offered, and waits: leave now, if nobody speaks. */
  z.object({ type: z.literal('next.here') }),
  /** Another call has that process: wait for the next one. */
  z.object({ type: z.literal('stay') }),
  /** Another job speaks for this session now: leave without a word. */
  z.object({ type: z.literal('yield') }),
  /** Its job was told. */
  z.object({ type: z.literal('session.ending'), session: sessionId }),
  z.object({ type: z.literal('session.unended'), session: sessionId, why: text }),
  z.object({ type: z.literal('sealed'), session: sessionId, report: text }),
  /** The next worker takes the calls; so many go on with the one before. */
  z.object({ type: z.literal('reloaded'), worker: above0, calls: count }),
  z.object({ type: z.literal('unreloaded'), why: text }),
]);

export type LiveKitAccess = z.infer<typeof livekit>;
export type Shutdown = z.infer<typeof shutdown>;
export type WorkerHello = z.infer<typeof workerHello>;
export type JobHello = z.infer<typeof jobHello>;
export type ToKeeper = z.infer<typeof toKeeper>;
export type FromKeeper = z.infer<typeof fromKeeper>;
