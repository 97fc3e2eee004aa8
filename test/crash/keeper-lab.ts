/** Keepers, workers and jobs as real processes in a directory of their own; what they print is what a test waits for. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { readSession } from '../../src/journal/read.ts';
import type { SessionJournal } from '../../src/journal/entry.ts';
import { type SessionId, sessionIdOf } from '../../src/journal/ids.ts';
import { openStore } from '../../src/store/open.ts';
import type { Report } from '../../src/report/schema.ts';
import type { OwedHangUp } from '../../src/store/store.ts';
import { POINTS } from '../torture/points/blow.ts';
import { startStandIn, type StandIn } from '../unit/twirp-stand-in.ts';
import { compile } from './compile.ts';
import type { FakeEvent, How, Scenario } from './keeper-fake.ts';

let program: Awaited<ReturnType<typeof compile>> | undefined;
/** Forked by path, so no import leads the compiler to it. */
const startedByPath = ['src/delivery/courier-child.ts', 'src/store/store-thread.ts', 'src/keeper/fold-thread.ts'];
/** Loaded before anything else where a process is to die at a place of its own (test/torture/points/). */
const preloaded = 'test/torture/points/die-here.ts';

/** Compiles the programs; returns what removes them. */
export const build = async (): Promise<() => Promise<void>> => {
  program = await compile('test/crash/keeper-main.ts', 'test/crash/keeper-fake.ts', preloaded, ...startedByPath);
  return program.clean;
};

const dyingAt = (points: string): NodeJS.ProcessEnv => ({
  [POINTS]: points,
  NODE_OPTIONS: `--import=${pathToFileURL(program?.path(preloaded) ?? '').href}`,
});

export type Line = Partial<FakeEvent> & { msg?: string; session?: string; code?: number; pid?: number; at: number };

/** Quick where a test waits for the limit; where it does not, long enough for a machine that does other work, too. */
const policy = { startMs: 10_000, beatMs: 100, unresponsiveMs: 3_000, hangUpMs: 3_000, shutdownBudgetMs: 3_000 };
export const quickStart = { policy: { ...policy, startMs: 1_500 } };
export const quickFreeze = { policy: { ...policy, unresponsiveMs: 1_500 } };

export class Lab implements AsyncDisposable {
  readonly lines: Line[] = [];
  readonly pids = new Set<number>();
  #waiters: { condition: (line: Line) => boolean; resolve: (line: Line) => void }[] = [];
  #keepers: ChildProcess[] = [];
  readonly scenario: Scenario;
  readonly directory: string;
  readonly livekit: StandIn;
  errors = '';

  private constructor(directory: string, livekit: StandIn, options: Partial<Scenario>) {
    this.directory = directory;
    this.livekit = livekit;
    this.scenario = {
      directory,
      reports: join(directory, 'reports'),
      livekit: { url: livekit.url, apiKey: 'key', apiSecret: 'secret-that-is-long-enough-for-a-token' },
      policy,
      jobs: [],
      once: join(directory, 'begun'),
      ...options,
    };
  }
  static async open(jobs: Record<string, How> = {}, options: Partial<Scenario> = {}): Promise<Lab> {
    const livekit = await startStandIn();
    const directory = await mkdtemp(join(tmpdir(), 'lastword-keeper-'));
    const list = Object.entries(jobs).map(([session, how]) => ({ session: sessionIdOf(session), how }));
    for (const { session, how } of list)
      livekit.rooms.set(`room-${session}`, [
        { identity: 'caller', sid: 'PA_1', kind: 'STANDARD' },
        ...(how === 'absent' ? [] : [{ identity: `agent-${session}`, sid: 'PA_2', kind: 'AGENT' as const }]),
      ]);
    return new Lab(directory, livekit, { jobs: list, ...options });
  }

  /**
   * Starts a keeper; `ended` resolves with its exit code, or null when it was killed.
   * @param points where it is written at which places its processes die; default: nowhere
   */
  keeper(points?: string): { process: ChildProcess; pid: number; ended: Promise<number | null> } {
    const child = spawn(
      process.execPath,
      [
        program?.path('test/crash/keeper-main.ts') ?? '',
        this.directory,
        `sqlite:${join(this.directory, 'store.db')}`,
        JSON.stringify(this.scenario),
      ],
      { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...(points !== undefined && dyingAt(points)) } },
    );
    this.#keepers.push(child);
    createInterface({ input: child.stdout }).on('line', (text) => this.#take(text));
    child.stderr.on('data', (chunk: Buffer) => (this.errors += chunk.toString()));
    const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
    return { process: child, pid: child.pid ?? 0, ended };
  }

  #take(text: string) {
    let line: Line;
    try {
      line = { ...(JSON.parse(text) as Line), at: performance.now() };
    } catch {
      return;
    }
    this.lines.push(line);
    if (line.fake && line.pid) this.pids.add(line.pid);
    for (const waiter of this.#waiters.filter(({ condition }) => condition(line))) {
      this.#waiters = this.#waiters.filter((other) => other !== waiter);
      waiter.resolve(line);
    }
  }

  /** The first line that fits, from the `from`-th on; within 20 s. */
  until(what: string, condition: (line: Line) => boolean, from = 0): Promise<Line> {
    const found = this.lines.slice(from).find((line) => condition(line));
    if (found) return Promise.resolve(found);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const tail = this.lines.slice(-25).map((line) => JSON.stringify(line));
        reject(new Error(`nothing like "${what}" in 20 s; the last lines were\n${tail.join('\n')}\n${this.errors}`));
      }, 20_000);
      this.#waiters.push({
        condition,
        resolve: (line) => {
          clearTimeout(timer);
          resolve(line);
        },
      });
    });
  }
  /** What a fake said. */
  fake(what: FakeEvent['what'], session?: string, from = 0): Promise<Line> {
    const fits = (line: Line) =>
      line.fake !== undefined && line.what === what && (session === undefined || line.session === session);
    return this.until(`${what} ${session ?? ''}`, fits, from);
  }
  /** What a keeper logged. */
  logged(message: string, session?: string, from = 0): Promise<Line> {
    const fits = (line: Line) =>
      line.msg?.includes(message) === true && (session === undefined || line.session === session);
    return this.until(`${message} ${session ?? ''}`, fits, from);
  }
  async opened(session: SessionId): Promise<number> {
    const { pid } = await this.fake('opened', session);
    await this.logged('following the job', session);
    return pid ?? 0;
  }

  journal(session: SessionId): Promise<SessionJournal> {
    return readSession(this.directory, session);
  }
  /** Only when no keeper runs. */
  async sealed(session: SessionId): Promise<{ report: Report; deliveries: number; states: string[] } | undefined> {
    const store = await openStore(`sqlite:${join(this.directory, 'store.db')}`);
    try {
      const report = await store.report(session);
      const deliveries = await store.deliveries({ limit: 100, session });
      const states = deliveries.map(({ state }) => state);
      return report && { report: JSON.parse(report.body) as Report, deliveries: deliveries.length, states };
    } finally {
      await store.close();
    }
  }
  /** Of its deliveries, also while a keeper runs. */
  async states(session: SessionId): Promise<string[]> {
    const store = await openStore(`sqlite:${join(this.directory, 'store.db')}`);
    try {
      return (await store.deliveries({ limit: 100, session })).map(({ state }) => state);
    } finally {
      await store.close();
    }
  }
  /** Only when no keeper runs. */
  async owed(session: SessionId): Promise<OwedHangUp | undefined> {
    const store = await openStore(`sqlite:${join(this.directory, 'store.db')}`);
    try {
      return (await store.hangUps({ limit: 1, session }))[0];
    } finally {
      await store.close();
    }
  }
  /** LiveKit answers 503 to everything, or is itself again. */
  livekitIsAway(isAway: boolean) {
    const answers = Array.from({ length: isAway ? 1_000 : 0 }, () => 503);
    for (const method of ['ListRooms', 'ListParticipants', 'RemoveParticipant', 'DeleteRoom'])
      this.livekit.next(method, ...answers);
  }
  async delivered(): Promise<string[]> {
    const names = await readdir(this.scenario.reports).catch(() => []);
    return names.filter((name) => !name.startsWith('.')).sort();
  }
  deliveredReport = async (session: string): Promise<Report> =>
    JSON.parse(await readFile(join(this.scenario.reports, `${session}.json`), 'utf8')) as Report;

  async [Symbol.asyncDispose]() {
    for (const child of this.#keepers) child.kill('SIGKILL');
    for (const pid of this.pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended by itself.
      }
    }
    await this.livekit[Symbol.asyncDispose]();
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** A zombie is gone: who starts orphans in a container may have nobody to collect them. */
export const isGone = async (pid: number): Promise<boolean> => {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat === '' || /\) [ZX] /.test(stat);
};
