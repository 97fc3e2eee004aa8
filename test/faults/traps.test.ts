/** Traps of the SDK: what it hides, forgets, counts twice or never ends, and what a call makes of it. */
import { voice } from '@livekit/agents';
import { expect, test } from 'vitest';
import { observeProcess } from '../../src/livekit/observe/process.ts';
import { endSessionTool } from '../../src/livekit/tools/end-session.ts';
import { place } from './harness.ts';
import { SilentRealtime, ToneTts } from './models.ts';
import { agent, answer, answered, errorsOf, gate, resting, startFailed, WithTools } from './plain.ts';

const { AgentSessionEventTypes: Event } = voice;

test('T2 a provider fails between the end tool and the close: the goodbye is heard, and the caller is let go', async () => {
  await using placed = await place({
    agent: () => new WithTools([endSessionTool({ reason: 'done' })]),
    script: () => ({ calls: ['end_session'] }),
  });
  await resting(placed);
  placed.says('That is all.');
  await placed.until('the end is asked for', () => placed.run.hasTag('leaving'));
  const error = { type: 'llm_error', label: 'scripted', timestamp: 0, error: new Error('planted'), recoverable: true };
  placed.call.session?.emit(Event.Error, { type: 'error', error, source: undefined, createdAt: 0 } as never);
  const { errors, warnings } = await placed.endedWell({});
  expect(errors).toEqual([]);
  expect(warnings).toMatchObject([{ component: 'llm', message: 'planted', recoverable: true }]);
});

test('T20 a voice that promises timestamps and sends none: what the agent said is in the transcript', async () => {
  await using placed = await place({ agent, script: answer, options: { tts: new ToneTts('aligned', true, true) } });
  await answered(placed);
  placed.call.end('done');
  const { transcript } = await placed.endedWell({});
  expect(transcript.filter(({ role }) => role === 'assistant').map(({ text }) => text)).toEqual([
    'It is nine.',
    'Goodbye now.',
  ]);
});

test('T21 usage of a voice that does not stream is counted once', async () => {
  await using placed = await place({ agent, script: answer });
  await answered(placed);
  placed.call.end('done');
  const { usage } = await placed.endedWell({});
  const spoken = usage.find(({ type }) => type === 'tts_usage');
  expect(spoken?.['charactersCount']).toBe('It is nine.'.length + 'Goodbye now.'.length);
});

test('T22 the session does not start: no Close event is waited for; apology, hang-up, report', async () => {
  const elsewhere = new voice.AgentSession({ vad: null as never });
  const shared = agent();
  await elsewhere.start({ agent: shared, record: false });
  await using placed = await place({ agent: () => shared, greeting: { say: 'Hello.' } });
  await placed.endedWell({ ...startFailed, apology: 'live' });
  await elsewhere.close();
});

test('T22 the caller leaves while the session starts, and the start comes to its end later: no session is left open', async () => {
  const { opened, open } = gate();
  await using placed = await place({
    agent,
    options: { llm: new SilentRealtime(opened) },
    policy: { connectMs: 4000 },
  });
  const session = await placed.until('it is made', () => placed.call.session);
  placed.leaves();
  await placed.endedWell({ reason: 'caller_hung_up', by: 'caller', stage: 'connecting', goodbye: 'skipped' });
  open();
  await expect.poll(() => stateOf(session), { timeout: 3000 }).toEqual({ isStarted: false, hasActivity: false });
});

test('T23 the away event of the SDK comes after the end: it is no event any more', async () => {
  await using placed = await place({ agent, script: answer, options: { userAwayTimeout: 0.4 } });
  await answered(placed);
  placed.call.end('done');
  const session = placed.call.session as voice.AgentSession;
  await placed.run.closed;
  const before = placed.entries.length;
  session.emit(Event.UserStateChanged, {
    type: 'user_state_changed',
    oldState: 'listening',
    newState: 'away',
  } as never);
  expect(placed.entries).toHaveLength(before);
  await placed.endedWell({});
});

test('T25 a voice that does not stream fails and leaves a rejection that nobody handles: noted, and the call ends in words', async () => {
  const theirs = process.listeners('unhandledRejection');
  process.removeAllListeners('unhandledRejection');
  const before = new Map(
    ['uncaughtException', 'disconnect', 'error'].map((event) => [event, process.listeners(event as 'exit')]),
  );
  try {
    await using placed = await place({ agent, script: answer, policy: { firstAudioMs: 500 } });
    observeProcess(placed.job, () => {});
    placed.tts.error = new Error('planted');
    placed.says('What time is it?');
    await placed.until('it is noted', () => errorsOf(placed, 'process').length > 0);
    await placed.endedWell({
      reason: 'model_failed',
      by: 'system',
      fault: 'provider',
      goodbye: 'skipped',
      apology: 'bundled',
    });
  } finally {
    process.removeAllListeners('unhandledRejection');
    for (const listener of theirs) process.on('unhandledRejection', listener);
    for (const [event, listeners] of before)
      for (const listener of process.listeners(event as 'exit'))
        if (!listeners.includes(listener)) process.off(event, listener);
  }
});

const stateOf = (session: voice.AgentSession) => {
  const { started, activity } = session as unknown as { started: boolean; activity: unknown };
  return { isStarted: started, hasActivity: activity !== undefined };
};
