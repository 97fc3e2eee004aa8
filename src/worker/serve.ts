/** The worker's process, below its keeper: the SDK's server with our link, our pool and our count of calls. */
import { availableParallelism, constants } from 'node:os';
import { pathToFileURL } from 'node:url';
import { AgentServer, cli, ServerOptions } from '@livekit/agents';
import { configuredDestinations } from '../delivery/configured.ts';
import { describeValue } from '../errors/config-error.ts';
import { memoryEnvironment, memoryLimits, sdkMemoryLimits, warmByDefault } from '../job/memory-limits.ts';
import { REPLACES, type Replaced } from '../link/replacing.ts';
import { connectLink, type LinkLog } from '../link/client.ts';
import { takeWorkerToken } from '../link/secret.ts';
import { jobIdOf } from '../journal/ids.ts';
import { isServerUrl } from '../link/messages.ts';
import { apologyOf } from '../livekit/apology-of.ts';
import type { Defined } from '../livekit/definition.ts';
import { surviveLostOutput } from '../output/own-output.ts';
import { MAX_TIMER_MS } from '../../machines/index.ts';
import { settledWithin } from '../waiting/deadline.ts';
import { orRefuse, refuse } from './refuse.ts';
import { takePool, type TakenPool } from './sdk-pool.ts';
import { isTooLate, seated, Seats } from './seats.ts';
import { freePort, meetHealthPort } from './health-port.ts';
import { CALLS_PER_CORE, portFrom, portProblem, type WorkerOptions } from './worker-options.ts';

/** The server assigns to workers below 0.7, so a full worker says exactly that (sdk-facts, 12). */
const FULL_LOAD = 0.7;
/** The SDK's, for its health check. */
const DEFAULT_PORT = 8081;
/** A process that is still warming up misses the SDK's shutdown request; 60 s is the SDK's patience (trap T17). */
const SHUTDOWN_PROCESS_MS = 3000;
/**
 * Import and prewarm of a job process. The SDK's default of 10 s is 2 s for the import beside a prewarm that hangs: on
 * a busy machine each process was killed before it was ready, and the next one too.
 */
const INITIALIZE_PROCESS_MS = 30_000;
/** Without a keeper nobody tells the calls that the worker drains: the SDK does when it closes, so that comes at once. */
const ALONE_DRAIN_MS = 1;
/** JobType.JT_PUBLISHER, which the SDK takes and does not export. */
const PUBLISHER = 1;
const TERMINATED = 128 + constants.signals.SIGTERM;
/** The agent file has run to its end by then, unless it waits for something itself. */
const IMPORT_MS = 5_000;

/** Commands of the SDK's that take calls below a keeper. */
export const keeperCommands = ['start', 'dev'];

export async function runServer(file: string, definition: Defined, options: WorkerOptions): Promise<void> {
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
  const healthPort = port ?? DEFAULT_PORT;
  /** Another worker has the port. While that one serves, this one takes no call before it has a warm process for it. */
  const replaces = env[REPLACES] as Replaced | undefined;
  delete env[REPLACES]; // not the jobs'
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
    const problem = replaces ? undefined : await portProblem(healthPort);
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
  const health = meetHealthPort(healthPort);
  const drainTimeout = server?.drainTimeout ?? policy.shutdownBudgetMs;
  const token = takeWorkerToken();
  let isReady = false;
  /** It takes no calls any more, and serves what it has; until then, where there is a time. */
  let retiring: { until?: number } | undefined;
  let pool: TakenPool | undefined;
  /** For a keeper that comes later: what was warm before it is warm still. */
  const warmNews = () => {
    const count = pool?.warmCount ?? 0;
    return count > 0 ? [{ type: 'worker.warm', count } as const] : [];
  };
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
              ...apologyOf(definition),
              waitsForTracks: Number(server?.serverType) === PUBLISHER,
              shutdown: options.shutdown ?? 'end',
              ...(options.keep && { keep: options.keep }),
              ...(token !== undefined && { token }),
              ...(retiring && { retiring: leftOf(retiring.until) }),
            },
            ...(isReady && !retiring ? [{ type: 'worker.ready' } as const] : []),
            ...warmNews(),
          ],
          onMessage: (message) => {
            if (message.type === 'port.wanted') health.giveUp();
            if (message.type !== 'worker.retire' || retiring) return;
            retiring = {};
            process.kill(process.pid, 'SIGTERM'); // the SDK drains
          },
          log: refusals,
          // Nobody would seal what we do: finish the calls and go.
          lonely: { call: () => retiring ?? process.kill(process.pid, 'SIGTERM') },
        });

  let live: AgentServer | undefined;
  let isRegistered = false;
  const becomeReady = () => {
    if (!isReady) link?.send({ type: 'worker.ready' });
    isReady = true;
  };
  const seats = new Seats(maxCalls, () => (live?.activeJobs ?? []).map(({ job }) => job.id));
  const idle = server?.numIdleProcesses || (command === 'start' ? warmByDefault(maxCalls) : 0);
  const mustBeWarm = replaces === 'serving' && idle > 0;
  pool = await takePool({
    idle: () => Math.min(idle, maxCalls - seats.taken),
    onWarm: (count) => {
      link?.send({ type: 'worker.warm', count });
      if (isRegistered) becomeReady();
    },
    onLaunched: (job) => link?.send({ type: 'job.launched', job: jobIdOf(job) }),
    onGone: (job, why) => {
      seats.leave(job);
      link?.send({ type: 'job.unstarted', job: jobIdOf(job), why });
    },
  });
  onServer((server) => {
    live = server;
    const drain = server.drain.bind(server);
    server.drain = (timeoutMs) => {
      pool?.close();
      health.giveUp(); // to the next worker
      if (link?.isConnected === false) return drain(ALONE_DRAIN_MS);
      return drain(retiring && retiring.until === undefined ? MAX_TIMER_MS : timeoutMs);
    };
    server.event.on('worker_registered', () => {
      isRegistered = true;
      if (!mustBeWarm || pool?.warmCount !== 0) becomeReady();
    });
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      retiring ??= { until: performance.now() + drainTimeout };
      link?.send({ type: 'worker.draining' });
    });
  }
  if (replaces) await freedPort(healthPort, command);
  if (retiring) process.exit(TERMINATED); // told to stop before the SDK could hear it
  const onRefused = (roomSid: string) => link?.send({ type: 'call.refused', roomSid });
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
      drainTimeout,
      initializeProcessTimeout: server?.initializeProcessTimeout ?? INITIALIZE_PROCESS_MS,
      ...sdkMemoryLimits(memory),
      shutdownProcessTimeout: server?.shutdownProcessTimeout ?? SHUTDOWN_PROCESS_MS,
      requestFunc: (request) => {
        const isLate = () => isTooLate(pool, seats, policy.startMs);
        if (seats.isFull || isLate() || (mustBeWarm && !isReady)) return request.reject();
        return decide(seated(request, { seats, isLate, link, livekit, onRefused }));
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

const leftOf = (until: number | undefined) =>
  until === undefined ? {} : { leftMs: Math.max(0, Math.round(until - performance.now())) };

/** The worker before gives it up when it is asked. */
async function freedPort(port: number, command: string): Promise<void> {
  const problem = await freePort(port);
  if (problem !== undefined && command === 'start') refuse(problem);
}

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
