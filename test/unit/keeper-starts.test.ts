/** F6: a job that has no journal yet waits, or begins, or its process is gone. And what a stop means for the calls. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { definePolicy } from '../../machines/index.ts';
import { thisProcess } from '../../src/journal/owner.ts';
import { readSession } from '../../src/journal/read.ts';
import { type SessionId, firstJob, jobIdOf, sessionIdOf } from '../../src/journal/ids.ts';
import { type Sessions, trackSessions } from '../../src/keeper/sessions.ts';
import type { FromKeeper, WorkerHello } from '../../src/link/messages.ts';
import type { Peer } from '../../src/link/server.ts';
import { until } from '../e2e/harness/until.ts';
import { emptyStore } from './empty-store.ts';

const hangUp = { normal: 'delete-room', failure: 'delete-room', transfer: 'leave' } as const;
const policy = definePolicy({ startMs: 600, warmStartMs: 200 });
const worker = { type: 'hello.worker', pid: 1, agentName: 'desk', policy, hangUp } as WorkerHello;
let directory: string;
let sessions: Sessions;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lastword-starts-'));
  sessions = trackSessions({
    directory,
    store: emptyStore,
    rooms: async () => null,
    isWorkerHere: () => true,
    apologize: () => undefined,
    seal: () => new Promise(() => {}),
    log: pino({ level: 'silent' }),
  });
});
afterEach(async () => {
  sessions.stop();
  await rm(directory, { recursive: true, force: true });
});

const told: FromKeeper[] = [];
const peer = { send: (message: FromKeeper) => void told.push(message) } as unknown as Peer;
async function accept(job: SessionId): Promise<void> {
  told.length = 0;
  const facts = { ...firstJob(job), agentName: 'desk', room: { name: job, sid: 'RM_1' }, metadata: '' };
  void sessions.offered(peer, { type: 'job.offered', request: 1, facts }, worker);
  await until('the answer', () => told[0], 2_000);
}
/** Why the keeper took it in hand, and after how long. */
async function noticed(job: SessionId): Promise<{ detail: string | undefined; ms: number }> {
  const since = Date.now();
  const look = async () => (await readSession(directory, job)).keeper.find(({ kind }) => kind === 'keeper.noticed');
  const entry = await until('the keeper to take it in hand', look, 3_000);
  if (entry.kind !== 'keeper.noticed') throw new Error(entry.kind);
  return { detail: entry.data.detail, ms: entry.at - since };
}

test('O-A6 a job that waits for a process has `startMs`, and what it waited for is said', async () => {
  await accept(sessionIdOf('AJ_1'));
  const { detail, ms } = await noticed(sessionIdOf('AJ_1'));
  expect(detail).toBe('no process was ready within 600 ms');
  expect(ms).toBeGreaterThan(500);
});

test('a job that a warm process has opens its journal within `warmStartMs`', async () => {
  await accept(sessionIdOf('AJ_1'));
  sessions.launched(jobIdOf('AJ_1'));
  const { detail, ms } = await noticed(sessionIdOf('AJ_1'));
  expect(detail).toBe('a warm process opened no journal within 200 ms');
  expect(ms).toBeLessThan(450);
});

test('nobody waits for a process that is gone', async () => {
  await accept(sessionIdOf('AJ_1'));
  sessions.unstarted(jobIdOf('AJ_1'), 'no job process can be started: planted');
  const { detail, ms } = await noticed(sessionIdOf('AJ_1'));
  expect(detail).toBe('no job process can be started: planted');
  expect(ms).toBeLessThan(150);
});

test('what cannot be taken is declined with an answer, at once', async () => {
  await accept(sessionIdOf('AJ_1'));
  await accept(sessionIdOf('AJ_1'));
  expect(told).toEqual([{ type: 'job.refused', request: 1, why: 'it is followed already' }]);
  sessions.shutDown(1_000);
  await accept(sessionIdOf('AJ_2'));
  expect(told).toEqual([{ type: 'job.refused', request: 1, why: 'this keeper is ending' }]);
});

test('O-F6 with `finish` the calls are told late, with what is left; a second signal tells them at once', async () => {
  const hello = async (job: SessionId) => {
    await accept(job);
    told.length = 0;
    const owner = await thisProcess();
    sessions.hello(peer, { type: 'hello.job', ...firstJob(job), owner, identity: job });
  };
  await hello(sessionIdOf('AJ_1'));
  sessions.shutDown(700, 300);
  await pause(250);
  expect(told).toEqual([]);
  const order = await until('the order', () => told[0], 2_000);
  expect(order).toMatchObject({ type: 'shutdown', reason: 'worker_shutdown' });
  expect(order.type === 'shutdown' && order.graceMs).toBeLessThanOrEqual(302); // a timer of Node may be a millisecond early

  sessions.shutDown(100);
  expect(told).toHaveLength(2);
});

test('what is said of a job is said of the session that it speaks in, and of one that was taken over nothing', async () => {
  const session = sessionIdOf('AJ_1');
  await accept(session);
  const successor = { session, epoch: 2, job: jobIdOf('AJ_2') };
  sessions.hello(peer, { type: 'hello.job', ...successor, owner: await thisProcess(), identity: 'agent-AJ_2' });
  sessions.withdrawn(firstJob(session).job, 'its room was gone');
  await pause(50);
  expect(sessions.openCount).toBe(1);
  sessions.withdrawn(successor.job, 'its room was gone');
  await until('it to be withdrawn', () => sessions.openCount === 0, 2_000);
});
