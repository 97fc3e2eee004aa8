/** The package as a stranger gets it: packed, installed into an empty project, and run on a real server. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { assertReport } from '../contract/check-report.ts';
import { expectEndedWell } from '../contract/ended-well.ts';
import { freePort, roomsOf, startCaller, until } from '../e2e/harness/index.ts';
import { repositoryRoot } from './repository.ts';

const INSTALL_MS = 110_000;
const STOP_MS = 30_000;
const root = repositoryRoot();
const server = inject('livekit');

const agentFile = `import { defineSession, file, runWorker } from 'lastword';

export default defineSession({
  program: async (call) => {
    call.attach('installed', true);
    call.end('done');
  },
  reports: [file({ dir: './reports' })],
});

runWorker(import.meta.url);
`;

type Finished = { code: number; stdout: string; stderr: string };
let project = '';

const run = async (
  command: string,
  args: string[],
  environment: NodeJS.ProcessEnv = {},
  ms = 60_000,
): Promise<Finished> => {
  // What npm tells its own scripts would be taken for the settings of this installation.
  const clean = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^npm_|^LIVEKIT_|^LASTWORD_/.test(name)),
  );
  const options = { cwd: project, env: { ...clean, ...environment }, timeout: ms, maxBuffer: 64 * 1024 * 1024 };
  return promisify(execFile)(command, args, options).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: Finished & { code: number | null }) => ({
      code: error.code ?? -1,
      stdout: error.stdout,
      stderr: error.stderr,
    }),
  );
};

beforeAll(async () => {
  project = await realpath(await mkdtemp(path.join(tmpdir(), 'lastword-installed-')));
  const packed = await promisify(execFile)('npm', ['pack', '--json', '--pack-destination', project], { cwd: root });
  const [{ filename }] = JSON.parse(packed.stdout) as [{ filename: string }];
  const { devDependencies } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')) as {
    devDependencies: Record<string, string>;
  };
  const peers = ['@livekit/agents', '@livekit/rtc-node'].map((name) => [name, devDependencies[name]]);
  await writeFile(
    path.join(project, 'package.json'),
    JSON.stringify({
      name: 'a-stranger',
      private: true,
      type: 'module',
      dependencies: { lastword: `file:${filename}`, ...Object.fromEntries(peers) },
    }),
  );
  await writeFile(path.join(project, 'agent.js'), agentFile);
  const cache = (await promisify(execFile)('npm', ['config', 'get', 'cache'], { cwd: root })).stdout.trim();
  const emptyHome = path.join(project, 'home');
  await mkdir(emptyHome);
  const installed = await run(
    'npm',
    ['install', '--prefer-offline', '--no-audit', '--no-fund', '--cache', cache],
    { HOME: emptyHome, CC: 'false', CXX: 'false' }, // whoever has to compile something fails
    INSTALL_MS,
  );
  expect(installed, installed.stderr).toMatchObject({ code: 0 });
}, INSTALL_MS + 30_000);
afterAll(() => rm(project, { recursive: true, force: true }));

test('the tarball holds what is published: code, types, machines, recordings, and no tests', async () => {
  const files = await readdir(path.join(project, 'node_modules/lastword'), { recursive: true });
  for (const expected of [
    'dist/src/index.d.ts',
    'dist/machines/index.js',
    'dist/src/cli/main.js',
    'dist/src/assets/apology.en.wav',
    'docs/report.schema.json',
    'LICENSE',
    'README.md',
  ])
    expect(files).toContain(expected);
  expect(files.filter((name) => /^dist\/(test|docs)|\.test\./.test(name))).toEqual([]);
});

test('lastword --help works', async () => {
  const { code, stdout } = await run('npx', ['--no-install', 'lastword', '--help']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^lastword COMMAND/);
  expect(stdout).toMatch(/redeliver/);
});

test('a definition that cannot work is refused in words, by an agent file that imports the package', async () => {
  await writeFile(
    path.join(project, 'wrong.js'),
    "import { defineSession } from 'lastword';\ndefineSession({ greting: 'wait' });\n",
  );
  const { code, stderr } = await run('node', ['wrong.js']);
  expect(code).toBe(1);
  expect(stderr).toMatch(/LASTWORD_DEFINITION: .*\n +greting: expected one of/);
});

test('without a server the agent file is refused in one line that names the variable', async () => {
  const { code, stdout, stderr } = await run('npx', ['--no-install', 'lastword', 'start', 'agent.js'], {
    LASTWORD_DIR: path.join(project, 'nowhere'),
  });
  expect(code).toBe(78);
  expect(`${stdout}${stderr}`).toMatch(/lastword: LIVEKIT_URL: expected .*got nothing/);
});

test('T51 a call runs from it, installed with an empty home and without a compiler: node agent.js start, a caller, one report on disk', async () => {
  const directory = path.join(project, 'work');
  await mkdir(directory);
  const agentName = `installed-${process.pid}`;
  const worker = spawn(process.execPath, ['agent.js', 'start'], {
    cwd: project,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      LIVEKIT_URL: server.url,
      LIVEKIT_API_KEY: server.apiKey,
      LIVEKIT_API_SECRET: server.apiSecret,
      LIVEKIT_AGENT_NAME: agentName,
      LASTWORD_DIR: directory,
      LASTWORD_PORT: String(await freePort()),
      LOG_LEVEL: 'debug',
    },
  });
  const exited = once(worker, 'exit');
  let output = '';
  for (const stream of [worker.stdout, worker.stderr]) stream.on('data', (data: Buffer) => (output += data.toString()));
  const lastLines = () => output.slice(-3000);
  try {
    await until(
      'a warm worker',
      () => output.includes('the worker takes calls') && output.includes('job runner initialized'),
      40_000,
      lastLines,
    );
    await roomsOf(server).create(agentName, { agentName });
    await using caller = await startCaller({ server, room: agentName, microphone: 'none' });
    expect(await caller.disconnected(30_000)).toMatchObject({ reason: 'ROOM_DELETED' });
    const reports = path.join(project, 'reports');
    const [name = ''] = await until(
      'a report',
      async () => {
        const found = (await readdir(reports).catch(() => [])).filter((each) => each.endsWith('.json'));
        return found.length > 0 && found;
      },
      15_000,
      lastLines,
    );
    const report: unknown = JSON.parse(await readFile(path.join(reports, name), 'utf8'));
    assertReport(report);
    expectEndedWell(
      { reports: [report], rooms: await roomsOf(server).names() },
      { by: 'agent', reason: 'done', stage: 'connecting', fault: 'none', goodbye: null },
    );
    expect(report.application.attachments).toEqual({ installed: true });
  } finally {
    worker.kill('SIGTERM');
    const late = setTimeout(() => worker.kill('SIGKILL'), STOP_MS);
    await exited;
    clearTimeout(late);
  }
});
