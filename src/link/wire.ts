/**
 * What goes over the socket, byte for byte: one JSON object a line, each checked before anybody acts on it.
 *
 *   W1  A line that is no message, or is longer than MAX_LINE, ends that connection and nothing else.
 *   W2  Ids become names of folders (journal/ids.ts): what cannot be one is no message.
 *   W3  Limits that no timer takes, and addresses that are none, are refused here: further inside, they would end the keeper.
 *   W4  A worker or a job of the version before names a session by its job alone, and a job by its session.
 */
import type { Socket } from 'node:net';
import { z } from 'zod';
import { defaultPolicy, isCount, MAX_TIMER_MS, type Policy } from '../../machines/index.ts';
import { firstJob, idRule, isJobId, isSessionId, type JobId, type SessionId } from '../journal/ids.ts';
import type { FromKeeper, ToKeeper } from './messages.ts';

/** In characters. The largest honest line is an offer with its metadata, which LiveKit limits to 64 KiB. */
export const MAX_LINE = 1_048_576;

const sessionId = z.string().refine(isSessionId, `expected a session id (${idRule})`);
const jobId = z.string().refine(isJobId, `expected a job id (${idRule})`);
const count = z.number().int().nonnegative();
const epoch = z.number().int().positive();
const text = z.string();

const owner = z.object({
  host: text,
  bootId: text,
  pidNamespace: text,
  pid: z.number().int().positive(),
  startTicks: text,
});
/** W4 */
const facts = z
  .object({
    session: sessionId.optional(),
    epoch: epoch.optional(),
    job: jobId,
    agentName: text,
    room: z.object({ name: text, sid: text }),
    metadata: text,
  })
  .transform((given) => ({ ...firstJob(given.job as JobId), ...given }));
/** W3 */
const limitOf = (name: keyof Policy) =>
  isCount(name)
    ? count
    : z
        .number()
        .gt(0, 'expected a number of milliseconds above 0')
        .max(MAX_TIMER_MS, `expected at most ${MAX_TIMER_MS} ms`);
const policyNames = Object.keys(defaultPolicy) as (keyof Policy)[];
const policy = z.object(Object.fromEntries(policyNames.map((name) => [name, limitOf(name)])));
/** *Pure.* */
export const isServerUrl = (text: string): boolean => {
  try {
    return ['ws:', 'wss:', 'http:', 'https:'].includes(new URL(text).protocol);
  } catch {
    return false;
  }
};
const serverUrl = z.string().refine(isServerUrl, 'expected the address of a LiveKit server, as wss://HOST');
const key = z.string().min(1, 'expected a key, got an empty one');
const strategy = z.enum(['delete-room', 'remove-sip', 'remove-caller', 'leave']);
const destination = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('webhook'),
    name: text,
    url: text.optional(),
    secrets: z.array(text),
    headers: z.record(text, text),
    fromMetadata: z.object({ field: text, allow: z.array(text), path: text.optional() }).optional(),
    allowPrivate: z.boolean(),
  }),
  z.object({ kind: z.literal('file'), name: text, directory: text }),
  z.object({ kind: z.literal('stdout'), name: text }),
  z.object({ kind: z.literal('module'), name: text, url: text }),
  z.object({ kind: z.literal('slack'), name: text, url: text, text: text.optional() }),
]);

const toKeeper = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('hello.worker'),
    pid: z.number().int().positive(),
    agentFile: text,
    agentName: text,
    livekit: z.object({ url: serverUrl, apiKey: key, apiSecret: key }).nullable(),
    reports: z.array(destination),
    alerts: z.array(destination),
    policy,
    hangUp: z.object({ normal: strategy, failure: strategy, transfer: strategy }),
    shutdown: z.enum(['end', 'finish']).optional(),
    keep: z.object({ days: z.number().positive().optional(), gigabytes: z.number().positive().optional() }).optional(),
    token: text.optional(),
  }),
  z.object({ type: z.literal('worker.ready') }),
  z.object({ type: z.literal('worker.draining') }),
  z.object({ type: z.literal('job.offered'), request: count, facts }),
  z.object({ type: z.literal('job.launched'), job: jobId }),
  z.object({ type: z.literal('job.unstarted'), job: jobId, why: text }),
  z.object({ type: z.literal('job.withdrawn'), job: jobId, why: text }),
  z
    .object({
      type: z.literal('hello.job'),
      session: sessionId,
      epoch,
      job: jobId.optional(), // W4
      owner,
      identity: text,
      token: text.optional(),
    })
    .transform(({ session, ...given }) => ({ ...firstJob(session as SessionId), ...given })),
  z.object({ type: z.literal('beat'), session: sessionId }),
  z.object({
    type: z.literal('job.closed'),
    session: sessionId,
    epoch,
    lastSeq: count,
    tail: text.optional(),
  }),
  z.object({ type: z.literal('alert'), session: sessionId, message: text, detail: text }),
]);

const fromKeeper = z.discriminatedUnion('type', [
  z.object({ type: z.literal('welcome') }),
  z.object({ type: z.literal('refused'), why: text }),
  z.object({ type: z.literal('job.recorded'), request: count }),
  z.object({ type: z.literal('job.refused'), request: count, why: text }),
  z.object({
    type: z.literal('shutdown'),
    graceMs: z.number().nonnegative(),
    reason: z.enum(['worker_shutdown', 'worker_lost']),
  }),
  z.object({ type: z.literal('yield') }),
  z.object({ type: z.literal('sealed'), session: sessionId, report: text }),
]);

export type Parsed<Message> = { ok: true; message: Message } | { ok: false; problem: string };

const parse =
  <Message>(schema: z.ZodType) =>
  (line: string): Parsed<Message> => {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      return { ok: false, problem: `expected a line of JSON, got ${line.length} characters that are none` };
    }
    const result = schema.safeParse(value);
    if (result.success) return { ok: true, message: result.data as Message };
    const [issue] = result.error.issues;
    // Only the place and the rule: the value may be personal.
    return { ok: false, problem: `${issue?.path.join('.') || 'type'}: ${issue?.message ?? 'not a message'}` };
  };

/** *Pure.* */
export const parseToKeeper = parse<ToKeeper>(toKeeper);
/** *Pure.* */
export const parseFromKeeper = parse<FromKeeper>(fromKeeper);

/** *Pure.* A message as it is written: JSON has no bare line breaks, so the line break ends it. */
export const encode = (message: ToKeeper | FromKeeper): string => `${JSON.stringify(message)}\n`;

/**
 * *Effect.* Calls `onLine` for each whole line. After `onProblem` nothing more is read (W1). What is left of a line is kept
 * in pieces and each piece is looked at once: a long line that comes in small ones costs no more than one that comes whole.
 */
export function readLines(
  socket: Socket,
  { onLine, onProblem }: { onLine: (line: string) => void; onProblem: (problem: string) => void },
): void {
  let pieces: string[] = [];
  let length = 0;
  let broken = false;
  const keep = (piece: string) => {
    pieces.push(piece);
    length += piece.length;
    broken ||= length > MAX_LINE;
  };
  socket.setEncoding('utf8'); // a character that is torn between two chunks stays whole
  socket.on('data', (chunk: string | Buffer) => {
    if (broken) return;
    const text = chunk.toString();
    let from = 0;
    for (let end = text.indexOf('\n'); end >= 0 && !socket.destroyed; end = text.indexOf('\n', from)) {
      keep(text.slice(from, end));
      if (broken) break;
      const line = pieces.join('');
      pieces = [];
      length = 0;
      from = end + 1;
      onLine(line);
    }
    if (!broken) keep(text.slice(from));
    if (!broken) return;
    pieces = [];
    onProblem(`expected a line of at most ${MAX_LINE} characters, got a longer one`);
  });
}
