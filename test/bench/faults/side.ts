/** One side of the comparison: a deployment with its lab, whoever runs it. It stops only what it started. */
import { fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, open, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { compiled, deploy, environmentOf, freePort, until } from '../../e2e/harness/index.ts';
import type { LiveKitAddress } from '../../e2e/harness/index.ts';
import type { DeploymentWish } from '../../e2e/harness/wishes.ts';
import { type Lab, startLab } from '../../../src/testing/index.ts';
import type { SideWish } from './plan.ts';

const READY_MS = 30_000;
const WARM_MS = 30_000;
const JOB_MS = 15_000;
const STOP_MS = 3000;

export type SideName = 'bare' | 'lastword';
export type Side = {
  readonly name: SideName;
  readonly agentName: string;
  readonly lab: Lab;
  /** The process that an operator started, and stops. */
  readonly operatorPid: number;
  log(): Promise<string>;
  workerPid(): Promise<number>;
  jobPid(room: string): Promise<number>;
  /** Resolves when a job process is free that has everything imported. */
  warm(): Promise<void>;
  stop(): Promise<void>;
};
export type SideOptions = { server: LiveKitAddress; receiver: string; wish: SideWish };

const numbers = (text: string, pattern: RegExp): number[] => [...text.matchAll(pattern)].map(([, pid]) => Number(pid));
const common = (log: () => Promise<string>) => ({
  log,
  jobPid: (room: string) =>
    until(
      `the job of ${room}`,
      async () => numbers(await log(), new RegExp(`^job: ${room} (\\d+)$`, 'gm'))[0],
      JOB_MS,
      async () => (await log()).slice(-3000),
    ),
  warm: async () => {
    await until(
      'a warm process',
      async () => {
        const text = await log();
        const taken = numbers(text, /^job: \S+ (\d+)$/gm);
        return numbers(text, /^warm: (\d+)$/gm).some((pid) => !taken.includes(pid) && existsSync(`/proc/${pid}`));
      },
      WARM_MS,
      async () => (await log()).slice(-3000),
    );
  },
});

export async function startLastword({ server, receiver, wish }: SideOptions): Promise<Side> {
  process.env['LASTWORD_TEST_RECEIVER'] = receiver;
  const isReady = wish.import === undefined;
  const deployment = await deploy(server, wish as DeploymentWish, {
    agent: 'test/bench/agents/faulty-lastword.ts',
    awaitReady: isReady,
  });
  if (!isReady) await registered(() => deployment.log(), 'the worker takes calls');
  return {
    name: 'lastword',
    agentName: deployment.agentName,
    lab: deployment.lab,
    get operatorPid() {
      return deployment.keeperPid;
    },
    ...common(() => deployment.log()),
    workerPid: async () => numbers(await deployment.log(), /"workerPid":(\d+)/g).at(-1) ?? 0,
    stop: () => deployment[Symbol.asyncDispose](),
  };
}

const registered = (log: () => Promise<string>, line: string) =>
  until('the worker', async () => (await log()).includes(line), READY_MS, log);

let bares = 0;
export async function startBare({ server, receiver, wish }: SideOptions): Promise<Side> {
  const agentName = `bare-${process.pid}-${(bares += 1)}`;
  const directory = await mkdtemp(path.join(tmpdir(), 'lastword-bare-'));
  const logFile = path.join(directory, 'processes.log');
  const output = await open(logFile, 'a');
  const lab = await startLab();
  const worker = fork(compiled('test/bench/agents/faulty-bare.ts'), ['start'], {
    execArgv: [],
    stdio: ['ignore', output.fd, output.fd, 'ipc'],
    env: {
      ...process.env,
      ...environmentOf(server),
      LASTWORD_TEST: JSON.stringify(wish),
      LASTWORD_TEST_LAB: `http://127.0.0.1:${lab.port}`,
      LASTWORD_TEST_RECEIVER: receiver,
      LASTWORD_TEST_AGENT: agentName,
      LASTWORD_TEST_PORT: String(await freePort()),
    },
  });
  worker.disconnect();
  const log = () => readFile(logFile, 'utf8');
  await registered(log, 'registered worker');
  return {
    name: 'bare',
    agentName,
    lab,
    operatorPid: worker.pid as number,
    ...common(log),
    workerPid: async () => worker.pid as number,
    stop: async () => {
      worker.kill('SIGKILL'); // asked to stop it would wait for an hour
      await killJobs(agentName);
      await lab.close();
      await output.close();
      await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: STOP_MS / 10 });
    },
  };
}

/** Jobs outlive a worker that is killed; theirs is the agent's name in the environment. */
async function killJobs(agentName: string): Promise<void> {
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
    if (!environment.includes(`LASTWORD_TEST_AGENT=${agentName}\0`)) continue;
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch {
      // it has ended by itself
    }
  }
}
