/** A job that does not beat: frozen, or without a core? Its process is real, the clock and the system's word are not. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { defaultPolicy } from '../../machines/index.ts';
import { isAlive, ownerOf, thisProcess, waitedForCoreMs } from '../../src/journal/owner.ts';
import { firstJob, jobIdOf, sessionIdOf } from '../../src/journal/ids.ts';
import { openEvidence } from '../../src/keeper/evidence.ts';
import { superviseSession, type Supervised } from '../../src/keeper/supervise.ts';
import type { Peer } from '../../src/link/server.ts';

const PULSE_MS = 250;
const policy = { ...defaultPolicy, unresponsiveMs: 3000, beatMs: 500 };
const hangUp = { normal: 'delete-room', failure: 'delete-room', transfer: 'leave' } as const;
const peer = { id: 1, send: () => {}, close: () => {} } satisfies Peer;
let directory: string;
let victim: ChildProcess;
/** What the system says: how long the process has waited for a core in all. */
let waitedMs: number | undefined;
/** How long its journal is. */
let size: number;
let asking = 0;
const counted =
  <Given extends unknown[], Answer>(ask: (...given: Given) => Promise<Answer>) =>
  async (...given: Given): Promise<Answer> => {
    asking += 1;
    try {
      return await ask(...given);
    } finally {
      asking -= 1;
    }
  };
const system = {
  isAlive: counted(isAlive),
  waited: counted(async () => waitedMs),
  size: counted(async () => size),
};
/** The clock stands still until the system has said all that it was asked. */
async function answered(): Promise<void> {
  for (let quiet = 0; quiet < 5; quiet = asking === 0 ? quiet + 1 : 0) await new Promise((next) => setImmediate(next));
}

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] });
  directory = await mkdtemp(join(tmpdir(), 'lastword-silence-'));
  victim = spawn('sleep', ['60']);
  await once(victim, 'spawn');
  waitedMs = 1000;
  size = 100;
});
afterEach(async () => {
  vi.useRealTimers();
  victim.kill('SIGKILL');
  await rm(directory, { recursive: true, force: true });
});

async function supervised(): Promise<Supervised> {
  const one = superviseSession(sessionIdOf('AJ_1'), {
    directory,
    store: { putSession: async () => {}, dropSession: async () => {} },
    rooms: async () => null,
    isWorkerHere: () => true,
    apologize: () => undefined,
    evidence: () => openEvidence(system),
    seal: () => new Promise(() => {}),
    log: pino({ level: 'silent' }),
  });
  const facts = {
    ...firstJob(jobIdOf('AJ_1')),
    agentName: 'desk',
    room: { name: 'support', sid: 'RM_1' },
    metadata: '',
  };
  await one.accept({ ...facts, worker: 'pid 1', hangUp, policy });
  const owner = await ownerOf(victim.pid ?? 0);
  one.hello(peer, { type: 'hello.job', ...firstJob(jobIdOf('AJ_1')), owner, identity: 'agent' });
  return one;
}
/** The keeper's pulse for so long, without a beat; of every second the process waits so much for a core. */
async function silentFor(one: Supervised, ms: number, shareWaited: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += PULSE_MS) {
    if (waitedMs !== undefined) waitedMs += PULSE_MS * shareWaited;
    await vi.advanceTimersByTimeAsync(PULSE_MS);
    one.tick(0);
    await answered();
  }
}
const isKilled = async () =>
  victim.signalCode !== null || Promise.race([once(victim, 'exit').then(() => true), pause(300, false)]);

test('A12 a job that is silent, and had a core all the time, is killed after unresponsiveMs', async () => {
  const one = await supervised();
  await silentFor(one, 2750, 0);
  expect(await isKilled()).toBe(false);
  await silentFor(one, 750, 0);
  expect(await isKilled()).toBe(true);
});

test('A12 a job that gets no core is not frozen: what it waited is not counted, and a beat makes it well', async () => {
  const one = await supervised();
  await silentFor(one, 4500, 1);
  expect(await isKilled()).toBe(false);
  one.send({ type: 'job.beat' });
  await silentFor(one, 2750, 0);
  expect(await isKilled()).toBe(false);
  await silentFor(one, 750, 0);
  expect(await isKilled()).toBe(true);
});

test('A12 a job that never gets a core again is killed after twice unresponsiveMs: its caller waits no longer', async () => {
  const one = await supervised();
  await silentFor(one, 5750, 1);
  expect(await isKilled()).toBe(false);
  await silentFor(one, 1750, 1);
  expect(await isKilled()).toBe(true);
});

test('A12 where the system does not say what a process waits for, silence is silence', async () => {
  waitedMs = undefined;
  const one = await supervised();
  await silentFor(one, 3500, 1);
  expect(await isKilled()).toBe(true);
});

test('a job whose journal grows is not frozen: it works, and only its connection is broken', async () => {
  const one = await supervised();
  for (const grown of [200, 300, 400]) {
    await silentFor(one, 2500, 0);
    size = grown;
    await silentFor(one, 1000, 0);
  }
  expect(await isKilled()).toBe(false);
});

test('what the keeper itself could not hear is nobody’s silence', async () => {
  const one = await supervised();
  await silentFor(one, 2750, 0);
  one.tick(2000);
  await silentFor(one, 2000, 0);
  expect(await isKilled()).toBe(false);
  await silentFor(one, 750, 0);
  expect(await isKilled()).toBe(true);
});

test('what a process waited for before its silence does not excuse it', async () => {
  const evidence = openEvidence(system);
  const suspect = { owner: await thisProcess(), journal: '' };
  evidence.missed(suspect);
  await answered();
  waitedMs = 1400;
  evidence.missed(suspect);
  expect(await evidence.verdict(suspect)).toEqual({ process: 'alive', isWriting: false, excusedMs: 400 });
  evidence.heard();
  expect(await evidence.verdict(suspect)).toMatchObject({ excusedMs: 0 });
});

test('the system tells what a process waits for: of more than there are cores one waits, one that sleeps does not', async () => {
  const busy = Array.from({ length: availableParallelism() + 1 }, () => spawn(process.execPath, ['-e', 'for (;;);']));
  const waited = async ({ pid = 0 }: ChildProcess) => (await waitedForCoreMs({ pid })) ?? -1;
  try {
    const deadline = Date.now() + 10_000;
    while (Math.max(...(await Promise.all(busy.map(waited)))) < 100)
      if (Date.now() > deadline) throw new Error('none of them ever waited');
    expect(await waited(victim)).toBeGreaterThanOrEqual(0);
    expect(await waited(victim)).toBeLessThan(100);
    expect(await waitedForCoreMs({ pid: 4_194_303 })).toBeUndefined();
  } finally {
    for (const each of busy) each.kill('SIGKILL');
  }
});
