/**
 * The user's `call`, from its first instant: functions of the definition are asked for its limits before anything else
 * of the job is there, and what they ask of it then says so.
 */
import type { JobContext } from '@livekit/agents';
import { endOf, ends, hangUpStrategies, type SessionEvent } from '../../machines/index.ts';
import type { JobFacts, Json } from '../journal/entry.ts';
import { describeValue } from '../errors/config-error.ts';
import { messageOf } from '../errors/thrown.ts';
import type { Past } from '../report/past.ts';
import type { Log, Recorder } from '../session/ports.ts';
import { askTransfer } from './act/transfer.ts';
import { keepRelease, type Release } from './act/release.ts';
import { type Call, type EndOptions, parseMetadata } from './call.ts';
import { beginCall } from './current-call.ts';
import type { Defined } from './definition.ts';
import { historyOf } from './history.ts';
import type { LiveJob } from './live-job.ts';
import { noteError } from './note-error.ts';

type Asked = { context: JobContext; facts: JobFacts; past?: Past | undefined; recorder: Recorder; log: Log };

export type OpenCall = {
  readonly call: Call;
  readonly context: JobContext;
  readonly recorder: Recorder;
  readonly log: Log;
  /** Of a job that took its session over. */
  readonly past: Past | undefined;
  /** From the hang-up on: abort what the user started. */
  readonly letGo: AbortController;
  /** What the user wants released when the call is over. */
  readonly releases: Release[];
  /** The job is put together: from here on it answers. */
  readonly begins: (job: LiveJob) => void;
};

/** `currentCall()` finds it from now on. */
export function openCall({ context, facts, past, recorder, log }: Asked): OpenCall {
  const metadata = parseMetadata(facts.metadata);
  const letGo = new AbortController();
  const releases: Release[] = [];
  let job: LiveJob | undefined;
  let callLog: Log | undefined;
  const call: Call = {
    id: facts.session,
    room: context.room,
    get participant() {
      return job?.venue.caller()?.participant;
    },
    metadata,
    job: context.job,
    proc: context.proc,
    get log() {
      callLog ??= withFields(call, log, job?.definition.logFields);
      return callLog;
    },
    signal: letGo.signal,
    get roomMetadata() {
      return context.room.metadata ?? '';
    },
    attach: (key, value) => void recorder.append('attach', { key: messageOf(key), value }),
    end: (reason = 'agent_ended', options) => {
      const { drain, goodbye, outcome, hangUp: wanted } = readable(options);
      const hangUp = hangUpStrategies.find((each) => each === wanted);
      if (wanted !== undefined && !hangUp) {
        const expected = `call.end: hangUp: expected one of ${hangUpStrategies.join(', ')}, got ${describeValue(wanted)}`;
        noteError({ recorder, log }, 'application', expected, true, 'the call ends as the definition says');
      }
      if (outcome !== undefined) recorder.append('attach', { key: 'outcome', value: outcome as Json });
      const run = job?.run;
      if (!run) return log.error({ reason: messageOf(reason) }, 'call.end: the call has not begun; nothing was ended');
      run.send({
        type: 'session.end',
        end: { ...endOf('agent', messageOf(reason)), ...(hangUp && { hangUp }) },
        drain,
        ...(!goodbye && { goodbye: false }),
      });
    },
    giveTime: (ms) => {
      if (typeof ms === 'number' && ms > 0 && Number.isFinite(ms)) return job?.run.send({ type: 'time.given', ms });
      const expected = `call.giveTime: expected milliseconds, more than 0, got ${describeValue(ms)}`;
      noteError({ recorder, log }, 'application', expected, true, 'no time was given');
    },
    report: (found) => {
      const event = job && foundBy(found, job.definition);
      if (event) job?.run.send(event);
      else log.warn({ found: messageOf(found) }, "call.report: expected 'voicemail', 'hold_music' or 'human'");
    },
    transfer: async (target) =>
      job ? askTransfer(job, target) : { outcome: 'failed', detail: 'the call has not begun' },
    onClose: (name, release) => keepRelease(releases, job, { name, release }),
    resumed: past && {
      epoch: facts.epoch,
      agent: past.agent,
      history: historyOf(past),
      snapshot: past.snapshot,
    },
    context,
    get session() {
      return job?.session;
    },
  };
  beginCall(call);
  return { call, context, recorder, log, past, letGo, releases, begins: (begun) => void (job = begun) };
}

const foundBy = (found: string, { voicemail, hold }: Defined): SessionEvent | undefined => {
  if (found === 'voicemail')
    return { type: 'voicemail.found', end: ends.voicemail, goodbye: voicemail.goodbye !== 'none' };
  if (found === 'hold_music') return { type: 'hold.began', goodbye: hold.goodbye !== 'none' };
  return found === 'human' ? { type: 'hold.ended' } : undefined;
};

/** Null, numbers and getters that throw come from JavaScript; an end is never refused for them. */
const readable = (options: unknown): { drain: boolean; goodbye: boolean; outcome?: unknown; hangUp?: unknown } => {
  try {
    const { drain, goodbye, outcome, hangUp } = (options ?? {}) as Record<keyof EndOptions, unknown>;
    return { drain: drain !== false, goodbye: goodbye !== false, outcome, hangUp };
  } catch {
    return { drain: true, goodbye: true };
  }
};

const withFields = (call: Call, log: Log, fields: ((call: Call) => Record<string, unknown>) | undefined): Log => {
  if (!fields) return log;
  try {
    return log.child(fields(call));
  } catch (error) {
    log.warn({ error: messageOf(error) }, 'logFields failed; lines go without them');
    return log;
  }
};
