/**
 * `runWorker`: the SDK's own worker and command line, below a keeper.
 *
 * Several processes read the agent file, and each wants something else of this call:
 *   the job      nothing: its entry is the default export
 *   the worker   the SDK's server, told of to the keeper whose socket is in the environment
 *   anybody's `node agent.js start`   a keeper, started with the same arguments; signals and exit code pass through
 *   who imports the file   nothing, which is said in one line: a worker that did not start is no success
 */
import { spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { createServer } from 'node:net';
import { availableParallelism, constants } from 'node:os';
import { basename, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { AgentServer, cli, type JobRequest, ServerOptions, type WorkerPermissions } from '@livekit/agents';
import { ConfigError, describeValue } from '../errors/config-error.ts';
import { configuredDestinations } from '../delivery/configured.ts';
import { callerFile, definedIn } from '../job/job.ts';
import { connectLink, type LinkLog } from '../link/client.ts';
import { defaultKeep, type Keep } from '../link/keep.ts';
import type { Shutdown } from '../link/messages.ts';
import { takeWorkerToken } from '../link/secret.ts';
import { isServerUrl } from '../link/wire.ts';
import type { Defined } from '../livekit/definition.ts';
import { memoryEnvironment, memoryLimits, sdkMemoryLimits, warmByDefault } from '../job/memory-limits.ts';
import { surviveLostOutput } from '../output/own-output.ts';
import { takePool } from './sdk-pool.ts';
import { isTooLate, seated, Seats } from './seats.ts';
import { messageOf } from '../errors/thrown.ts';
import { settledWithin } from '../waiting/deadline.ts';
import { inheritedFlags, whenStarterIsGone } from '../link/starter.ts';

/** The server assigns to workers below 0.7, so a full worker says exactly that (sdk-facts, 12). */
const FULL_LOAD = 0.7;
/** A process that is still warming up misses the SDK's shutdown request; 60 s is the SDK's patience (trap T17). */
const SHUTDOWN_PROCESS_MS = 3000;
/**
 * Import and prewarm of a job process. The SDK's default of 10 s is 2 s for the import beside a prewarm that hangs: on
 * a busy machine each process was killed before it was ready, and the next one too.
 */
const INITIALIZE_PROCESS_MS = 30_000;
/** Without a keeper nobody tells the calls that the worker drains: the SDK does when it closes, so that comes at once. */
const ALONE_DRAIN_MS = 1;
/** The agent file has run to its end by then, unless it waits for something itself. */
const IMPORT_MS = 5_000;
/** An idle job takes about 140 MiB and a talking one a tenth of a core: measured on two cores. */
const CALLS_PER_CORE = 10;

export type WorkerOptions = {
  /** Named agents are dispatched by name; without a name every new room gets one. Default: LIVEKIT_AGENT_NAME, else none. */
  agentName?: string;
  /** Accept or reject by yourself. `accept()` asks the keeper first, and declines when it gives no answer in 2 s. Default: accept. */
  requestFunc?: (request: JobRequest) => Promise<void>;
  /** Health port, 1 to 65535. Default: LASTWORD_PORT, else 8081. */
  port?: number;
  /** What the agent may do in the room. Default: the SDK's, all but hiding. */
  permissions?: WorkerPermissions;
  /** Calls at once, a whole number above 0; load is counted in calls, not in CPU samples. Default: 10 for each core. */
  maxCalls?: number;
  /**
   * What SIGTERM means for running calls: `end` says goodbye now, `finish` lets them talk on until the budget
   * (`policy.shutdownBudgetMs`) is nearly spent, and then says goodbye. Default `end`.
   */
  shutdown?: Shutdown;
  /**
   * How long sealed sessions are kept: their journals, reports and deliveries. Default `{ days: 30, gigabytes: 10 }`.
   * Nothing goes that is not sealed, or not delivered yet.
   */
  keep?: Keep;
  /**
   * Everything else that the SDK's ServerOptions take. `numIdleProcesses`, the warm processes that wait for calls, is by
   * default 6 for each core, as far as `maxCalls` and a quarter of the memory allow.
   */
  server?: Partial<ConstructorParameters<typeof ServerOptions>[0]>;
};

const keeperCommands = ['start', 'dev'];
/** Of the SDK's command line. */
const workerCommands = [...keeperCommands, 'connect', 'console', 'download-files'];
/** How a process that runs somebody's tests can be told: there an agent file is imported to be looked at. */
const testRunners = ['VITEST', 'VITEST_WORKER_ID', 'JEST_WORKER_ID', 'NODE_TEST_CONTEXT'];

let hasRun = false;

/**
 * Returns at once, and does nothing in a job. Starts what the command line asks for (`start`, `dev`, …), whichever file
 * was given to Node: this one, a link to it, a main file that imports it. Wrong options end the process with one line
 * and exit code 78.
 */
export function runWorker(agentFile: string, options: WorkerOptions = {}): void {
  const file = agentFile.startsWith('file:') ? fileURLToPath(agentFile) : resolve(agentFile);
  if (isJobProcess() || !isMainThread || hasRun) return;
  const [command] = process.argv.slice(2);
  const isAsked = command !== undefined && workerCommands.includes(command);
  if (!isAsked && !isProgram(file) && !isProgram(callerFile())) return sayNothingStarts(file);
  hasRun = true;
  if (!existsSync(file))
    refuse(`runWorker: expected the file of the agent, got ${file}, which does not exist; give import.meta.url`);
  const definition = definedIn(agentFile);
  if (!definition)
    refuse(
      `runWorker: expected a defineSession in ${file}, got none; write \`export default defineSession({ … })\` there, above runWorker, or import the file before`,
    );
  orRefuse(() => checkOptions(options));
  const isKept = process.env['LASTWORD_SOCKET'] !== undefined;
  const isOwnConsole = command === 'console' && !process.argv.some((word) => word.startsWith('--connect-addr'));
  if (isOwnConsole || (!isKept && command !== undefined && keeperCommands.includes(command))) startKeeper();
  else void runServer(file, definition, options);
}

/** The SDK forks its own file, which imports the agent file; its console does so in the process that asked for it. */
const isJobProcess = () => /^job_proc|^inference_proc/.test(basename(process.argv[1] ?? ''));

/** Is this file what Node was started with? Through links; pm2 puts a file of its own in between, and names ours. */
function isProgram(file: string): boolean {
  const real = (path: string | undefined) => {
    try {
      return path === undefined || path === '' ? undefined : realpathSync(path);
    } catch {
      return undefined;
    }
  };
  const program = real(file);
  return program !== undefined && [process.argv[1], process.env['pm_exec_path']].some((path) => real(path) === program);
}

function sayNothingStarts(file: string): void {
  if (testRunners.some((name) => process.env[name] !== undefined)) return;
  const program = process.argv[1] ?? 'a script without a file';
  const [command = 'nothing'] = process.argv.slice(2);
  console.error(
    `lastword: no worker starts: ${program} imports ${file}, and its command is ${command}; expected one of ${workerCommands.join(', ')}. Run \`node ${basename(program)} start\``,
  );
  process.exitCode ??= 78;
}

/** @throws ConfigError */
function checkOptions(options: WorkerOptions): void {
  const { maxCalls, port, shutdown, keep } = options;
  const isCount = (value: unknown) => Number.isInteger(value) && (value as number) > 0;
  if (maxCalls !== undefined && !isCount(maxCalls)) {
    throw new ConfigError({
      field: 'maxCalls',
      expected: 'a whole number above 0',
      got: describeValue(maxCalls),
      advice: 'say how many calls this machine can hold',
    });
  }
  if (port !== undefined && !(isCount(port) && port < 65_536)) {
    throw new ConfigError({
      field: 'port',
      expected: 'a port from 1 to 65535',
      got: describeValue(port),
      advice: 'leave it out for 8081',
    });
  }
  for (const [name, value] of Object.entries(keep ?? {})) {
    if (value === undefined) continue;
    const isKnown = name === 'days' || name === 'gigabytes';
    if (isKnown && typeof value === 'number' && Number.isFinite(value) && value > 0) continue;
    throw new ConfigError({
      field: `keep.${name}`,
      expected: isKnown ? 'a number above 0' : 'days or gigabytes',
      got: describeValue(value),
      advice: `leave it out for ${defaultKeep.days} days and ${defaultKeep.gigabytes} gigabytes`,
    });
  }
  if (shutdown !== undefined && !['end', 'finish'].includes(shutdown)) {
    throw new ConfigError({
      field: 'shutdown',
      expected: "'end' or 'finish'",
      got: describeValue(shutdown),
      advice: "leave it out for 'end'",
    });
  }
}

/**
 * The idle process in front of a keeper, for those who run the agent file itself. The keeper gets the program that Node
 * was started with, which may be another file than the agent's: there runWorker is called, with its options.
 */
function startKeeper(): void {
  const main = fileURLToPath(new URL(`./cli/main.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url));
  const [, program = '', command = 'start', ...rest] = process.argv;
  const file = process.env['pm_exec_path'] ?? program;
  // A group of its own: a terminal's Ctrl-C would else reach it twice, by the terminal and by us. The channel carries
  // nothing: it closes when this process is gone, however that came.
  const keeper = spawn(process.execPath, [...inheritedFlags(), main, command, file, ...rest], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    detached: command !== 'console', // it reads the terminal
  });
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => keeper.kill(signal));
  whenStarterIsGone(() => keeper.kill('SIGTERM'));
  keeper.on('exit', (code, signal) => process.exit(code ?? (signal === null ? 1 : 128 + constants.signals[signal])));
  keeper.on('error', (error) => {
    console.error(`lastword: the keeper could not be started: ${messageOf(error)}`);
    process.exit(1);
  });
}

async function runServer(file: string, definition: Defined, options: WorkerOptions): Promise<void> {
  surviveLostOutput();
  const { env } = process;
  const {
    agentName = env['LIVEKIT_AGENT_NAME'] ?? '',
    maxCalls = CALLS_PER_CORE * availableParallelism(),
    permissions,
    server,
  } = options;
  const { policy } = definition;
  const livekit = {
    url: env['LIVEKIT_URL'] ?? '',
    apiKey: env['LIVEKIT_API_KEY'] ?? '',
    apiSecret: env['LIVEKIT_API_SECRET'] ?? '',
  };
  const [command = ''] = process.argv.slice(2);
  const isServing = keeperCommands.includes(command);
  const takesCalls = isServing || command === 'connect';
  const port = takesCalls ? (options.port ?? portFrom(env['LASTWORD_PORT'])) : options.port;
  if (isServing) {
    for (const [name, value] of [
      ['LIVEKIT_URL', livekit.url],
      ['LIVEKIT_API_KEY', livekit.apiKey],
      ['LIVEKIT_API_SECRET', livekit.apiSecret],
    ]) {
      if (value === '')
        refuse(
          `${name}: expected the address and keys of a LiveKit server, got nothing; set it in the environment or in .env`,
        );
    }
    if (!isServerUrl(livekit.url))
      refuse(
        `LIVEKIT_URL: expected the address of a LiveKit server, got ${describeValue(livekit.url)}; write it as wss://HOST or ws://HOST:PORT`,
      );
    const problem = await portProblem(port ?? 8081);
    if (problem !== undefined && command === 'start') refuse(problem);
    await checkDefaultExport(file);
  }
  if (!takesCalls)
    // Nothing that a call needs is asked for: an image is built without keys and without receivers.
    return cli.runApp(new ServerOptions({ ...server, agent: file, agentName, ...livekit, wsURL: livekit.url }));

  // Before the first connection: a hello that cannot be said would be a worker that takes calls nobody seals.
  const destinations = orRefuse(() => configuredDestinations(definition, env));
  const memory = orRefuse(() => memoryLimits(env, server));
  Object.assign(env, memoryEnvironment(memory)); // the jobs inherit it
  const socket = env['LASTWORD_SOCKET'];
  const token = takeWorkerToken();
  let isReady = false;
  const link =
    socket === undefined
      ? undefined
      : connectLink({
          path: socket,
          hello: () => [
            {
              type: 'hello.worker',
              pid: process.pid,
              agentFile: file,
              agentName,
              livekit,
              ...destinations,
              policy,
              hangUp: definition.hangUp,
              shutdown: options.shutdown ?? 'end',
              ...(options.keep && { keep: options.keep }),
              ...(token !== undefined && { token }),
            },
            ...(isReady ? [{ type: 'worker.ready' } as const] : []),
          ],
          onMessage: () => {},
          log: refusals,
          // Nobody would seal what we do: finish the calls and go.
          lonely: { call: () => process.kill(process.pid, 'SIGTERM') },
        });

  let live: AgentServer | undefined;
  const seats = new Seats(maxCalls, () => (live?.activeJobs ?? []).map(({ job }) => job.id));
  const idle = server?.numIdleProcesses || (command === 'start' ? warmByDefault(maxCalls) : 0);
  const pool = await takePool({
    idle: () => Math.min(idle, maxCalls - seats.taken),
    onLaunched: (job) => link?.send({ type: 'job.launched', job }),
    onGone: (job, why) => {
      seats.leave(job);
      link?.send({ type: 'job.unstarted', job, why });
    },
  });
  onServer((server) => {
    live = server;
    const drain = server.drain.bind(server);
    server.drain = (timeoutMs) => {
      pool?.close();
      return drain(link?.isConnected === false ? ALONE_DRAIN_MS : timeoutMs);
    };
    server.event.on('worker_registered', () => {
      if (!isReady) link?.send({ type: 'worker.ready' });
      isReady = true;
    });
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => link?.send({ type: 'worker.draining' }));
  }
  const decide = options.requestFunc ?? ((request) => request.accept());

  cli.runApp(
    new ServerOptions({
      ...server,
      agent: file,
      agentName,
      ...livekit,
      wsURL: livekit.url,
      ...(permissions && { permissions }),
      ...(port !== undefined && { port }),
      numIdleProcesses: idle,
      loadFunc: async () => (FULL_LOAD * seats.taken) / maxCalls,
      drainTimeout: server?.drainTimeout ?? policy.shutdownBudgetMs,
      initializeProcessTimeout: server?.initializeProcessTimeout ?? INITIALIZE_PROCESS_MS,
      ...sdkMemoryLimits(memory),
      shutdownProcessTimeout: server?.shutdownProcessTimeout ?? SHUTDOWN_PROCESS_MS,
      requestFunc: (request) => {
        const isLate = () => isTooLate(pool, seats, policy.startMs);
        if (seats.isFull || isLate()) return request.reject();
        return decide(seated(request, { seats, isLate, link, livekit }));
      },
    }),
  );
}

/** The SDK's own log is not there yet; what else happens to the link is said by the keeper. */
const refusals: LinkLog = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: (fields, message) => console.error(`lastword: ${message}: ${JSON.stringify(fields)}`),
};

/** The SDK's command line makes the server and keeps it to itself; its `run` is where it can be met. */
function onServer(meet: (server: AgentServer) => void): void {
  const run = Reflect.get(AgentServer.prototype, 'run') as (this: AgentServer) => Promise<void>;
  AgentServer.prototype.run = function meeting(this: AgentServer) {
    meet(this);
    return run.call(this);
  };
}

const portFrom = (text: string | undefined): number | undefined => {
  if (text === undefined || text === '') return undefined;
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    refuse(`LASTWORD_PORT: expected a port from 1 to 65535, got "${text}"; leave it out for 8081`);
  return port;
};

const portProblem = (port: number): Promise<string | undefined> =>
  new Promise((settle) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) =>
      settle(
        `port ${port}: expected it to be free for the health check, got ${error.code ?? error.message}; choose another one with \`port\` or LASTWORD_PORT`,
      ),
    );
    probe.listen(port, '0.0.0.0', () => probe.close(() => settle(undefined)));
  });

/** Each job would find out by itself, and the first callers with it. */
async function checkDefaultExport(file: string): Promise<void> {
  const imported = await settledWithin(import(pathToFileURL(file).href) as Promise<{ default?: unknown }>, IMPORT_MS);
  if (imported.kind !== 'settled') return; // it still runs
  const given = imported.value.default as { default?: unknown } | undefined;
  if (!isAgent(given) && !isAgent(given?.default))
    refuse(
      `${file}: expected \`export default defineSession({ … })\`, got ${describeValue(given)}; export it as the default`,
    );
}
const isAgent = (value: unknown): boolean => typeof (value as { entry?: unknown } | undefined)?.entry === 'function';

function orRefuse<Value>(read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    return refuse(messageOf(error));
  }
}

/** Exit code 78: the configuration is wrong, and starting again will not help (EX_CONFIG of sysexits). */
function refuse(problem: string): never {
  console.error(`lastword: ${problem}`);
  process.exit(78);
}
