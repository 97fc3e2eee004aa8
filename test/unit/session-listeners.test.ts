/** Listeners on the AgentSession: guarded, and otherwise as Node has them. */
import { EventEmitter } from 'node:events';
import { initializeLogger, voice } from '@livekit/agents';
import { beforeAll, expect, test } from 'vitest';
import type { EntryData } from '../../src/journal/entry.ts';
import { guardListeners } from '../../src/livekit/guard/listeners.ts';
import type { LiveJob } from '../../src/livekit/live-job.ts';
import { overhear } from '../../src/livekit/observe/overhear.ts';

const { AgentSessionEventTypes: Event } = voice;
beforeAll(() => initializeLogger({ pretty: false, level: 'silent' }));

function guarded() {
  const errors: EntryData['error'][] = [];
  const job = {
    recorder: { append: (_kind: string, data: EntryData['error']) => errors.push(data) },
    log: { error() {} },
    ears: new EventEmitter(),
  } as unknown as LiveJob;
  const session = new voice.AgentSession({ vad: null as never });
  guardListeners(job, session);
  const emit = () =>
    session.emit(Event.AgentFalseInterruption, {
      type: Event.AgentFalseInterruption,
      resumed: true,
      createdAt: 0,
    });
  return { job, session, errors, emit };
}

test("the session's own emit runs: a recorded session keeps its events for the SDK's report", () => {
  const { session, emit } = guarded();
  session.sessionOptions.recordingOptions = {
    audio: false,
    traces: true,
    logs: true,
    transcript: true,
    redaction: false,
  };
  emit();
  session.on(Event.AgentFalseInterruption, () => {});
  emit();
  expect(session._recordedEvents).toHaveLength(2);
});

test('a listener that throws, and one that rejects, are in the journal; those after it are told, and emit says so', async () => {
  const { session, errors, emit } = guarded();
  const told: string[] = [];
  expect(emit()).toBe(false);
  session.on(Event.AgentFalseInterruption, () => {
    throw new Error('thrown');
  });
  session.on(Event.AgentFalseInterruption, async () => {
    throw new Error('rejected');
  });
  session.on(Event.AgentFalseInterruption, () => void told.push('after'));
  expect(emit()).toBe(true);
  await Promise.resolve();
  expect(told).toEqual(['after']);
  expect(errors.map(({ message }) => message)).toEqual(['thrown', 'rejected']);
});

test('once is once, in its place; who is added while it is told is told the next time, who is removed the last time', () => {
  const { session, emit } = guarded();
  const told: string[] = [];
  const last = () => void told.push('last');
  session.once(Event.AgentFalseInterruption, () => {
    told.push('once');
    session.off(Event.AgentFalseInterruption, last);
    session.on(Event.AgentFalseInterruption, () => void told.push('new'));
  });
  session.on(Event.AgentFalseInterruption, last);
  emit();
  expect(told).toEqual(['once', 'last']);
  emit();
  expect(told).toEqual(['once', 'last', 'new']);
});

test('a listener that tells the session of the same event is no trouble', () => {
  const { session, emit } = guarded();
  const told: string[] = [];
  session.once(Event.AgentFalseInterruption, () => {
    told.push('outer');
    emit();
  });
  session.on(Event.AgentFalseInterruption, () => void told.push('each'));
  emit();
  expect(told).toEqual(['outer', 'each', 'each']);
});

test('an error that nobody listens to does not throw', () => {
  const { session } = guarded();
  const emit = () =>
    session.emit(Event.Error, { type: Event.Error, error: new Error('x'), source: {}, createdAt: 0 } as never);
  expect(emit).not.toThrow();
  expect(session.listenerCount(Event.Error)).toBe(0);
});

test('ours hear it first, are no listeners of the session, and outlive removeAllListeners', () => {
  const { job, session, emit } = guarded();
  const told: string[] = [];
  session.on(Event.AgentFalseInterruption, () => void told.push('user'));
  overhear(job).on(Event.AgentFalseInterruption, () => void told.push('ours'));
  emit();
  expect(told).toEqual(['ours', 'user']);
  session.removeAllListeners();
  expect(session.listenerCount(Event.AgentFalseInterruption)).toBe(0);
  expect(emit()).toBe(false);
  expect(told).toEqual(['ours', 'user', 'ours']);
});
