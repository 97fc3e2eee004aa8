import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { beforeAll, expect, test } from 'vitest';
import { compile, compiled } from '../e2e/harness/index.ts';

beforeAll(compile, 130_000);

test('O-F5 a log that nobody reads holds nobody up: 6 MB into a pipe of 64 KiB, and the loop goes on', async () => {
  const child = spawn(process.execPath, [compiled('test/crash/log-main.ts')], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const [{ longestMs }] = (await once(child, 'message')) as [{ longestMs: number }];
  expect(longestMs).toBeLessThan(500);
});
