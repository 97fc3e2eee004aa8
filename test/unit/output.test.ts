import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync, readSync, writeFileSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { printReport } from '../../src/delivery/send-local.ts';
import { openOutput, type Lost } from '../../src/output/standard-output.ts';
import { until } from '../e2e/harness/until.ts';

const { O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lastword-output-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A pipe that nobody reads until `read`; a write that waited would hold this test for ever. */
function pipe() {
  const path = join(folder, 'pipe');
  execFileSync('mkfifo', [path]);
  const reader = openSync(path, O_RDONLY | O_NONBLOCK);
  const writer = openSync(path, O_WRONLY);
  const chunk = Buffer.alloc(1 << 20);
  let text = '';
  return {
    writer,
    /** What has come so far, from the beginning. */
    read: () => {
      try {
        text += chunk.toString('utf8', 0, readSync(reader, chunk));
      } catch {
        // Nothing new.
      }
      return text;
    },
    leave: () => closeSync(reader),
  };
}

describe('an output', () => {
  test('that nobody reads takes 8 MiB, drops what comes then, and says how much when somebody reads again', async () => {
    const { writer, read } = pipe();
    const output = openOutput(writer);
    const told: Lost[] = [];
    output.onLost((lost) => told.push(lost));
    const line = `${'x'.repeat(99_999)}\n`;
    for (let count = 0; count < 100; count += 1) output.write(line);
    const lines = () => read().split('\n').length - 1;
    await until('the loss to be told', () => lines() >= 0 && told.length > 0, 20_000);
    const taken = lines();
    expect(told).toEqual([{ lines: 100 - taken, why: 'nobody read it' }]);
    expect(taken).toBeGreaterThan(80);
    expect(new Set(read().split('\n').slice(0, -1)).size, 'whole lines').toBe(1);
    closeSync(writer);
  });

  test('gives up a report when its attempt ends, and does not print it later', async () => {
    const { writer, read } = pipe();
    const output = openOutput(writer);
    output.write('x'.repeat(200_000));
    await expect(printReport(output, '{"a":1}', AbortSignal.timeout(50))).rejects.toThrow('timeout');
    output.write('end\n');
    await until('the end', () => read().endsWith('end\n'), 10_000);
    expect(read()).toBe(`${'x'.repeat(200_000)}end\n`);
    closeSync(writer);
  });

  test('whose reader is gone, or whose disk is full, fails a report at once, and throws for no line', async () => {
    const { writer, leave } = pipe();
    const gone = openOutput(writer);
    leave();
    await expect(printReport(gone, '{}')).rejects.toThrow('EPIPE');
    gone.write('a line\n');
    const full = openOutput(openSync('/dev/full', 'w'));
    await expect(printReport(full, '{}')).rejects.toThrow('ENOSPC');
    full.write('a line\n');
    expect(await full.flushed(50)).toBe(false);
  });

  test('to a file keeps the order, and says when all is written', async () => {
    const path = join(folder, 'file');
    writeFileSync(path, '');
    const file = openSync(path, 'a');
    const output = openOutput(file);
    for (let count = 0; count < 2_000; count += 1) output.write(`${count}\n`);
    await printReport(output, '{\n"a": 1}');
    expect(await output.flushed(5_000)).toBe(true);
    expect(readFileSync(path, 'utf8')).toBe(`${Array.from({ length: 2_000 }, (_, at) => `${at}\n`).join('')}{"a":1}\n`);
    expect(output.isShared).toBe(false);
    writeSync(file, '');
    closeSync(file);
  });
});
