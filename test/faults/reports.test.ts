/** The report: there whatever hangs, throws or comes late, once, and true. */
import { AutoSubscribe } from '@livekit/agents';
import type { voice } from '@livekit/agents';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { endOf } from '../../machines/index.ts';
import { expectEndedWell } from '../contract/ended-well.ts';
import { runEntry } from './entry.ts';
import { place } from './harness.ts';
import { agent, answer, answered, effectsNamed, fails, gate, LONG, never, resting, startFailed } from './plain.ts';

const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('A2 the close of the SDK’s session', () => {
  test.each([
    ['never settles', never],
    ['rejects', async () => fails()],
    ['throws', fails],
  ])('%s: goodbye, hang-up and report are what they would be', async (_, close) => {
    await using placed = await place({ agent, script: answer, policy: { closeMs: 300 } });
    await answered(placed);
    const session = placed.call.session as voice.AgentSession;
    const really = session.close.bind(session);
    session.close = close;
    placed.call.end('done');
    await placed.endedWell({});
    await really();
  });
});

/** Its program is started while it connects, and speaks for itself. */
const endedByProgram = {
  reason: 'done',
  by: 'agent',
  stage: 'connecting',
  fault: 'none',
  goodbye: null,
  strategy: 'delete-room',
} as const;

describe('what the SDK does at the end of a job', () => {
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  test('A1 A7 A21 E8 hooks, upload and telemetry that hang come after the hang-up and the sealed report, always', async () => {
    const { story, reports } = await runEntry({ program: async (call) => call.end('done') });
    expect(story).toEqual(['hung up', 'sealed', 'told to shut down: done']);
    expectEndedWell({ reports }, endedByProgram);
  });

  test('A22 T18 a shutdown callback that never returns: the report is out, and the process ends by itself', async () => {
    const { reports, exitCode } = await runEntry({
      program: async (call) => {
        call.context.addShutdownCallback(never);
        call.end('done');
      },
    });
    expectEndedWell({ reports }, endedByProgram);
    expect(await exitCode()).toBe(0);
  });

  test('T49 a participant entrypoint that throws at once: the call is served, the next entrypoint runs, both are told', async () => {
    const seen: string[] = [];
    const { reports } = await runEntry({
      participants: [fails, (call) => void seen.push(call.id)],
      program: async (call) => call.end('done'),
    });
    const report = expectEndedWell({ reports }, endedByProgram);
    expect(seen).toEqual([report.session]);
    expect(report.errors.map(({ component, message }) => [component, message])).toEqual([
      ['participant entrypoint 1', 'planted'],
    ]);
  });

  test('an entrypoint for a kind runs for that kind alone: the caller is a person, so the one for telephones does not', async () => {
    const ran: string[] = [];
    await runEntry({
      participants: [() => {}, () => void ran.push('standard'), () => void ran.push('sip')],
      program: async (call) => call.end('done'),
    });
    expect(ran).toEqual(['standard']);
  });

  test('connect(call) runs before the room is joined, and says how', async () => {
    const seen: unknown[] = [];
    await runEntry({
      connect: ({ room }) => {
        seen.push(room.name === undefined ? 'before' : 'asked');
        return { autoSubscribe: AutoSubscribe.SUBSCRIBE_NONE };
      },
      unusual: (room) => {
        room.connect = async (...given: unknown[]) => void seen.push(given[2]);
      },
      program: async (call) => call.end('done'),
    });
    expect(seen).toEqual(['asked', expect.objectContaining({ autoSubscribe: false })]);
  });

  test('limits and hang-up of the call are in the first record of its journal, so whoever takes it over goes by them', async () => {
    const { entries, reports } = await runEntry({
      longestMs: async (call) => (call.job.id.startsWith('job-') ? 600_000 : 1),
      hangUp: ({ metadata }) => ({ normal: metadata === '' ? 'leave' : 'delete-room' }),
      program: async (call) => call.end('done'),
    });
    expect(entries[0]).toMatchObject({
      kind: 'session.opened',
      data: { policy: { maxDurationMs: 600_000, closeMs: 500 }, hangUp: { normal: 'leave', failure: 'delete-room' } },
    });
    expect(reports[0]?.hangUp).toMatchObject({ strategy: 'leave' });
    expect(reports[0]?.errors).toEqual([]);
  });

  test('a limit that cannot be had: the call goes on by the definition’s numbers, and what it said before its journal was there is in the report', async () => {
    const { entries, reports } = await runEntry({
      longestMs: (call) => {
        call.attach('asked', 'early');
        return fails();
      },
      program: async (call) => call.end('done'),
    });
    expect(entries[0]).toMatchObject({ kind: 'session.opened', data: { policy: { maxDurationMs: 1_800_000 } } });
    expect(reports[0]?.application.attachments).toEqual({ asked: 'early' });
    expect(reports[0]?.errors).toMatchObject([
      { component: 'policy.maxDurationMs', message: 'planted', recoverable: true },
    ]);
    expectEndedWell({ reports }, endedByProgram);
  });

  test.each([
    ['throws', fails, 'planted'],
    ['returns what is none', () => ({ autoSubscribe: 'all' }), 'connect(call).autoSubscribe: expected a value of'],
    ['hangs', never, 'it had not settled when its time was over'],
  ])('connect(call) %s: a failed start, with what was wrong, and the room is let go', async (_, connect, message) => {
    const { reports, story } = await runEntry({ connect });
    const [report] = reports;
    expect(report?.end).toMatchObject({ by: 'system', reason: 'startup_failed', fault: 'application' });
    expect(report?.errors[0]).toMatchObject({ component: 'connect', recoverable: false });
    expect(report?.errors[0]?.message).toContain(message);
    expect(story[0]).toBe('hung up');
  });

  test('A9 a program that goes on for ever after it has ended the call: the job is over all the same', async () => {
    const { story, reports } = await runEntry({
      program: async (call) => {
        call.end('done');
        await never();
      },
    });
    expect(story.at(-1)).toBe('told to shut down: done');
    expectEndedWell({ reports }, endedByProgram);
  });
});

test('A9 a factory that never returns: the caller hears the apology, and what it returns later is used by nobody', async () => {
  const { opened, open } = gate<voice.AgentSessionOptions>();
  let isAgentAsked = false;
  await using placed = await place({
    session: () => opened,
    agent: () => {
      isAgentAsked = true;
      return agent();
    },
    policy: { connectMs: 300 },
  });
  await placed.endedWell({ ...startFailed, apology: 'bundled' });
  expect(placed.call.signal.aborted).toBe(true);
  open({});
  await later(50);
  expect(isAgentAsked).toBe(false);
});

test('A16 five reasons to end in one tick: one end, one hang-up, one close, one report, the others beside it', async () => {
  await using placed = await place({ agent, script: answer });
  await answered(placed);
  placed.call.end('done');
  placed.run.send({ type: 'session.failed', end: endOf('system', 'model_failed', 'provider') });
  placed.run.send({ type: 'shutdown.requested', end: endOf('operator', 'worker_shutdown'), graceMs: 20_000 });
  placed.call.end('done again');
  placed.leaves();
  const { alsoTriggered } = await placed.endedWell({ goodbye: 'skipped' });
  expect(alsoTriggered.map(({ reason }) => reason)).toEqual([
    'model_failed',
    'worker_shutdown',
    'done again',
    'caller_hung_up',
  ]);
  for (const effect of ['hangUp', 'close', 'sendReport']) expect(effectsNamed(placed, effect)).toHaveLength(1);
  expect(placed.of('session.closed')).toHaveLength(1);
});

test('A18 the caller’s last words are final only after the end: they are in the transcript', async () => {
  await using placed = await place({ agent, script: answer });
  await resting(placed);
  placed.says('Hello?');
  await placed.hears('It is nine');
  placed.starts('The mailbox');
  placed.leaves();
  await later(300); // what the fault is made of
  placed.says('The mailbox is full.');
  const { transcript } = await placed.endedWell({ reason: 'caller_hung_up', by: 'caller', goodbye: 'skipped' });
  expect(transcript.at(-1)).toMatchObject({ role: 'user', text: 'The mailbox is full.' });
});

test('A19 the agent is cut in the middle of a sentence: the transcript has what was played of it, and the goodbye', async () => {
  await using placed = await place({ agent, script: () => ({ say: LONG }) });
  placed.says('Talk.');
  await placed.hears('This goes on');
  await later(100);
  placed.call.end('done', { drain: false });
  const { transcript } = await placed.endedWell({});
  const [cut, goodbye] = transcript.filter(({ role }) => role === 'assistant');
  expect(cut?.interrupted).toBe(true);
  expect(cut?.text.length).toBeLessThan(LONG.length / 2);
  expect(LONG.startsWith(cut?.text ?? 'nothing')).toBe(true);
  expect(goodbye).toMatchObject({ text: 'Goodbye now.', interrupted: false });
});

test('A20 the recorder never closes: the report does not need it', async () => {
  await using placed = await place({ agent, script: answer, policy: { closeMs: 300 } });
  await answered(placed);
  Object.assign(placed.call.session as voice.AgentSession, { _recorderIO: { close: never } });
  placed.call.end('done');
  const { transcript } = await placed.endedWell({});
  expect(transcript.map(({ text }) => text)).toEqual(['', 'What time is it?', 'It is nine.', 'Goodbye now.']);
});
