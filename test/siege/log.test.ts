/**
 * Whoever reads the log is gone or asleep, its disk is full, its terminal closed: the calls do not notice. The real
 * `lastword start` and `lastword dev` over a stand-in worker (test/crash/keeper-fake.ts) that prints, too.
 *
 * `/dev/full` is a full disk that needs no root; a terminal comes from Python's `pty`, where there is a Python.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { readSession } from '../../src/journal/read.ts';
import type { Scenario } from '../crash/keeper-fake.ts';
import { compile, compiled, until } from '../e2e/harness/index.ts';
import { startStandIn, type StandIn } from '../unit/twirp-stand-in.ts';

const { O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } = constants;
/** More than a pipe, a socket or a terminal holds. */
const MUCH = 400_000;
const pty = fileURLToPath(new URL('./pty.py', import.meta.url));
const python = (() => {
  try {
    return execFileSync('python3', ['-c', 'import pty, sys; print(sys.executable)'], { encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
})();

let directory: string;
let livekit: StandIn;
let jobs: Map<string, number>;
const started: ChildProcess[] = [];

beforeAll(compile, 130_000);
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lastword-log-'));
  livekit = await startStandIn();
  for (const session of ['AJ_1', 'AJ_2'])
    livekit.rooms.set(`room-${session}`, [
      { identity: 'caller', sid: 'PA_1', kind: 'STANDARD' },
      { identity: `agent-${session}`, sid: 'PA_2', kind: 'AGENT' },
    ]);
  const scenario: Scenario = {
    directory,
    reports: join(directory, 'reports'),
    livekit: { url: livekit.url, apiKey: 'key', apiSecret: 'secret-that-is-long-enough-for-a-token' },
    policy: { beatMs: 100, unresponsiveMs: 3_000, shutdownBudgetMs: 6_000 },
    jobs: ['AJ_1', 'AJ_2'].map((session) => ({ session, how: 'talks' })),
    once: join(directory, 'begun'),
  };
  const fake = compiled('test/crash/keeper-fake.ts');
  await writeFile(
    join(directory, 'agent.mjs'),
    `process.stdout.write(('x'.repeat(99) + '\\n').repeat(${MUCH / 100}));
process.argv.splice(1, 9, ${JSON.stringify(fake)}, 'worker', ${JSON.stringify(JSON.stringify(scenario))});
await import(${JSON.stringify(pathToFileURL(fake).href)});`,
  );
});
afterEach(async () => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
  for (const pid of await ours()) process.kill(pid, 'SIGKILL');
  await livekit[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

/** Whatever was started here has the directory in its environment. */
async function ours(): Promise<number[]> {
  const found: number[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
    if (environment.includes(`LASTWORD_DIR=${directory}\0`)) found.push(Number(pid));
  }
  return found;
}

type Keeper = { child: ChildProcess; pid: number; ended: Promise<number | null> };
type Mode = 'start' | 'dev';
const commandOf = (mode: Mode) => [
  process.execPath,
  compiled('src/cli/main.ts'),
  mode,
  join(directory, 'agent.mjs'),
  ...(mode === 'dev' ? ['--json'].slice(1) : []),
];
const environment = () => ({ ...process.env, LASTWORD_DIR: directory });
function keep(mode: Mode, output: number | 'pipe'): Keeper {
  const [program = '', ...args] = commandOf(mode);
  const child = spawn(program, args, { cwd: directory, stdio: ['ignore', output, output], env: environment() });
  started.push(child);
  const ended = new Promise<number | null>((resolve) => void child.once('exit', (code) => resolve(code)));
  return { child, pid: child.pid ?? 0, ended };
}

/** Both jobs have their journals, and the keeper follows them. */
async function bothTalk(): Promise<void> {
  jobs = new Map();
  for (const session of ['AJ_1', 'AJ_2']) {
    const pid = await until(
      `${session} to talk`,
      async () => {
        const journal = await readSession(directory, session).catch(() => undefined);
        const first = journal?.epochs[0]?.entries[0];
        return first?.kind === 'session.opened' ? first.data.owner.pid : undefined;
      },
      20_000,
    );
    jobs.set(session, pid);
  }
}

/** What the keeper is for: a job is killed, its caller let go; the other call talks on, and ends with its goodbye. */
async function servesCalls(end: () => void, ended: Promise<unknown>, code: unknown): Promise<void> {
  const killedAt = performance.now();
  process.kill(jobs.get('AJ_2') ?? 0, 'SIGKILL');
  await until('the caller to be let go', () => !livekit.rooms.has('room-AJ_2'), 10_000);
  expect(performance.now() - killedAt).toBeLessThan(2_000);
  const report = join(directory, 'reports', 'AJ_2.json');
  await until('the report', () => readFile(report, 'utf8').catch(() => ''), 10_000);
  expect(() => process.kill(jobs.get('AJ_1') ?? 0, 0), 'the other call').not.toThrow();
  end();
  expect(await ended).toBe(code);
  const { epochs } = await readSession(directory, 'AJ_1');
  expect(epochs[0]?.entries.at(-1)?.kind).toBe('session.closed');
  expect(await readdir(join(directory, 'reports'))).toEqual(expect.arrayContaining(['AJ_1.json', 'AJ_2.json']));
}

/** A named pipe: the reader's end, and the keeper's. */
function pipe(): { reader: number; writer: number } {
  const path = join(directory, 'log.pipe');
  execFileSync('mkfifo', [path]);
  const reader = openSync(path, O_RDONLY | O_NONBLOCK);
  return { reader, writer: openSync(path, O_WRONLY) };
}

describe.each(['start', 'dev'] as const)('lastword %s', (mode) => {
  test('the disk of its log is full: every call is served, and the exit code is the worker’s', async () => {
    const full = openSync('/dev/full', O_RDWR);
    const { pid, ended } = keep(mode, full);
    closeSync(full);
    await bothTalk();
    await servesCalls(() => process.kill(pid, 'SIGTERM'), ended, 143);
  });

  test('whoever reads its log is gone: every call is served, and nothing exits with 0', async () => {
    const { reader, writer } = pipe();
    const { pid, ended } = keep(mode, writer);
    closeSync(writer);
    await bothTalk();
    closeSync(reader);
    await servesCalls(() => process.kill(pid, 'SIGTERM'), ended, 143);
  });

  test('whoever reads its log sleeps: every call is served, and the end waits for nobody', async () => {
    const { reader, writer } = pipe();
    const { pid, ended } = keep(mode, writer);
    closeSync(writer);
    await bothTalk();
    let endedAt = 0;
    await servesCalls(
      () => {
        endedAt = performance.now();
        process.kill(pid, 'SIGTERM');
      },
      ended,
      143,
    );
    expect(performance.now() - endedAt).toBeLessThan(8_000);
    closeSync(reader);
  });

  test.skipIf(python === undefined)(
    'its terminal stands still, and is closed: every call is served, and told to end with its goodbye',
    async () => {
      const child = spawn(python ?? '', [pty, ...commandOf(mode)], {
        cwd: directory,
        stdio: ['pipe', 'pipe', 'inherit'],
        env: environment(),
      });
      started.push(child);
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      await lines.next(); // the keeper's pid
      await bothTalk();
      await servesCalls(
        () => void child.stdin.write('close\n'),
        lines.next().then(({ value }) => Number(value)),
        143,
      );
    },
  );
});

test('a reader that comes back gets what waited, and is told how many lines are lost', async () => {
  const { reader, writer } = pipe();
  const { child } = keep('start', writer);
  closeSync(writer);
  await bothTalk();
  closeSync(reader);
  process.kill(jobs.get('AJ_2') ?? 0, 'SIGKILL');
  await until('the report', () => readFile(join(directory, 'reports', 'AJ_2.json'), 'utf8').catch(() => ''), 10_000);
  const again = spawn('cat', [join(directory, 'log.pipe')], { stdio: ['ignore', 'pipe', 'inherit'] });
  started.push(again);
  let text = '';
  again.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await until('what waited', () => text.includes('report sealed') && text.includes('report delivered'), 10_000);
  child.kill('SIGTERM');
  await once(child, 'exit');
});
