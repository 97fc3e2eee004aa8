/** Traps of the SDK: what it hides, forgets, counts twice or never ends, and what a call makes of it. */
import { voice } from '@livekit/agents';
import { expect, test } from 'vitest';
import { observeProcess } from '../../src/livekit/observe/process.ts';
import { endSessionTool } from '../../src/livekit/tools/end-session.ts';
import { fakeRoom } from './fake-room.ts';
import { place } from './harness.ts';
import { SilentRealtime, ToneTts } from './models.ts';
import { agent, answer, answered, errorsOf, gate, resting, WithTools } from './plain.ts';

const { AgentSessionEventTypes: Event } = voice;
const failedStart = { by: 'system', stage: 'greeting', goodbye: 'skipped' } as const;

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
  const { errors } = await placed.endedWell({});
  expect(errors).toMatchObject([{ component: 'llm', message: 'planted', recoverable: true }]);
});

test('T5 nobody subscribes to the agent: the greeting is not waited for, and the caller is let go', async () => {
  await using room = await fakeRoom('unheard');
  await using placed = await place({ room, ...inRoom, policy: { firstAudioMs: 300, rungMs: 200, closeMs: 3000 } });
  const { lines } = await placed.endedWell({ ...failedStart, reason: 'startup_failed', fault: 'application' });
  expect(new Set(lines.map(({ line, outcome }) => `${line} ${outcome}`))).toEqual(
    new Set(['greeting failed', 'apology failed', 'goodbye skipped']),
  );
  expect(room.server.rooms.size).toBe(0);
});

test('T6 the agent’s track cannot be published: seen, tried again, and the report says why nothing was heard', async () => {
  await using room = await fakeRoom('refused');
  await using placed = await place({ room, ...inRoom, policy: { firstAudioMs: 5000, rungMs: 200, closeMs: 3000 } });
  const { lines } = await placed.endedWell({
    ...failedStart,
    stage: 'connecting',
    reason: 'startup_failed',
    fault: 'platform',
    detail: 'planted: the track was refused',
  });
  expect(lines.find(({ line }) => line === 'apology')?.why).toContain('planted: the track was refused');
  expect(room.server.rooms.size).toBe(0);
});

test('T6 the agent’s track is published at the second try: the caller is greeted', async () => {
  await using room = await fakeRoom('refused once');
  await using placed = await place({ room, ...inRoom });
  await resting(placed);
  placed.call.end('done');
  const { greeting } = await placed.endedWell({});
  expect(greeting?.outcome).toBe('played');
  expect(errorsOf(placed, 'room')).toHaveLength(1);
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
  await placed.endedWell({
    ...failedStart,
    stage: 'connecting',
    reason: 'startup_failed',
    fault: 'application',
    apology: 'live',
  });
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
    ['uncaughtException', 'disconnect'].map((event) => [event, process.listeners(event as 'exit')]),
  );
  try {
    await using placed = await place({ agent, script: answer, policy: { firstAudioMs: 500 } });
    observeProcess(placed.job);
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

/** A call in a room: the agent greets, and has no ears. */
const inRoom = {
  agent,
  script: answer,
  greeting: { say: 'Hello.' },
  start: () => ({
    inputOptions: { audioEnabled: false, textEnabled: false },
    outputOptions: { transcriptionEnabled: false },
  }),
};

const stateOf = (session: voice.AgentSession) => {
  const { started, activity } = session as unknown as { started: boolean; activity: unknown };
  return { isStarted: started, hasActivity: activity !== undefined };
};
