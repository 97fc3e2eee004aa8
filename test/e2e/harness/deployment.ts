/**
 * A whole deployment under test: keeper, worker and jobs as real processes, the provider lab, and a webhook receiver
 * that verifies signatures. One object, disposed of at the end; it stops only what it started.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, open, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Webhook } from 'standardwebhooks';
import type { Entry, EntryKind, EntryOf, SessionJournal } from '../../../src/journal/entry.ts';
import { listSessions, readSession } from '../../../src/journal/read.ts';
import type { Report } from '../../../src/report/schema.ts';
import { type Lab, type LabChannel, type PaceName, startLab } from '../../../src/testing/index.ts';
import { assertReport } from '../../contract/check-report.ts';
import { type Caller, type CallerWish, startCaller } from './caller.ts';
import { compiled } from './compiled.ts';
import { freePort } from './ports.ts';
import { roomsOf, type TestRoom } from './rooms.ts';
import { environmentOf, type LiveKitAddress } from './server.ts';
import { until } from './until.ts';
import type { CallWish, DeploymentWish } from './wishes.ts';

const READY_MS = 30_000;
const STOP_MS = 40_000;

export type Delivered = { report: Report; id: string; at: number };

export interface Deployment {
  readonly lab: Lab;
  readonly directory: string;
  readonly keeperPid: number;
  readonly agentName: string;
  /** All that was delivered, signature verified, schema checked. */
  readonly delivered: readonly Delivered[];
  /** A room that calls for this agent, and its channel of the lab. */
  room(
    wish?: CallWish,
    room?: Omit<TestRoom, 'agentName' | 'jobMetadata'> & { name?: string },
  ): Promise<{ name: string; lab: LabChannel }>;
  /** A room and a caller in it. */
  call(wish?: CallWish, caller?: Partial<CallerWish>): Promise<{ name: string; lab: LabChannel; caller: Caller }>;
  /** The one report about a room; fails when a second one comes along. */
  reportOf(room: string, ms: number): Promise<Delivered>;
  journalOf(room: string): Promise<SessionJournal | undefined>;
  /** The first entry of the job's journal that fits. */
  entry<Kind extends EntryKind>(
    room: string,
    kind: Kind,
    fits: (entry: EntryOf<Kind>) => boolean,
    ms: number,
  ): Promise<EntryOf<Kind>>;
  /** Resolves when so many job processes are warm and free. A call that finds none waits for the import of everything. */
  warm(count: number, ms: number): Promise<void>;
  /** Process id of the job that serves a room. */
  jobPid(room: string): Promise<number>;
  /** The worker that was started last. */
  workerPid(): Promise<number>;
  /** Workers and jobs that are alive. */
  processes(): Promise<number[]>;
  signal(name: NodeJS.Signals): void;
  /** Resolves when the keeper's process has ended. */
  ended(ms: number): Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** Starts the keeper again on the same directory. */
  restart(): Promise<void>;
  /** The keeper's and its children's output. */
  log(): Promise<string>;
  [Symbol.asyncDispose](): Promise<void>;
}

let deployments = 0;
/** LASTWORD_PACE: a whole lane at another pace. Its draws are the same each time: no test meets another world today. */
const paceOfLane = (process.env['LASTWORD_PACE'] ?? 'typical') as PaceName;

/** Resolves when the worker takes calls, or at once with `awaitReady: false`. */
export async function deploy(
  server: LiveKitAddress,
  wish: DeploymentWish = {},
  options: {
    awaitReady?: boolean;
    agent?: string;
    port?: number;
    pace?: PaceName;
    agentName?: string;
    /** Besides, for keeper, worker and jobs. */
    environment?: Record<string, string>;
  } = {},
): Promise<Deployment> {
  const directory = await mkdtemp(path.join(tmpdir(), 'lastword-e2e-'));
  const agentName = options.agentName ?? `agent-${process.pid}-${(deployments += 1)}`;
  const secret = `whsec_${randomBytes(24).toString('base64')}`;
  const lab = await startLab({ pace: options.pace ?? paceOfLane });
  const delivered: Delivered[] = [];
  const receiver = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      try {
        new Webhook(secret).verify(body, request.headers as Record<string, string>);
        const report = JSON.parse(body) as Report;
        assertReport(report);
        delivered.push({ report, id: String(request.headers['webhook-id']), at: Date.now() });
        response.writeHead(204).end();
      } catch (error) {
        failures.push(error instanceof Error ? error : new Error(String(error)));
        response.writeHead(400).end();
      }
    });
  });
  const failures: Error[] = [];
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  const logFile = path.join(directory, 'processes.log');
  const rooms = roomsOf(server);
  const port = options.port ?? (await freePort());
  let keeper: ChildProcess;
  let exit: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  const text = () => readFile(logFile, 'utf8').catch(() => '');

  const start = async (awaitReady: boolean) => {
    const seen = (await text()).length;
    const output = await open(logFile, 'a');
    keeper = fork(
      compiled('test/e2e/harness/keeper-process.ts'),
      [compiled(options.agent ?? 'test/e2e/agents/scripted.ts'), directory],
      {
        execArgv: [],
        stdio: ['ignore', output.fd, output.fd, 'ipc'],
        env: {
          ...process.env,
          ...environmentOf(server),
          LASTWORD_TEST: JSON.stringify(wish),
          LASTWORD_TEST_LAB: `http://127.0.0.1:${lab.port}`,
          LASTWORD_TEST_AGENT: agentName,
          LASTWORD_TEST_PORT: String(port),
          LASTWORD_WEBHOOK_URL: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`,
          LASTWORD_WEBHOOK_SECRET: secret,
          OPENAI_BASE_URL: lab.urls.openai,
          OPENAI_API_KEY: 'lab',
          CARTESIA_BASE_URL: lab.urls.cartesia,
          CARTESIA_API_KEY: 'lab',
          ...options.environment,
        },
      },
    );
    keeper.channel?.unref(); // it closes when this process dies, and the keeper ends then
    const child = keeper;
    exit = new Promise((done) => child.once('exit', (code, signal) => done({ code, signal })));
    void exit.finally(() => output.close());
    if (awaitReady)
      await until(
        'the worker to take calls',
        async () => (await text()).slice(seen).includes('the worker takes calls'),
        READY_MS,
        async () => (await text()).slice(-3000),
      );
  };
  try {
    await start(options.awaitReady ?? true);
  } catch (error) {
    await dispose();
    throw error;
  }

  const journalOf = async (room: string): Promise<SessionJournal | undefined> => {
    for (const session of await listSessions(directory)) {
      const journal = await readSession(directory, session);
      const first = journal.epochs[0]?.entries[0] ?? journal.keeper[0];
      const named =
        first?.kind === 'session.opened' || first?.kind === 'session.accepted' ? first.data.room.name : undefined;
      if (named === room) return journal;
    }
    return undefined;
  };

  async function dispose(): Promise<void> {
    if (keeper?.exitCode === null && keeper.signalCode === null) {
      keeper.kill('SIGTERM');
      const late = setTimeout(() => keeper.kill('SIGKILL'), STOP_MS);
      await exit;
      clearTimeout(late);
    }
    await killLeftovers(directory);
    await lab.close();
    receiver.closeAllConnections();
    receiver.close();
    if (process.env['LASTWORD_KEEP'] === undefined) await rm(directory, { recursive: true, force: true });
    if (failures.length > 0)
      throw new AggregateError(failures, `the receiver refused ${failures.length} deliveries: ${failures[0]?.message}`);
  }

  let calls = 0;
  const room: Deployment['room'] = async (callWish = {}, more = {}) => {
    const channel = `${agentName}-${(calls += 1)}`;
    const { name = channel, ...wished } = more;
    await rooms.create(name, { ...wished, agentName, jobMetadata: JSON.stringify({ channel, ...callWish }) });
    return { name, lab: lab.channel(channel) };
  };
  return {
    lab,
    directory,
    agentName,
    delivered,
    get keeperPid() {
      return keeper.pid as number;
    },
    room,
    call: async (callWish, callerWish) => {
      const made = await room(callWish);
      const account = async () => `The deployment's last words:\n${(await text()).slice(-3000)}`;
      return { ...made, caller: await startCaller({ server, room: made.name, account, ...callerWish }) };
    },
    reportOf: async (name, ms) => {
      const found = () => delivered.filter(({ report }) => report.room?.name === name);
      await until(
        `a report about ${name}`,
        () => found().length > 0,
        ms,
        async () => (await text()).slice(-4000),
      );
      const [first, second] = found();
      if (second) throw new Error(`two reports about ${name}: ${first?.id} and ${second.id}`);
      return first as Delivered;
    },
    journalOf,
    entry: <Kind extends EntryKind>(name: string, kind: Kind, fits: (entry: EntryOf<Kind>) => boolean, ms: number) => {
      const isIt = (entry: Entry): entry is Entry & EntryOf<Kind> =>
        entry.kind === kind && fits(entry as EntryOf<Kind>);
      const look = async (): Promise<EntryOf<Kind> | undefined> =>
        ((await journalOf(name))?.epochs.flatMap((epoch) => epoch.entries) ?? []).find(isIt);
      return until(`an entry ${kind} of ${name}`, look, ms, async () => (await text()).slice(-2000));
    },
    warm: async (count, ms) => {
      const free = async () => {
        const log = await text();
        const pids = (pattern: RegExp) => [...log.matchAll(pattern)].map(([, pid]) => Number(pid));
        const taken = pids(/"pid":(\d+),"msg":"following the job"/g);
        const found = pids(/^warm: (\d+)$/gm);
        return found.filter((pid) => !taken.includes(pid) && existsSync(`/proc/${pid}`));
      };
      await until(
        `${count} warm processes`,
        async () => (await free()).length >= count,
        ms,
        async () => `${(await free()).length} of them; ${(await text()).slice(-2000)}`,
      );
    },
    jobPid: async (name) => {
      const opened = await until(
        `the journal of ${name}`,
        async () => (await journalOf(name))?.epochs[0]?.entries[0],
        10_000,
      );
      if (opened.kind !== 'session.opened') throw new Error(`${name}: the first record is ${opened.kind}`);
      return opened.data.owner.pid;
    },
    workerPid: async () =>
      Number(
        [...(await text()).matchAll(/"workerPid":(\d+)[^\n]*"msg":"(?:worker|the next worker is) started"/g)].at(
          -1,
        )?.[1],
      ),
    processes: () => processesOf(directory),
    signal: (name) => void keeper.kill(name),
    ended: async (ms) => {
      let late: NodeJS.Timeout | undefined;
      const tooLate = new Promise<never>((_, reject) => {
        late = setTimeout(() => reject(new Error(`the keeper did not end within ${ms} ms`)), ms);
      });
      return Promise.race([exit, tooLate]).finally(() => clearTimeout(late));
    },
    restart: () => start(true),
    log: text,
    [Symbol.asyncDispose]: dispose,
  };
}

/** Workers and jobs: they have this directory in their environment. A zombie has none any more. */
async function processesOf(directory: string): Promise<number[]> {
  const found: number[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && name !== String(process.pid))) {
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
    if (environment.includes(`LASTWORD_DIR=${directory}\0`)) found.push(Number(pid));
  }
  return found;
}

/** Whoever survived a keeper that a test killed. */
async function killLeftovers(directory: string): Promise<void> {
  for (const pid of await processesOf(directory)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // it ended by itself
    }
  }
}
