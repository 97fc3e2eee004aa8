/**
 * Our process pool in the place of the SDK's (process-pool.ts). The SDK's server makes its pool by itself and exports
 * neither; so the class is taken from the file that the server takes it from, and its two ways of starting a process
 * are replaced. Everything else stays the SDK's: what a process is, its pings, its memory limit, how it is closed.
 */
import type { ChildProcess } from 'node:child_process';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { BEGUN, IMPORTED, POOL } from '../job/tell-pool.ts';
import { ProcessPool, type PoolProcess } from './process-pool.ts';
import { messageOf } from '../errors/thrown.ts';

/** From the SDK's ipc/proc_pool.ts. */
const PINGS = { pingInterval: 2_500, pingTimeout: 60_000, highPingThreshold: 500 };

type JobInfo = { job: { id: string } };
type Executor = {
  proc?: ChildProcess;
  runningJob: JobInfo | undefined;
  start(): Promise<void>;
  initialize(options: { sessionEndTimeout: number }): Promise<void>;
  launchJob(info: JobInfo): Promise<void>;
  join(): Promise<void>;
  createProcess(): ChildProcess;
};
type ExecutorClass = new (options: object) => Executor;
type Pool = {
  agent: string;
  initializeTimeout: number;
  closeTimeout: number;
  sessionEndTimeout: number;
  inferenceExecutor?: object;
  memoryWarnMB: number;
  memoryLimitMB: number;
  executors: Executor[];
  tasks: Promise<void>[];
  closed: boolean;
  run(signal: AbortSignal): Promise<void>;
  launchJob(info: JobInfo): Promise<void>;
};

export type TakenPool = {
  /** How long a call that is accepted now would wait for its process, `before` others being on their way. */
  expectedMs(before: number): number;
  /** How many wait for a call. */
  readonly warmCount: number;
  /** The worker drains: nothing is warmed up any more. */
  close(): void;
};

/**
 * *Effect.* Every pool that the SDK makes from here on is ours.
 * @returns undefined when this version of the SDK is built otherwise: then its own pool does the work
 */
export async function takePool(options: {
  /** Warm processes to keep. */
  idle: () => number;
  /** So many are warm: one more than before. */
  onWarm: (count: number) => void;
  /** The call's process has it. */
  onLaunched: (job: string) => void;
  /** The call has no process, or its process is gone. */
  onGone: (job: string, why: string) => void;
}): Promise<TakenPool | undefined> {
  const classes = await sdkClasses();
  if (classes.length === 0) return undefined;
  process.env[POOL] = '1';
  const pools = new Map<Pool, ProcessPool<JobInfo>>();
  const poolOf = (pool: Pool, JobProcExecutor: ExecutorClass) => {
    const known = pools.get(pool);
    if (known) return known;
    const make = () => processOf(pool, JobProcExecutor);
    const made = new ProcessPool<JobInfo>({
      make,
      idle: options.idle,
      cores: availableParallelism(),
      onWarm: options.onWarm,
    });
    pools.set(pool, made);
    return made;
  };
  for (const { prototype, JobProcExecutor } of classes) {
    prototype.run = async function run(this: Pool, signal) {
      const pool = poolOf(this, JobProcExecutor);
      signal.addEventListener('abort', () => pool.close(), { once: true });
      pool.fill();
    };
    prototype.launchJob = async function launchJob(this: Pool, info) {
      const { id } = info.job;
      try {
        const executor = await poolOf(this, JobProcExecutor).launch(info);
        options.onLaunched(id);
        void executor.gone().then(() => options.onGone(id, 'its process is gone'));
      } catch (error) {
        options.onGone(id, messageOf(error));
        throw error;
      }
    };
  }
  return {
    expectedMs: (before) => Math.max(0, ...[...pools.values()].map((pool) => pool.expectedMs(before))),
    get warmCount() {
      return [...pools.values()].reduce((sum, pool) => sum + pool.warmCount, 0);
    },
    close: () => {
      for (const pool of pools.values()) pool.close();
    },
  };
}

/** One process of the SDK's, listed with its pool for as long as it lives. */
function processOf(pool: Pool, JobProcExecutor: ExecutorClass): PoolProcess<JobInfo> {
  let onImported: () => void = () => {};
  let onBegun: () => void = () => {};
  class Telling extends JobProcExecutor {
    override createProcess(): ChildProcess {
      const child = super.createProcess();
      const emit = child.emit.bind(child);
      // The SDK takes the first message for the answer to its request to initialize; ours it never sees.
      child.emit = (name: string | symbol, ...given: unknown[]) => {
        const what = name === 'message' ? (given[0] as { case?: string } | null)?.case : undefined;
        if (what === IMPORTED) onImported();
        else if (what === BEGUN) onBegun();
        else return emit(name, ...given);
        return true;
      };
      return child;
    }
  }
  const { agent, inferenceExecutor, initializeTimeout, closeTimeout, memoryWarnMB, memoryLimitMB } = pool;
  const limits = { initializeTimeout, closeTimeout, memoryWarnMB, memoryLimitMB };
  const executor = new Telling({ agent, inferenceExecutor, ...limits, ...PINGS });
  pool.executors.push(executor);
  let leave = () => {};
  const left = new Promise<void>((resolve) => (leave = resolve));
  pool.tasks.push(left); // close() waits for it
  void left.then(() => {
    pool.executors.splice(pool.executors.indexOf(executor), 1);
    void pool.tasks.splice(pool.tasks.indexOf(left), 1);
  });
  const abandon = () => void executor.proc?.kill('SIGKILL');
  return {
    async warmUp(tell) {
      onImported = tell;
      try {
        await executor.start();
        void executor.join().then(leave);
        if (pool.closed) abandon();
        await executor.initialize({ sessionEndTimeout: pool.sessionEndTimeout });
      } catch (error) {
        abandon();
        leave();
        throw error;
      }
    },
    launchJob: (info, tell) => {
      onBegun = tell;
      return executor.launchJob(info);
    },
    gone: () => left,
    abandon,
  };
}

type Classes = { prototype: Pool; JobProcExecutor: ExecutorClass };

/**
 * The SDK is there twice, as modules and for require(), and a loader (tsx, in a package without `"type": "module"`) may
 * have chosen the latter; a server takes its pool from the one it was loaded with.
 */
async function sdkClasses(): Promise<Classes[]> {
  try {
    const require = createRequire(import.meta.url);
    const folder = join(dirname(require.resolve('@livekit/agents')), 'ipc');
    const [pool, executor] = [join(folder, 'proc_pool'), join(folder, 'job_proc_executor')];
    const asModule = [import(pathToFileURL(`${pool}.js`).href), import(pathToFileURL(`${executor}.js`).href)];
    const required = require.cache[`${pool}.cjs`]?.exports as unknown;
    return [known(await Promise.all(asModule)), known([required, required && require(`${executor}.cjs`)])].flatMap(
      (each) => each ?? [],
    );
  } catch {
    return [];
  }
}

function known([pool, executor]: unknown[]): Classes | undefined {
  const { ProcPool } = (pool ?? {}) as { ProcPool?: { prototype: Pool } };
  const { JobProcExecutor } = (executor ?? {}) as { JobProcExecutor?: ExecutorClass };
  const isPool = typeof ProcPool?.prototype.run === 'function' && typeof ProcPool.prototype.launchJob === 'function';
  if (!isPool || typeof JobProcExecutor?.prototype.createProcess !== 'function') return undefined;
  return { prototype: ProcPool.prototype, JobProcExecutor };
}
