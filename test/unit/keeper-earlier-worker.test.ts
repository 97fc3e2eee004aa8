/** P6: the worker of an earlier keeper that lives and does not connect. Real processes: groups and pids are the point. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isAlive, membersOf, ownerOf } from '../../src/journal/owner.ts';
import { superviseWorker, type WorkerProcess } from '../../src/keeper/worker-process.ts';
import { until } from '../e2e/harness/until.ts';

const idle = "process.on('SIGTERM', () => {}); setInterval(() => {}, 60_000);";
/** A worker that says nothing, with a job that ends for nobody. */
const leading = `const { spawn } = require('node:child_process');
const job = spawn(process.execPath, ['-e', ${JSON.stringify(idle)}], { stdio: 'ignore' });
process.send(job.pid); ${idle}`;

let directory: string;
const groups: number[] = [];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lastword-earlier-'));
});
afterEach(async () => {
  for (const pid of groups.splice(0))
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // It is gone.
    }
  await rm(directory, { recursive: true, force: true });
});

async function earlierWorker(): Promise<{ worker: number; job: number }> {
  const child = spawn(process.execPath, ['-e', leading], {
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  groups.push(child.pid ?? 0);
  const [job] = (await once(child, 'message')) as [number];
  child.disconnect();
  child.unref();
  await writeFile(join(directory, 'worker.json'), JSON.stringify(await ownerOf(child.pid ?? 0)));
  return { worker: child.pid ?? 0, job };
}
function supervise(orphansMs: number): { worker: WorkerProcess; died: () => number } {
  let deaths = 0;
  const worker = superviseWorker({
    command: { file: process.execPath, args: ['-e', idle] },
    agentFile: 'agent.js',
    environment: process.env,
    directory,
    log: pino({ level: 'silent' }),
    onDied: () => (deaths += 1),
    orphansMs,
  });
  return { worker, died: () => deaths };
}
const lives = async (pid: number, like: Awaited<ReturnType<typeof ownerOf>>) =>
  (await isAlive({ ...like, pid })) === 'alive';

test('is killed, its jobs are told, and what is left of them is ended in time, and nobody else', async () => {
  const { worker, job } = await earlierWorker();
  const { worker: stranger } = await earlierWorker();
  await writeFile(join(directory, 'worker.json'), JSON.stringify(await ownerOf(worker)));
  const [first, orphan, other] = await Promise.all([ownerOf(worker), ownerOf(job), ownerOf(stranger)]);
  expect(new Set((await membersOf(worker)).map(({ pid }) => pid))).toEqual(new Set([worker, job]));
  const { worker: supervised, died } = supervise(1_000);
  await supervised.start();
  groups.push(supervised.pid ?? 0);
  expect(supervised.pid).not.toBe(worker);
  await until('the worker killed', async () => !(await lives(worker, first)), 1_000);
  expect(died()).toBe(1);
  expect(await lives(job, orphan), 'its job has time for a goodbye').toBe(true);
  await until('the job ended', async () => !(await lives(job, orphan)), 5_000);
  expect(await lives(stranger, other)).toBe(true);
  supervised.kill();
});

test('leaves nothing of its group behind when the keeper ends before that', async () => {
  const { worker, job } = await earlierWorker();
  const [first, orphan] = await Promise.all([ownerOf(worker), ownerOf(job)]);
  const { worker: supervised } = supervise(60_000);
  await supervised.start();
  groups.push(supervised.pid ?? 0);
  expect(await lives(job, orphan)).toBe(true);
  supervised.drain();
  supervised.kill();
  await supervised.clear();
  await until('both ended', async () => !(await lives(worker, first)) && !(await lives(job, orphan)), 2_000);
});
