/**
 * `runWorker`: the SDK's own worker and command line, below a keeper.
 *
 * Three processes read the agent file, and each wants something else of this call:
 *   the job      nothing: its entry is the default export
 *   the worker   the SDK's server, told of to the keeper whose socket is in the environment
 *   anybody's `node agent.js start`   a keeper, started with the same arguments; signals and exit code pass through
 */
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AgentServer, cli, type JobRequest, ServerOptions, type WorkerPermissions } from '@livekit/agents';
import { ConfigError, describeValue } from './config-error.ts';
import { configuredDestinations } from './delivery/configured.ts';
import { definedIn } from './job.ts';
import type { JobFacts } from './journal/entry.ts';
import { connectLink, type Link } from './link/client.ts';
import type { Defined } from './livekit/definition.ts';
import { memoryEnvironment, memoryLimits, sdkMemoryLimits } from './memory-limits.ts';
import { openRooms } from './rooms/server-api.ts';
import { messageOf } from './session/deadline.ts';

/**
 * A call waits for this answer; a keeper that is that slow could not look after it. 500 ms were too few: on two busy
 * cores a keeper answered after 600 ms, and a declined dispatch is never offered again (the server gives 10 s).
 */
const OFFER_MS = 2000;
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
/** An idle job takes about 140 MiB and a talking one a tenth of a core: measured on two cores. */
const CALLS_PER_CORE = 10;

export type WorkerOptions = {
  /** Named agents are dispatched by name; without a name every new room gets one. */
  agentName?: string;
  /** Accept or reject by yourself. `accept()` asks the keeper first, and declines when it gives no answer in 2 s. */
  requestFunc?: (request: JobRequest) => Promise<void>;
  /** Health port. Default 8081. */
  port?: number;
  permissions?: WorkerPermissions;
  /** Calls at once; load is counted in calls, not in CPU samples. Default: 10 for each core. */
  maxCalls?: number;
  /** Everything else that the SDK's ServerOptions take. */
  server?: Partial<ConstructorParameters<typeof ServerOptions>[0]>;
};

const keeperCommands = ['start', 'dev'];

/** Returns at once, and does nothing in a job. @throws ConfigError for wrong options. */
export function runWorker(agentFile: string, options: WorkerOptions = {}): void {
  const file = agentFile.startsWith('file:') ? fileURLToPath(agentFile) : agentFile;
  if (process.argv[1] === undefined || resolve(process.argv[1]) !== resolve(file)) return; // a job, or an import
  const definition = definedIn(agentFile);
  if (!definition) {
    throw new ConfigError({
      field: 'runWorker',
      expected: 'a defineSession in the same file, above it',
      got: `none in ${file}`,
      advice: 'export default defineSession({ … }) there',
    });
  }
  checkOptions(options);
  const [command] = process.argv.slice(2);
  const isKept = process.env['LASTWORD_SOCKET'] !== undefined;
  if (!isKept && command !== undefined && keeperCommands.includes(command)) startKeeper(file);
  else void runServer(file, definition, options);
}

function checkOptions(options: WorkerOptions): void {
  const { maxCalls, port } = options;
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
}

/** The idle process in front of a keeper, for those who run the agent file itself. */
function startKeeper(file: string): void {
  const main = fileURLToPath(new URL(`./cli/main.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url));
  const [command, ...rest] = process.argv.slice(2);
  // A group of its own: a terminal's Ctrl-C would else reach it twice, by the terminal and by us.
  const keeper = spawn(process.execPath, [...process.execArgv, main, command ?? 'start', file, ...rest], {
    stdio: 'inherit',
    detached: true,
  });
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => keeper.kill(signal));
  keeper.on('exit', (code, signal) => process.exit(code ?? (signal === null ? 1 : 128)));
  keeper.on('error', (error) => {
    console.error(`lastword: the keeper could not be started: ${messageOf(error)}`);
    process.exit(1);
  });
}

async function runServer(file: string, definition: Defined, options: WorkerOptions): Promise<void> {
  const { env } = process;
  const {
    agentName = env['LIVEKIT_AGENT_NAME'] ?? '',
    maxCalls = CALLS_PER_CORE * availableParallelism(),
    permissions,
    server,
  } = options;
  const livekit = {
    url: env['LIVEKIT_URL'] ?? '',
    apiKey: env['LIVEKIT_API_KEY'] ?? '',
    apiSecret: env['LIVEKIT_API_SECRET'] ?? '',
  };
  const port = options.port ?? portFrom(env['LASTWORD_PORT']);
  const isServing = keeperCommands.includes(process.argv[2] ?? '');
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
    const problem = await portProblem(port ?? 8081);
    if (problem !== undefined && process.argv[2] === 'start') refuse(problem);
  }

  // Before the first connection: a hello that cannot be said would be a worker that takes calls nobody seals.
  const destinations = orRefuse(() => configuredDestinations(definition, env));
  const memory = orRefuse(() => memoryLimits(env, server));
  Object.assign(env, memoryEnvironment(memory)); // the jobs inherit it
  const socket = env['LASTWORD_SOCKET'];
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
              policy: definition.policy,
              hangUp: definition.hangUp,
            },
            ...(isReady ? [{ type: 'worker.ready' } as const] : []),
          ],
          onMessage: () => {},
          // Nobody would seal what we do: finish the calls and go.
          lonely: { call: () => process.kill(process.pid, 'SIGTERM') },
        });

  let live: AgentServer | undefined;
  onServer((server) => {
    live = server;
    const drain = server.drain.bind(server);
    server.drain = (timeoutMs) => drain(link?.isConnected === false ? ALONE_DRAIN_MS : timeoutMs);
    server.event.on('worker_registered', () => {
      if (!isReady) link?.send({ type: 'worker.ready' });
      isReady = true;
    });
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => link?.send({ type: 'worker.draining' }));
  }
  const accepting = new Set<string>();
  const calls = () => new Set([...(live?.activeJobs ?? []).map(({ job }) => job.id), ...accepting]).size;
  const accept = options.requestFunc ?? ((request) => request.accept());

  cli.runApp(
    new ServerOptions({
      ...server,
      agent: file,
      agentName,
      ...livekit,
      wsURL: livekit.url,
      ...(permissions && { permissions }),
      ...(port !== undefined && { port }),
      loadFunc: async () => (FULL_LOAD * calls()) / maxCalls,
      drainTimeout: server?.drainTimeout ?? definition.policy.shutdownBudgetMs,
      initializeProcessTimeout: server?.initializeProcessTimeout ?? INITIALIZE_PROCESS_MS,
      ...sdkMemoryLimits(memory),
      shutdownProcessTimeout: server?.shutdownProcessTimeout ?? SHUTDOWN_PROCESS_MS,
      requestFunc: (request) => {
        if (calls() >= maxCalls) return request.reject();
        return accept(link ? kept(request, link, accepting, livekit) : request);
      },
    }),
  );
}

/** The SDK's command line makes the server and keeps it to itself; its `run` is where it can be met. */
function onServer(meet: (server: AgentServer) => void): void {
  const run = Reflect.get(AgentServer.prototype, 'run') as (this: AgentServer) => Promise<void>;
  AgentServer.prototype.run = function meeting(this: AgentServer) {
    meet(this);
    return run.call(this);
  };
}

/** The same request, whose `accept` asks the keeper first: only what it has on disk is a call. */
function kept(
  request: JobRequest,
  link: Link,
  accepting: Set<string>,
  livekit: { url: string; apiKey: string; apiSecret: string },
): JobRequest {
  const acceptNow = request.accept.bind(request);
  request.accept = async (...given) => {
    const { job } = request;
    const facts: JobFacts = {
      job: job.id,
      agentName: job.agentName,
      metadata: job.metadata,
      room: { name: job.room?.name ?? '', sid: job.room?.sid ?? '' },
    };
    accepting.add(job.id);
    setTimeout(() => accepting.delete(job.id), 10_000).unref(); // by then it is an active job, or none
    const [isThere, isRecorded] = await Promise.all([roomIsThere(livekit, facts.room), link.offer(facts, OFFER_MS)]);
    if (isThere && isRecorded) return acceptNow(...given);
    accepting.delete(job.id);
    if (isRecorded) link.send({ type: 'job.withdrawn', job: job.id, why: 'the dispatched room was gone' });
    await request.reject();
  };
  return request;
}

/** A deleted room can be dispatched once more (sdk-facts, 12). No answer in time counts as: it is there. */
async function roomIsThere(
  livekit: { url: string; apiKey: string; apiSecret: string },
  room: JobFacts['room'],
): Promise<boolean> {
  try {
    const sid = await openRooms(livekit).sidOf(room.name, AbortSignal.timeout(500));
    return room.sid === '' || sid === room.sid;
  } catch {
    return true;
  }
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
