/** The client of the server API, in a process that has nothing else to do: it ends when the hang-up does. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';
import { startStandIn } from '../unit/twirp-stand-in.ts';
import { compile } from './compile.ts';

const run = promisify(execFile);
let program: Awaited<ReturnType<typeof compile>>;
beforeAll(async () => {
  program = await compile('test/crash/hang-up-main.ts');
  return program.clean;
});

/** What it printed, and how long it stayed behind its last word, as its parent sees it. */
const hangUp = async (url: string, deadlineMs: number) => {
  const child = run(process.execPath, [program.path('test/crash/hang-up-main.ts'), url, 'r', String(deadlineMs)], {
    timeout: 20_000,
  });
  let saidAt = 0;
  child.child.stdout?.on('data', () => (saidAt = performance.now()));
  const { stdout } = await child;
  return { result: JSON.parse(stdout) as { verified: boolean }, stayedMs: performance.now() - saidAt };
};

test('C3 the client is no reason for a process to stay: connections are given up with the hang-up', async () => {
  await using server = await startStandIn();
  server.rooms.set('r', []);
  const { result, stayedMs } = await hangUp(server.url, 10_000);
  expect(result.verified).toBe(true);
  expect(stayedMs).toBeLessThan(2_500); // an idle connection would be kept for four seconds
});

test('C3 a request that nobody answers keeps no process beyond its own second', async () => {
  await using server = await startStandIn();
  for (const method of ['ListParticipants', 'DeleteRoom', 'ListRooms'])
    server.next(method, ...Array.from({ length: 50 }, () => 'hang' as const));
  const { result, stayedMs } = await hangUp(server.url, 300);
  expect(result.verified).toBe(false);
  expect(stayedMs).toBeLessThan(2_500);
});
