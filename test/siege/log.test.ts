/**
 * Whoever reads the log is gone or asleep, its disk is full, its terminal closed: the calls do not notice.
 *
 * `/dev/full` is a full disk that needs no root; a terminal comes from Python's `pty`, where there is a Python.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { readSession } from '../../src/journal/read.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';
import { until } from '../e2e/harness/index.ts';
import { Siege } from './harness/siege.ts';

const { O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } = constants;
const terminal = fileURLToPath(new URL('./harness/terminal.py', import.meta.url));
const python = (() => {
  try {
    return execFileSync('python3', ['-c', 'import pty, sys; print(sys.executable)'], { encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
})();

const lay = () => Siege.lay({ policy: { shutdownBudgetMs: 6_000 } });

function isWritten(fd: number, text: string): boolean {
  try {
    return writeSync(fd, text) > 0;
  } catch {
    return false; // EAGAIN: it is full
  }
}

/** A named pipe: the reader's end, and the keeper's; full at once, if it is to be. */
function pipeIn(siege: Siege, isFull = false): { path: string; reader: number; writer: number } {
  const path = join(siege.scenario.scratch, 'log.pipe');
  execFileSync('mkfifo', [path]);
  const reader = openSync(path, O_RDONLY | O_NONBLOCK);
  if (isFull) {
    const filler = openSync(path, O_WRONLY | O_NONBLOCK);
    for (const text of ['nobody reads this\n'.repeat(200), '\n'])
      for (let isTaken = true; isTaken;) isTaken = isWritten(filler, text);
    closeSync(filler);
  }
  return { path, reader, writer: openSync(path, O_WRONLY) };
}

/** A job is killed, and its caller let go at once; the other call talks on, and ends as one does. */
async function servesCalls(siege: Siege, end: () => void, ended: Promise<unknown>): Promise<{ endMs: number }> {
  await siege.job('AJ_killed').kill();
  expect(await siege.released('AJ_killed')).toBeLessThan(2_000);
  await until('its report', async () => (await siege.delivered()).includes('AJ_killed.json'), 10_000);
  expect(await siege.job('AJ_talks').isThere()).toBe(true);
  const endAt = performance.now();
  end();
  expect(await ended).toBe(143);
  const endMs = performance.now() - endAt;
  const { epochs } = await readSession(siege.directory, sessionIdOf('AJ_talks'));
  expect(epochs[0]?.entries.at(-1)?.kind).toBe('session.closed');
  expect(await siege.delivered()).toEqual(['AJ_killed.json', 'AJ_talks.json']);
  return { endMs };
}
async function twoCalls(siege: Siege): Promise<void> {
  await siege.call('AJ_talks');
  await siege.call('AJ_killed');
}

describe.each(['start', 'dev'] as const)('lastword %s', (mode) => {
  test('the disk of its log is full: every call is served, and the exit code is the worker’s', async () => {
    await using siege = await lay();
    const full = openSync('/dev/full', O_RDWR);
    const keeper = await siege.keeper({ mode, stdout: full });
    closeSync(full);
    await twoCalls(siege);
    await servesCalls(siege, () => process.kill(keeper.pid, 'SIGTERM'), keeper.ended);
  });

  test('whoever reads its log is gone: every call is served, and the exit code is not 0', async () => {
    await using siege = await lay();
    const { reader, writer } = pipeIn(siege);
    const keeper = await siege.keeper({ mode, stdout: writer });
    closeSync(writer);
    await twoCalls(siege);
    closeSync(reader);
    await servesCalls(siege, () => process.kill(keeper.pid, 'SIGTERM'), keeper.ended);
  });

  test('whoever reads its log sleeps: every call is served, and the end does not wait for the reader', async () => {
    await using siege = await lay();
    const { reader, writer } = pipeIn(siege, true);
    const keeper = await siege.keeper({ mode, stdout: writer });
    closeSync(writer);
    await twoCalls(siege);
    const { endMs } = await servesCalls(siege, () => process.kill(keeper.pid, 'SIGTERM'), keeper.ended);
    expect(endMs).toBeLessThan(6_000);
    closeSync(reader);
  });

  test.skipIf(python === undefined)(
    'its terminal stands still, and is closed: every call is served, and told to end with its goodbye',
    async () => {
      await using siege = await lay();
      const full = openSync(join(siege.scenario.scratch, 'code'), 'w+');
      const { process: child } = await siege.keeper({
        mode,
        stdin: 'pipe',
        stdout: full,
        wrapped: [python ?? '', terminal],
      });
      await twoCalls(siege);
      const code = once(child, 'exit').then(() => {
        const text = Buffer.alloc(20);
        return Number(text.toString('utf8', 0, readSync(full, text, 0, 20, 0)));
      });
      await servesCalls(siege, () => void child.stdin?.write('close\n'), code);
      closeSync(full);
    },
  );
});

test('what waited for a reader is read when one comes, in whole lines', async () => {
  await using siege = await lay();
  const { path, reader, writer } = pipeIn(siege);
  const keeper = await siege.keeper({ stdout: writer });
  closeSync(writer);
  await siege.call('AJ_killed');
  closeSync(reader);
  await siege.job('AJ_killed').kill();
  await until('its report', async () => (await siege.delivered()).includes('AJ_killed.json'), 10_000);
  const again = spawn('cat', [path], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  again.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await until('what waited', () => text.includes('report sealed') && text.includes('report delivered'), 10_000);
  await pause(50);
  process.kill(keeper.pid, 'SIGTERM');
  await keeper.ended;
  const lines = text.split('\n').filter((line) => line !== '');
  expect(lines.map((line) => typeof JSON.parse(line))).toEqual(lines.map(() => 'object'));
  again.kill();
});
