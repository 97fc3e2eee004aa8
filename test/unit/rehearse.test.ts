import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { rehearse } from '../../src/job/rehearse.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lastword-test-'));
  vi.stubEnv('TMPDIR', directory);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(directory, { recursive: true });
});

test('a rehearsal plays whole sessions and leaves nothing behind', async () => {
  let rounds = 0;
  await rehearse(() => (rounds += 1) > 0);
  expect(rounds).toBe(6);
  expect(await readdir(directory)).toEqual([]);
});

test('a rehearsal stops when the call is there', async () => {
  let rounds = 0;
  await rehearse(() => (rounds += 1) < 3);
  expect(rounds).toBe(3);
  expect(await readdir(directory)).toEqual([]);
});

test('a rehearsal without a disk to write on is no trouble', async () => {
  vi.stubEnv('TMPDIR', join(directory, 'not-there'));
  await rehearse(() => true);
});
