/** A worker is replaced by the next one: processes that only live, and say hello when the test says it for them. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { superviseWorker, type WorkerProcess } from '../../src/keeper/worker-process.ts';
import { until } from '../e2e/harness/until.ts';

/** Ends at SIGTERM; the second one of a directory ends at once where it is to be broken. */
const idle = `process.on('SIGTERM', () => process.exit(143)); setInterval(() => {}, 60_000);`;
const broken = `process.env.LASTWORD_REPLACES ? process.exit(1) : undefined; ${idle}`;

let directory: string;
let died: number[];
let environment: NodeJS.ProcessEnv;
const supervised: WorkerProcess[] = [];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lastword-replaces-'));
  [died, environment] = [[], { ...process.env }];
});
afterEach(async () => {
  for (const worker of supervised.splice(0)) {
    worker.drain(); // or it would start the next one
    worker.kill();
    await worker.ended;
  }
  await rm(directory, { recursive: true, force: true, maxRetries: 10 }); // what is written down last may be on its way
});

function supervise(script: string): WorkerProcess {
  const worker = superviseWorker({
    command: { file: process.execPath, args: ['-e', script] },
    agentFile: 'agent.js',
    environment,
    directory,
    log: pino({ level: 'silent' }),
    onDied: (pid) => died.push(pid),
  });
  supervised.push(worker);
  return worker;
}
const recorded = async () =>
  JSON.parse(await readFile(join(directory, 'worker.json'), 'utf8').catch(() => '{}')) as {
    pid?: number;
    replaced?: { pid: number }[];
  };
const names = async () => {
  const { pid, replaced = [] } = await recorded();
  return { serving: pid, replaced: replaced.map((one) => one.pid) };
};

async function serving(script = idle): Promise<{ worker: WorkerProcess; pid: number }> {
  const worker = supervise(script);
  await worker.start();
  const { pid = 0 } = worker;
  worker.hello(pid);
  return { worker, pid };
}
/** It lives, and serves nobody yet. */
async function nextOf(worker: WorkerProcess): Promise<{ asked: Promise<string | undefined>; pid: number }> {
  const asked = worker.replace();
  const isNext = (pid: number) => worker.standingOf(pid) === 'next';
  const { pid = 0 } = worker;
  const next = await until('the next one', () => Array.from({ length: 400 }, (_, by) => pid + by).find(isNext), 2_000);
  return { asked, pid: next };
}

test('the next worker has the place when it takes calls; the one before lives on, and both are written down until it goes', async () => {
  const { worker, pid: before } = await serving();
  const { asked, pid: next } = await nextOf(worker);
  worker.hello(next);
  expect([worker.pid, worker.standingOf(before)]).toEqual([before, 'serving']);
  expect(worker.ready(next)).toBe(before);
  expect(await asked).toBeUndefined();
  expect([worker.pid, worker.standingOf(before), worker.ready(next)]).toEqual([next, 'replaced', undefined]);
  await expect.poll(names).toEqual({ serving: next, replaced: [before] });
  process.kill(before, 'SIGTERM');
  await expect.poll(names).toEqual({ serving: next, replaced: [] });
  expect(died).toEqual([]);
  worker.drain();
  expect(await worker.ended).toEqual({ code: 143 });
});

test('a worker whose code cannot be loaded replaces nobody, and it is said why', async () => {
  const { worker, pid } = await serving(broken);
  expect(await worker.replace()).toMatch(/agent.js ended with code 1 before it was a worker/);
  expect([worker.pid, worker.standingOf(pid), died]).toEqual([pid, 'serving', []]);
  await expect.poll(names).toEqual({ serving: pid, replaced: [] });
});

test('one at a time; none while the first is only starting, nor when the keeper ends', async () => {
  const first = supervise(idle);
  await first.start();
  expect(await first.replace()).toMatch(/got one that is only starting/);
  first.hello(first.pid ?? 0);
  const { asked } = await nextOf(first);
  expect(await first.replace()).toMatch(/being replaced already/);
  first.drain();
  expect(await asked).toBe('the keeper is ending');
  expect(await first.replace()).toMatch(/got one that is ending/);
});

test('a worker that dies while it is replaced leaves its place to the next one, at once', async () => {
  const { worker, pid: before } = await serving();
  const { asked, pid: next } = await nextOf(worker);
  process.kill(before, 'SIGKILL');
  expect(await asked).toBeUndefined();
  expect([worker.pid, died]).toEqual([next, [before]]);
});

test('H1 a worker that was told to stop by somebody else is followed at once', async () => {
  const { worker, pid: before } = await serving();
  expect(worker.leftBy(before + 100_000)).toBe(false);
  expect(worker.leftBy(before)).toBe(true);
  const { pid: next = 0 } = worker;
  expect([next === before, worker.standingOf(before)]).toEqual([false, 'replaced']);
  process.kill(before, 'SIGTERM');
  await expect.poll(names).toEqual({ serving: next, replaced: [] });
  expect(died).toEqual([]);
});

test('the next keeper knows a worker that was replaced, and ends nobody', async () => {
  const { worker, pid: before } = await serving();
  const { pid: next } = await nextOf(worker);
  worker.hello(next);
  worker.ready(next);
  await expect.poll(names).toEqual({ serving: next, replaced: [before] });
  const later = supervise(idle);
  later.hello(next);
  await later.start();
  expect([later.pid, later.standingOf(before), later.standingOf(next)]).toEqual([next, 'replaced', 'serving']);
});
