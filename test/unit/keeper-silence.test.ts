/** A job that does not beat: frozen, or without a core? Its process is real, the clock and the system's word are not. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { defaultPolicy } from '../../machines/index.ts';
import { ownerOf, thisProcess, waitedForCoreMs } from '../../src/journal/owner.ts';
import { followSession, type Followed } from '../../src/keeper/followed.ts';
import { openSilence } from '../../src/keeper/silence.ts';
import type { Peer } from '../../src/link/server.ts';

const PULSE_MS = 250;
const policy = { ...defaultPolicy, unresponsiveMs: 3000, beatMs: 500 };
const hangUp = { normal: 'delete-room', failure: 'delete-room', transfer: 'leave' } as const;
const peer = { id: 1, send: () => {}, close: () => {} } satisfies Peer;
let directory: string;
let victim: ChildProcess;
/** What the system says: how long the process has waited for a core in all. */
let waitedMs: number | undefined;
let asked: () => void;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  directory = await mkdtemp(join(tmpdir(), 'lastword-silence-'));
  victim = spawn('sleep', ['60']);
  await once(victim, 'spawn');
  waitedMs = 1000;
});
afterEach(async () => {
  vi.useRealTimers();
  victim.kill('SIGKILL');
  await rm(directory, { recursive: true, force: true });
});

async function followed(): Promise<Followed> {
  const one = followSession('AJ_1', {
    directory,
    store: { putSession: async () => {} },
    rooms: async () => null,
    apologize: () => undefined,
    seal: () => new Promise(() => {}),
    waited: async () => {
      queueMicrotask(() => asked());
      return waitedMs;
    },
    log: pino({ level: 'silent' }),
  });
  const facts = { job: 'AJ_1', agentName: 'desk', room: { name: 'support', sid: 'RM_1' }, metadata: '' };
  await one.accept({ ...facts, worker: 'pid 1', hangUp, policy });
  const owner = await ownerOf(victim.pid ?? 0);
  one.hello(peer, { type: 'hello.job', session: 'AJ_1', epoch: 1, owner, identity: 'agent' });
  return one;
}
/** The keeper's pulse for so long, without a beat; of every second the process waits so much for a core. */
async function silentFor(one: Followed, ms: number, shareWaited: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += PULSE_MS) {
    const heard = new Promise<void>((resolve) => (asked = resolve));
    vi.advanceTimersByTime(PULSE_MS);
    if (waitedMs !== undefined) waitedMs += PULSE_MS * shareWaited;
    one.tick(0);
    await Promise.race([heard, new Promise((resolve) => setTimeout(resolve, 20))]);
  }
}
const isKilled = async () =>
  victim.signalCode !== null ||
  Promise.race([once(victim, 'exit').then(() => true), new Promise((resolve) => setTimeout(resolve, 300, false))]);

test('A12 a job that is silent, and had a core all the time, is killed after unresponsiveMs', async () => {
  const one = await followed();
  await silentFor(one, 3000, 0);
  expect(await isKilled()).toBe(false);
  await silentFor(one, 500, 0);
  expect(await isKilled()).toBe(true);
});

test('A12 a job that gets no core is not frozen: what it waited is not counted, and a beat makes it well', async () => {
  const one = await followed();
  await silentFor(one, 4500, 1);
  expect(await isKilled()).toBe(false);
  one.beat();
  await silentFor(one, 3000, 0);
  expect(await isKilled()).toBe(false);
  await silentFor(one, 500, 0);
  expect(await isKilled()).toBe(true);
});

test('A12 a job that never gets a core again is killed after twice unresponsiveMs: its caller waits no longer', async () => {
  const one = await followed();
  await silentFor(one, 6000, 1);
  expect(await isKilled()).toBe(false);
  await silentFor(one, 1500, 1);
  expect(await isKilled()).toBe(true);
});

test('A12 where the system does not say what a process waits for, silence is silence', async () => {
  waitedMs = undefined;
  const one = await followed();
  await silentFor(one, 3500, 1);
  expect(await isKilled()).toBe(true);
});

test('what a process waited for before its silence does not excuse it', async () => {
  const silence = openSilence(async () => waitedMs);
  const owner = await thisProcess();
  await silence.missed(owner);
  waitedMs = 1400;
  await silence.missed(owner);
  expect(await silence.starvedMs(owner)).toBe(400);
  silence.heard();
  expect(await silence.starvedMs(owner)).toBe(0);
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
