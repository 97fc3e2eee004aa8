/**
 * A keeper under siege: the real `lastword start`, over a stand-in worker and jobs, with LiveKit's server API as a
 * stand-in that says who is in which room. What they print is what a test waits for.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EntryData, EntryKind } from '../../../src/journal/entry.ts';
import type { ToKeeper } from '../../../src/link/messages.ts';
import { openStore } from '../../../src/store/open.ts';
import type { Store } from '../../../src/store/store.ts';
import { compiled, until } from '../../e2e/harness/index.ts';
import { startStandIn, type StandIn } from '../../unit/twirp-stand-in.ts';
import { order } from './orders.ts';
import { jobPort, scenarioVariable, workerPort, type Offer, type Scenario } from './scenario.ts';

const WAIT_MS = 20_000;

/** A line of the keeper's log; `raw` where it is no JSON. */
export type Line = {
  level?: number;
  msg?: string;
  session?: string;
  raw?: string;
  at: number;
  [field: string]: unknown;
};
export type KeeperOptions = {
  /** Default `start`. */
  mode?: 'start' | 'dev';
  /** Its standard input. Default: none. */
  stdin?: 'pipe';
  /** Its standard output instead of a pipe that is read: a descriptor. */
  stdout?: number;
  /** What it is started with: `unshare …`, `prlimit …`. */
  wrapped?: string[];
  nodeFlags?: string[];
  env?: Record<string, string>;
  /** Behind the agent file. */
  args?: string[];
};
export type Keeper = { process: ChildProcess; pid: number; ended: Promise<number | NodeJS.Signals> };
export type JobStatus = { pid: number; lastSeq: number; isConnected: boolean; troubles: string[]; heard: string[] };

export class Siege implements AsyncDisposable {
  readonly lines: Line[] = [];
  errors = '';
  readonly scenario: Scenario;
  readonly livekit: StandIn;
  readonly #keepers: Keeper[] = [];

  private constructor(scenario: Scenario, livekit: StandIn) {
    this.scenario = scenario;
    this.livekit = livekit;
  }

  /** @param options.livekit its URL instead of the stand-in's own: another name for the same address */
  static async lay(options: Partial<Omit<Scenario, 'livekit'>> & { livekit?: (url: string) => string } = {}) {
    const standIn = await startStandIn();
    const scratch = await mkdtemp(join(tmpdir(), 'lastword-siege-'));
    const { livekit = (url) => url, ...rest } = options;
    const scenario: Scenario = {
      scratch,
      directory: join(scratch, 'lastword'),
      livekit: { url: livekit(standIn.url), apiKey: 'key', apiSecret: 'secret-that-is-long-enough-for-a-token' },
      reports: [{ kind: 'file', name: 'reports', directory: join(scratch, 'reports') }],
      alerts: [],
      policy: {},
      ...rest,
    };
    await writeFile(join(scratch, 'scenario.json'), JSON.stringify(scenario));
    return new Siege(scenario, standIn);
  }

  get directory(): string {
    return this.scenario.directory;
  }
  /** Where `reports` go, unless the scenario says otherwise. */
  get reports(): string {
    return join(this.scenario.scratch, 'reports');
  }

  /** Starts a keeper; resolves when its worker is welcome. */
  async keeper(options: KeeperOptions = {}): Promise<Keeper> {
    const before = this.lines.length;
    const keeper = this.start(options);
    const dead = keeper.ended.then((code) => {
      throw new Error(`the keeper ended with ${code} before its worker was welcome\n${this.errors}`);
    });
    dead.catch(() => undefined);
    const isWelcome = async () => {
      const status = (await order(workerPort(this.scenario), 'status').catch(() => undefined)) as
        | { isConnected: boolean }
        | undefined;
      return status?.isConnected;
    };
    const welcome = options.stdout === undefined ? this.logged('the worker takes calls', { from: before }) : undefined;
    await Promise.race([dead, welcome ?? until('a worker that is welcome', isWelcome, WAIT_MS)]);
    return keeper;
  }
  /** Starts a keeper, and waits for nothing. */
  start(options: KeeperOptions = {}): Keeper {
    const { mode = 'start', stdin = 'ignore', stdout, wrapped = [], nodeFlags = [], env = {}, args = [] } = options;
    const agent = compiled('test/siege/harness/besieged-worker.ts');
    const words = [process.execPath, ...nodeFlags, compiled('src/cli/main.ts'), mode, agent, ...args];
    const [file = '', ...rest] = [...wrapped, ...words];
    const child = spawn(file, rest, {
      cwd: this.scenario.scratch,
      stdio: [stdin, stdout ?? 'pipe', 'pipe'],
      env: {
        ...process.env,
        ...env,
        LASTWORD_DIR: this.directory,
        [scenarioVariable]: join(this.scenario.scratch, 'scenario.json'),
      },
    });
    const keeper: Keeper = {
      process: child,
      pid: child.pid ?? 0,
      ended: new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal ?? 1))),
    };
    let unfinished = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      const parts = (unfinished + chunk.toString()).split('\n');
      unfinished = parts.pop() ?? '';
      for (const part of parts) this.lines.push(lineOf(part));
    });
    child.stderr?.on('data', (chunk: Buffer) => (this.errors += chunk.toString()));
    this.#keepers.push(keeper);
    return keeper;
  }

  /** Dispatches a call whose caller is in the room. @returns was it written down? */
  async offer(session: string, more: Omit<Offer, 'session'> = {}): Promise<boolean> {
    this.livekit.rooms.set(`room-${session}`, [
      { identity: 'caller', sid: 'PA_1', kind: 'STANDARD' },
      { identity: `agent-${session}`, sid: 'PA_2', kind: 'AGENT' },
    ]);
    return (await order(workerPort(this.scenario), 'offer', { session, ...more })) as boolean;
  }
  /** A call that the keeper follows. */
  async call(session: string, more: Omit<Offer, 'session'> = {}) {
    if (!(await this.offer(session, more))) throw new Error(`the job ${session} was declined`);
    await until(`${session} connected`, async () => (await this.job(session).status()).isConnected, WAIT_MS);
    return this.job(session);
  }
  job(session: string) {
    const ask = (name: string, body: unknown = {}) => order(jobPort(this.scenario, session), name, body);
    return {
      append: <Kind extends EntryKind>(kind: Kind, data: EntryData[Kind], times = 1) =>
        ask('append', { kind, data, times }),
      durable: () => ask('durable'),
      close: () => ask('close') as Promise<{ isSealed: boolean }>,
      status: () => ask('status') as Promise<JobStatus>,
      isThere: () =>
        ask('status').then(
          () => true,
          () => false,
        ),
      async kill(signal: NodeJS.Signals = 'SIGKILL') {
        process.kill((await this.status()).pid, signal);
      },
    };
  }
  /** A call in the worker's own process. */
  inside(session: string) {
    const ask = (name: string, body: object = {}) => order(workerPort(this.scenario), name, { session, ...body });
    return {
      append: <Kind extends EntryKind>(kind: Kind, data: EntryData[Kind], times = 1) =>
        ask('appendInside', { kind, data, times }),
      close: () => ask('closeInside') as Promise<{ isSealed: boolean }>,
    };
  }
  /** What the worker says over its link. */
  async say(message: ToKeeper): Promise<void> {
    await order(workerPort(this.scenario), 'say', message);
  }

  /** The first line of the log that says so. */
  logged(text: string, { session, from = 0, ms = WAIT_MS }: { session?: string; from?: number; ms?: number } = {}) {
    const fits = (line: Line) =>
      line.msg?.includes(text) === true && (session === undefined || line.session === session);
    const last = () => [...this.lines.slice(-20).map((line) => JSON.stringify(line)), this.errors].join('\n');
    return until(`"${text}" in the log`, () => this.lines.slice(from).find(fits), ms, last);
  }
  /** Resolves when LiveKit no longer has this call's caller. @returns milliseconds since this was asked */
  async released(session: string, ms = WAIT_MS): Promise<number> {
    const begun = performance.now();
    const isGone = () =>
      this.livekit.rooms.get(`room-${session}`)?.some(({ identity }) => identity === 'caller') !== true;
    await until(`the caller of ${session} released`, isGone, ms, () => JSON.stringify(this.lines.slice(-10)));
    return performance.now() - begun;
  }
  async delivered(): Promise<string[]> {
    const names = await readdir(this.reports).catch(() => []);
    return names.filter((name) => !name.startsWith('.')).sort();
  }
  async report(session: string): Promise<unknown> {
    return JSON.parse(await readFile(join(this.reports, `${session}.json`), 'utf8')) as unknown;
  }
  async withStore<Result>(use: (store: Store) => Promise<Result>): Promise<Result> {
    const store = await openStore(`sqlite:${join(this.directory, 'lastword.db')}`);
    try {
      return await use(store);
    } finally {
      await store.close();
    }
  }

  async [Symbol.asyncDispose]() {
    for (const { process: child } of this.#keepers) child.kill('SIGKILL');
    // The stand-ins say in files who they are.
    const names = await readdir(this.scenario.scratch);
    for (const name of names.filter((one) => one.endsWith('.pid'))) {
      try {
        process.kill(Number(readFileSync(join(this.scenario.scratch, name), 'utf8')), 'SIGKILL');
      } catch {
        // It ended by itself.
      }
    }
    await this.livekit[Symbol.asyncDispose]();
    await rm(this.scenario.scratch, { recursive: true, force: true });
  }
}

const lineOf = (text: string): Line => {
  try {
    return { ...(JSON.parse(text) as Omit<Line, 'at'>), at: performance.now() };
  } catch {
    return { raw: text, at: performance.now() };
  }
};
