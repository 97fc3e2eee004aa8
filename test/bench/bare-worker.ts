/** The bare SDK's worker beside ours: the same models against the same lab, no keeper. */
import { fork } from 'node:child_process';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { compiled } from '../e2e/harness/compiled.ts';
import { environmentOf, freePort, until } from '../e2e/harness/index.ts';
import type { LiveKitAddress } from '../e2e/harness/index.ts';
import type { Lab } from '../../src/testing/index.ts';

let workers = 0;

export async function startBare(
  server: LiveKitAddress,
  lab: Lab,
  environment: Record<string, string> = {},
): Promise<{ agentName: string; jobPid(room: string): Promise<number>; stop(): Promise<void> }> {
  const agentName = `bare-${process.pid}-${(workers += 1)}`;
  const directory = await mkdtemp(path.join(tmpdir(), 'lastword-bench-'));
  const logFile = path.join(directory, 'bare.log');
  const output = await open(logFile, 'w');
  const worker = fork(compiled('test/bench/agents/bare.ts'), ['start'], {
    stdio: ['ignore', output.fd, output.fd, 'ipc'],
    env: {
      ...process.env,
      ...environmentOf(server),
      LASTWORD_TEST_LAB: `http://127.0.0.1:${lab.port}`,
      LASTWORD_TEST_AGENT: agentName,
      LASTWORD_TEST_PORT: String(await freePort()),
      ...environment,
    },
  });
  await until(
    'the bare worker',
    async () => (await readFile(logFile, 'utf8')).includes('registered worker'),
    30_000,
    () => readFile(logFile, 'utf8'),
  );
  const exited = new Promise((resolve) => worker.once('exit', resolve));
  return {
    agentName,
    jobPid: (room) =>
      until(
        `the job of ${room}`,
        async () =>
          Number(new RegExp(`^job: ${room} (\\d+)$`, 'm').exec(await readFile(logFile, 'utf8'))?.[1]) || undefined,
        30_000,
      ),
    stop: async () => {
      worker.kill('SIGTERM');
      const late = setTimeout(() => worker.kill('SIGKILL'), 10_000);
      await exited;
      clearTimeout(late);
      await output.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
