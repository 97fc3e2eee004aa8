/** The native library's own log records, which nobody reads: they are not decoded. In a process of its own: it is set up once. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { compiled } from '../e2e/harness/compiled.ts';

const run = promisify(execFile);
const module = pathToFileURL(compiled('src/output/drop-native-log.ts')).href;

/** Connects to where nobody is, which the library has much to say about. */
const connect = (before: string) => `
  ${before}
  const { Room } = await import('@livekit/rtc-node');
  const room = new Room();
  const tried = room.connect('ws://127.0.0.1:9', 'no token', {}).catch(() => 'failed');
  let logs = 0;
  globalThis._ffiClientInstance.on('ffi_event', ({ message }) => { if (message.case === 'logs') logs += 1; });
  await tried;
  console.log(JSON.stringify({ logs, level: process.env.RUST_LOG ?? null }));
  process.exit(0);`;
const logsOf = async (before: string, env: NodeJS.ProcessEnv = {}) => {
  const given = ['--input-type=module', '-e', connect(before)];
  const { RUST_LOG: _, ...clean } = process.env;
  const { stdout, stderr } = await run(process.execPath, given, { env: { ...clean, ...env }, timeout: 30_000 });
  return {
    ...(JSON.parse(stdout.split('\n').find((line) => line.startsWith('{"logs"')) ?? '') as {
      logs: number;
      level: string | null;
    }),
    stderr,
  };
};
const dropped = `const { dropNativeLog } = await import('${module}'); dropNativeLog(); dropNativeLog();`;

test('the native library hands over no log records, and the environment is as it was', async () => {
  expect((await logsOf('')).logs, 'without us').toBeGreaterThan(0);
  expect(await logsOf(dropped)).toMatchObject({ logs: 0, level: null, stderr: '' });
});

test('who sets RUST_LOG reads them on the standard error', async () => {
  const { logs, level, stderr } = await logsOf(dropped, { RUST_LOG: 'debug' });
  expect({ logs, level }).toEqual({ logs: 0, level: 'debug' });
  expect(stderr).toContain('livekit');
});

test('nobody in @livekit/rtc-node reads them: with a reader they would have to be left alone', () => {
  const folder = dirname(createRequire(import.meta.url).resolve('@livekit/rtc-node'));
  const files = readdirSync(folder).filter((name) => name.endsWith('.cjs'));
  expect(files).toContain('ffi_client.cjs');
  expect(files.filter((name) => /["']logs["']/.test(readFileSync(join(folder, name), 'utf8')))).toEqual([]);
});
