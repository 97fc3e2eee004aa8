/**
 * The caller goes on to somebody else.
 *
 *   X1  Whoever was called and is not wanted any more is let go, whatever ended the waiting: a refusal, the deadline, the
 *       caller's own hang-up (fault D8: the telephone rang on).
 *   X2  `transferred` is said when our own voice has ended: the hang-up that follows would cut it.
 *   X3  The user's `invite` and `confirm` have the machine's deadline; what they throw is an answer.
 */
import { voice } from '@livekit/agents';
import type { Transfer, Transferred } from '../../../machines/index.ts';
import { describeValue } from '../../errors/config-error.ts';
import { MAX_RINGING_MS } from '../../rooms/refer.ts';
import { messageOf } from '../../errors/thrown.ts';
import { LeftError, settledWithin, unlessAborted } from '../../waiting/deadline.ts';
import type { TransferTarget } from '../call.ts';
import type { LiveJob } from '../live-job.ts';
import { overhear } from '../observe/overhear.ts';

type Warm = Extract<TransferTarget, { participant: string }>;

/** Asks the machine; never rejects. */
export function askTransfer(job: LiveJob, given: TransferTarget): Promise<Transferred> {
  const failed = (detail: string): Promise<Transferred> => Promise.resolve({ outcome: 'failed', detail });
  const target = readOnce(given);
  if ('problem' in target) return failed(target.problem);
  if (job.transfer) return failed('another transfer is under way');
  const id = String((job.transfersAsked += 1));
  return new Promise((resolve) => {
    const settle = (result: Transferred) => {
      if (job.transfer?.id === id) job.transfer = undefined;
      resolve(result);
    };
    job.transfer = { id, target, settle };
    const [how, to] = 'refer' in target ? (['refer', target.refer] as const) : (['warm', target.participant] as const);
    job.run.send({ type: 'transfer.requested', transfer: { id, how, to } });
    if (!job.run.hasTag('transferring')) settle({ outcome: 'failed', detail: 'the call is not conversing' });
  });
}

/** The target as it was when it was read: a getter may throw, and may answer something else the next time. */
function readOnce(given: unknown): TransferTarget | { problem: string } {
  try {
    const target: unknown = typeof given === 'object' ? { ...given } : given;
    const problem = problemOf(target);
    return problem === undefined ? (target as TransferTarget) : { problem };
  } catch (error) {
    return { problem: `call.transfer: the target cannot be read: ${messageOf(error)}` };
  }
}

function problemOf(target: unknown): string | undefined {
  const { refer, participant, ringingMs, invite, confirm } = (target ?? {}) as Record<string, unknown>;
  const isText = (value: unknown) => typeof value === 'string' && value.trim() !== '';
  const isNone = (value: unknown) => value === undefined || typeof value === 'function';
  const isWait = (value: unknown) =>
    value === undefined || (typeof value === 'number' && value > 0 && value <= MAX_RINGING_MS);
  if (isText(refer) === isText(participant))
    return `call.transfer: expected { refer: 'tel:…' } or { participant: 'identity' }, got ${describeValue(target)}`;
  if (isText(refer) && !/^(tel|sips?):./.test(String(refer)))
    return `call.transfer: refer: expected tel:+15551234 or sip:…, got ${describeValue(refer)}`;
  if (!isWait(ringingMs))
    return `call.transfer: ringingMs: expected milliseconds, more than 0 and at most ${MAX_RINGING_MS}, got ${describeValue(ringingMs)}`;
  if (!isNone(invite) || !isNone(confirm)) return 'call.transfer: invite and confirm: expected functions';
  return undefined;
}

/** The effect. Rejects with LeftError alone: everything else is an outcome. */
export async function transfer(job: LiveJob, { id, how, to }: Transfer, signal: AbortSignal): Promise<Transferred> {
  const { recorder } = job;
  const pending = job.transfer;
  if (pending?.id !== id) return { outcome: 'failed', detail: 'nobody waits for it any more' };
  const begun = Date.now();
  recorder.append('transfer', { id, how, to, status: 'asked' });
  const settle = (result: Transferred) => {
    recorder.append('transfer', { id, how, to, status: 'settled', ms: Date.now() - begun, ...result });
    pending.settle(result);
  };
  try {
    const { target } = pending;
    const result = await ('refer' in target ? refer(job, target, signal) : warm(job, target, signal));
    settle(result);
    return result;
  } catch (error) {
    const isLeft = error instanceof LeftError;
    const result: Transferred = isLeft
      ? { outcome: 'no_answer', detail: 'nobody took the call in time, or it ended before' }
      : { outcome: 'declined', detail: messageOf(error) };
    settle(result);
    if (isLeft) throw error;
    return result;
  }
}

async function refer(
  job: LiveJob,
  { refer: to, ...options }: Extract<TransferTarget, { refer: string }>,
  signal: AbortSignal,
): Promise<Transferred> {
  const graceMs = job.definition.policy.callerGraceMs;
  const { outcome, ...more } = await unlessAborted(job.venue.refer(to, { ...options, graceMs }, signal), signal);
  if (outcome === 'transferred') await unlessAborted(voiceEnds(job), signal); // X2
  return { outcome, ...('error' in more && { detail: more.error }) };
}

async function warm(job: LiveJob, target: Warm, signal: AbortSignal): Promise<Transferred> {
  const { venue } = job;
  const { participant, invite, confirm } = target;
  let isTaken = false;
  try {
    const there = venue.answered(participant, signal);
    there.catch(() => {});
    const invited = (async () => invite?.(signal))();
    const somebody = await unlessAborted(Promise.race([there, invited.then(() => there)]), signal);
    const takes = !confirm || (await unlessAborted((async () => confirm(somebody, signal))(), signal));
    if (!takes) return { outcome: 'declined', detail: `${participant} does not take the call` };
    await unlessAborted(voiceEnds(job), signal); // X2; who ends the call meanwhile ends the transfer too (X1)
    isTaken = true;
    return { outcome: 'transferred' };
  } finally {
    if (!isTaken) void venue.dismiss(participant); // X1
  }
}

/** Resolves when the agent is silent, or after `drainMs`. */
async function voiceEnds(job: LiveJob): Promise<void> {
  const { session, definition } = job;
  if (session?.agentState !== 'speaking') return;
  let stop = () => {};
  const silent = new Promise<void>((resolve) => {
    const look = ({ newState }: { newState: string }) => newState !== 'speaking' && resolve();
    overhear(job).on(voice.AgentSessionEventTypes.AgentStateChanged, look);
    stop = () => overhear(job).off(voice.AgentSessionEventTypes.AgentStateChanged, look);
  });
  await settledWithin(silent, definition.policy.drainMs);
  stop();
}
