/** One session, two jobs: the second took it over, and the first woke up again and wrote on. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import pino from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { defaultPolicy, type End, endOf, ends } from '../../machines/index.ts';
import { runCommandLine } from '../../src/cli/command-line.ts';
import type { EntryData } from '../../src/journal/entry.ts';
import { firstJob, jobIdOf, type JobOfSession } from '../../src/journal/ids.ts';
import { thisProcess } from '../../src/journal/owner.ts';
import { readSession } from '../../src/journal/read.ts';
import { type Journal, openJournal } from '../../src/journal/write.ts';
import { whatIsKnown } from '../../src/keeper/reading.ts';
import { startSealer } from '../../src/keeper/seal.ts';
import type { WorkerHello } from '../../src/link/messages.ts';
import { fold } from '../../src/report/fold.ts';
import type { Report } from '../../src/report/schema.ts';
import { openStore } from '../../src/store/open.ts';
import { assertReport } from '../contract/check-report.ts';

const first = firstJob(jobIdOf('AJ_first'));
const second: JobOfSession = { session: first.session, epoch: 2, job: jobIdOf('AJ_second') };
const { session } = first;
const SILENT_MS = 120;
const hangUp = { normal: 'delete-room', failure: 'delete-room', transfer: 'leave' } as const;
const call = { agentName: 'ada', room: { name: 'lobby', sid: 'RM_1' }, metadata: '{"customer":4711}' };
const hungUp: End = { by: 'caller', reason: 'caller_hung_up', fault: 'none' };

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lastword-two-jobs-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function begin(job: JobOfSession, takenOver?: { epoch: number; lastSeq: number }): Promise<Journal> {
  const opened: EntryData['session.opened'] = {
    ...job,
    ...call,
    owner: await thisProcess(),
    identity: `agent-${job.job}`,
    policy: defaultPolicy,
    policyHash: 'policy',
    machineHash: 'machine',
    hangUp,
    versions: {},
    ...(takenOver && { takenOver }),
  };
  return openJournal({ directory, session, file: job.epoch, first: { kind: 'session.opened', data: opened } });
}
const says = (journal: Journal, id: string, text: string) =>
  journal.append('item', { id, role: 'assistant', text, interrupted: false, createdAt: Date.now() });
/** Cumulative, as the SDK tells it: tokens of one model for all, and a voice of each job's own. */
const used = (journal: Journal, tokens: number, voice = 'v') =>
  journal.append('usage', {
    models: [
      { type: 'llm_usage', provider: 'openai', model: 'm', inputTokens: tokens, outputTokens: tokens / 5 },
      { type: 'tts_usage', provider: 'cartesia', model: voice, audioDurationMs: tokens * 100 },
      { type: 'stt_usage', provider: 'deepgram', model: 's', audioDurationMs: tokens * 1_000 },
    ],
  });
const answered = (journal: Journal, ms: number) => journal.append('latency', { measure: 'turn', ms });
const closes = (journal: Journal, end: End) =>
  journal.append('session.closed', { end, alsoTriggered: [], stage: 'conversing' });

/** Up to where the second has the word, and the first has woken up. @returns the journal of the second */
async function takenOver(): Promise<Journal> {
  const keeper = await openJournal({
    directory,
    session,
    file: 'keeper',
    first: { kind: 'session.accepted', data: { ...first, ...call, worker: 'w', hangUp, policy: defaultPolicy } },
  });
  const stalled = await begin(first);
  says(stalled, 'one', 'before the crash');
  answered(stalled, 800);
  used(stalled, 5);
  const lastSeq = used(stalled, 10);
  await stalled.durable();
  keeper.append('keeper.noticed', { what: 'frozen', epoch: first.epoch });
  await keeper.close();
  const successor = await begin(second, { epoch: first.epoch, lastSeq });
  successor.append('audible', { who: 'caller', change: 'begins' });
  await pause(SILENT_MS);
  successor.append('audible', { who: 'agent', change: 'begins', line: 'filler' });
  says(successor, 'two', 'after the crash');
  answered(successor, 1_200);
  answered(successor, 600);
  used(successor, 5, 'w');
  await successor.durable();
  says(stalled, 'late', 'nobody heard this');
  used(stalled, 1_000);
  answered(stalled, 9_000);
  stalled.append('hangup', { strategy: 'delete-room', attempts: 1, verified: true, ms: 1 });
  closes(stalled, endOf('system', 'model_failed', 'provider'));
  await stalled.close();
  return successor;
}

async function over(): Promise<void> {
  const successor = await takenOver();
  closes(successor, hungUp);
  await successor.close();
}

test('each job writes a file of its own, and one report tells of both', async () => {
  await over();
  const report: Report = fold(await readSession(directory, session));
  assertReport(report);
  expect(report).toMatchObject({ session: 'AJ_first', job: 'AJ_first', id: 'rep_AJ_first' });
  expect(report.completeness.epochs).toMatchObject([
    { epoch: 1, job: 'AJ_first', lastSeq: 5, ignored: 5, opened: true, closed: false },
    { epoch: 2, job: 'AJ_second', lastSeq: 8, ignored: 0, opened: true, closed: true },
  ]);
  expect(report.transcript.map(({ text }) => text)).toEqual(['before the crash', 'after the crash']);
});

test('tokens, seconds and latencies are those of both jobs, each model once, and nothing that came too late', async () => {
  await over();
  const { usage, latency } = fold(await readSession(directory, session));
  expect(usage).toEqual([
    { type: 'llm_usage', provider: 'openai', model: 'm', inputTokens: 15, outputTokens: 3 },
    { type: 'tts_usage', provider: 'cartesia', model: 'v', audioDurationMs: 1_000 },
    { type: 'stt_usage', provider: 'deepgram', model: 's', audioDurationMs: 15_000 },
    { type: 'tts_usage', provider: 'cartesia', model: 'w', audioDurationMs: 500 },
  ]);
  expect(latency.turns).toMatchObject({ count: 3, minMs: 600, p50Ms: 800, maxMs: 1_200 });
});

test('the report says how long the caller heard nothing: from the notice of the death to the first sound of the next job', async () => {
  await over();
  const [gap, ...others] = fold(await readSession(directory, session)).completeness.gaps;
  expect(others).toEqual([]);
  expect(gap).toMatchObject({ fromEpoch: 1, toEpoch: 2, cause: 'frozen' });
  expect(gap?.ms).toBeGreaterThanOrEqual(SILENT_MS - 5);
  expect(gap?.ms).toBeLessThan(SILENT_MS + 5_000);
});

test('what a stalled predecessor wrote after it was taken over ends nothing: neither its end nor its hang-up count', async () => {
  await over();
  const report = fold(await readSession(directory, session));
  expect(report.end).toMatchObject(hungUp);
  expect(report.hangUp).toBeNull();
  expect(report.completeness.status).toBe('closed');
});

test('a session is over when the last of its epochs is', async () => {
  const successor = await takenOver();
  const running = whatIsKnown(await readSession(directory, session));
  expect(running).toMatchObject({ isClosed: false, isReleased: false, end: null });
  expect(running).toMatchObject({ facts: { ...second, ...call }, opened: { epoch: 2, identity: 'agent-AJ_second' } });
  closes(successor, ends.idle);
  await successor.close();
  expect(whatIsKnown(await readSession(directory, session))).toMatchObject({ isClosed: true, end: ends.idle });
});

test('the store and the command line say which process of which session it was', async () => {
  await over();
  const store = await openStore(`sqlite:${join(directory, 'lastword.db')}`);
  const worker = { livekit: null, reports: [], alerts: [] } as Partial<WorkerHello> as WorkerHello;
  const log = pino({ level: 'silent' });
  const nothing = () => undefined;
  const sealer = startSealer({ directory, store, worker: async () => worker, onSealed: nothing, onOwed: nothing, log });
  await sealer.seal(session, log);
  expect(await store.session(session)).toMatchObject({ ...second, state: 'sealed', reason: 'caller_hung_up' });
  await store.close();

  const printed = async (...given: string[]) => {
    let out = '';
    const print = (text: string) => void (out += text);
    await runCommandLine(given, { env: { LASTWORD_DIR: directory }, isTTY: false, out: print, err: print });
    return out;
  };
  expect(JSON.parse(await printed('sessions', '--json'))).toMatchObject([{ ...second }]);
  const shown = await printed('show', session);
  expect(shown).toMatch(/AJ_first, process \d+, epoch 1/);
  expect(shown).toMatch(/AJ_second, process \d+, epoch 2/);
  expect(shown).toMatch(
    /heard nothing for \d+\.\d s: the process froze, and was killed; heard again by job AJ_second, epoch 2/,
  );
});
