/** The user's `call`, on top of a live job. */
import type { JobContext } from '@livekit/agents';
import { endOf, ends, hangUpStrategies, type SessionEvent } from '../../machines/index.ts';
import type { JobFacts, Json } from '../journal/entry.ts';
import { describeValue } from '../errors/config-error.ts';
import { messageOf } from '../errors/thrown.ts';
import type { Log, Recorder } from '../session/ports.ts';
import { askTransfer } from './act/transfer.ts';
import { keepRelease } from './act/release.ts';
import { type Call, type EndOptions, parseMetadata } from './call.ts';
import type { Defined } from './definition.ts';
import type { LiveJob } from './live-job.ts';
import { noteError } from './note-error.ts';
import type { Venue } from './venue.ts';

type Parts = {
  context: JobContext;
  facts: JobFacts;
  venue: Venue;
  recorder: Recorder;
  log: Log;
  letGo: AbortSignal;
  job: () => LiveJob | undefined;
};

export function makeCall({ context, facts, venue, recorder, log, letGo, job }: Parts): Call {
  const metadata = parseMetadata(facts.metadata);
  let callLog: Log | undefined;
  const call: Call = {
    id: facts.job,
    room: context.room,
    get participant() {
      return venue.caller()?.participant;
    },
    metadata,
    job: context.job,
    proc: context.proc,
    get log() {
      callLog ??= withFields(call, log, job()?.definition.logFields);
      return callLog;
    },
    signal: letGo,
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
      const run = job()?.run;
      if (!run) return log.error({ reason: messageOf(reason) }, 'call.end: the call has not begun; nothing was ended');
      run.send({
        type: 'session.end',
        end: { ...endOf('agent', messageOf(reason)), ...(hangUp && { hangUp }) },
        drain,
        ...(!goodbye && { goodbye: false }),
      });
    },
    giveTime: (ms) => {
      if (typeof ms === 'number' && ms > 0 && Number.isFinite(ms)) return job()?.run.send({ type: 'time.given', ms });
      const expected = `call.giveTime: expected milliseconds, more than 0, got ${describeValue(ms)}`;
      noteError({ recorder, log }, 'application', expected, true, 'no time was given');
    },
    report: (found) => {
      const parts = job();
      const event = parts && foundBy(found, parts.definition);
      if (event) parts.run.send(event);
      else log.warn({ found: messageOf(found) }, "call.report: expected 'voicemail', 'hold_music' or 'human'");
    },
    transfer: async (target) => {
      const parts = job();
      return parts ? askTransfer(parts, target) : { outcome: 'failed', detail: 'the call has not begun' };
    },
    onClose: (name, release) => keepRelease(call, job(), { name, release }),
    context,
    get session() {
      return job()?.session;
    },
  };
  return call;
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
