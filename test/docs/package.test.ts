/**
 * The package as a stranger gets it: packed, installed into an empty project by the commands of docs/installing.md, and
 * run on a real server.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { assertReport } from '../contract/check-report.ts';
import { expectEndedWell } from '../contract/ended-well.ts';
import { environmentOf, freePort, roomsOf, startCaller, until } from '../e2e/harness/index.ts';
import { repositoryRoot } from './repository.ts';
import { onSmallMachine } from './run-example.ts';

const INSTALL_MS = 110_000;
const STOP_MS = 30_000;
const root = repositoryRoot();
const server = inject('livekit');
const page = await readFile(path.join(root, 'docs/installing.md'), 'utf8');
const blocksOf = (language: string): string[] =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(([, text]) => text ?? '');
const commands = blocksOf('sh').flatMap((block) => block.trim().split('\n'));
/** What the page installs: as it says, but in the versions of this repository where it names none. */
const installedBy = (command: string, versions: Record<string, string>): [string, string][] =>
  command
    .split(' ')
    .slice(2)
    .filter((word) => !word.startsWith('-'))
    .map((word) => {
      const at = word.indexOf('@', 1);
      return at < 0 ? [word, versions[word] ?? '*'] : [word.slice(0, at), word.slice(at + 1)];
    });

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

/** Without a server each of them gets as far as the worker, which says what is missing. */
const NO_SERVER = /lastword: LIVEKIT_URL: expected .*got nothing/;
type Start = { command: string; says: RegExp };
const starts: Start[] = [
  'npx lastword start src/agent.js',
  'node src/agent.js start',
  'npx tsc && node dist/agent.js start',
  'npx tsx src/agent.ts start',
  'node --import tsx src/agent.ts start',
].map((command) => ({ command, says: NO_SERVER }));

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
  const packed = await promisify(execFile)(
    'npm',
    ['pack', '--json', '--ignore-scripts', '--pack-destination', project],
    { cwd: root },
  );
  const [{ filename }] = JSON.parse(packed.stdout) as [{ filename: string }];
  const { devDependencies } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')) as {
    devDependencies: Record<string, string>;
  };
  const installs = commands.filter((command) => command.startsWith('npm i '));
  const dependencies = Object.fromEntries(
    installs.flatMap((command) => installedBy(command, { ...devDependencies, lastword: `file:${filename}` })),
  );
  await writeFile(
    path.join(project, 'package.json'),
    JSON.stringify({ name: 'a-stranger', private: true, type: 'module', dependencies }),
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
  const all = await readdir(path.join(project, 'node_modules/lastword'), { recursive: true });
  const files = all.filter((name) => !name.startsWith('node_modules')); // a dependency of another version than the SDK's
  for (const expected of [
    'dist/src/index.d.ts',
    'dist/machines/index.js',
    'dist/src/cli/main.js',
    'dist/src/sound/assets/apology.en.wav',
    'docs/report.schema.json',
    'docs/installing.md',
    'docs/machines/session.svg',
    'LICENSE',
    'README.md',
  ])
    expect(files).toContain(expected);
  expect(files.filter((name) => /^dist\/(test|docs)|\.test\./.test(name))).toEqual([]);
});

test('every command of docs/installing.md is one that is run here, or was by hand with another package manager', () => {
  const byHand = ['npm init -y && npm pkg set type=module', /^(pnpm|yarn) add lastword @livekit/];
  const here = [/^npm i /, ...starts.map(({ command }) => command)];
  const isKnown = (command: string) =>
    [...byHand, ...here].some((known) => (typeof known === 'string' ? known === command : known.test(command)));
  expect(commands.length).toBeGreaterThan(6);
  expect(commands.filter((command) => !isKnown(command))).toEqual([]);
});

test('the agent of docs/installing.md compiles with the settings of that page, and starts in each of its ways', async () => {
  await mkdir(path.join(project, 'src'));
  const [agent = ''] = blocksOf('ts');
  await writeFile(path.join(project, 'src/agent.ts'), agent);
  await writeFile(path.join(project, 'src/agent.js'), agent);
  await writeFile(path.join(project, 'tsconfig.json'), blocksOf('json')[1] ?? '');
  await writeFile(
    path.join(project, 'common.cjs'),
    "const { defineSession, runWorker } = require('lastword');\nexports.default = defineSession({ program: async (call) => call.end() });\nrunWorker(__filename);\n",
  );
  const compiling = await run('npx', ['--no-install', 'tsc']);
  expect(compiling, compiling.stdout).toMatchObject({ code: 0 });
  const stripsTypes = 'typescript' in process.features && process.features.typescript !== false;
  const bare: Start = {
    command: 'npx lastword start src/agent.ts',
    says: stripsTypes ? NO_SERVER : /expected JavaScript, got src\/agent\.ts/,
  };
  const all = [...starts, bare, { command: 'node common.cjs start', says: NO_SERVER }];
  const seen = await Promise.all(
    all.map(async ({ command }, index) => {
      const words = (command.split(' && ').at(-1) ?? '').split(' ');
      const [program = '', ...args] = words[0] === 'npx' ? ['npx', '--no-install', ...words.slice(1)] : words;
      const directory = path.join(project, `nothing-${index}`);
      const { code, stdout, stderr } = await run(program, args, { LASTWORD_DIR: directory });
      return { command, code, text: `${stdout}${stderr}` };
    }),
  );
  for (const [index, { says }] of all.entries()) {
    expect(seen[index]).toMatchObject({ code: 78 });
    expect(seen[index]?.text).toMatch(says);
  }
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

test('T51 a call runs from it, installed with an empty home and without a compiler: node agent.js start, a caller, one report on disk', async () => {
  const directory = path.join(project, 'work');
  await mkdir(directory);
  const agentName = `installed-${process.pid}`;
  const worker = spawn(process.execPath, ['agent.js', 'start'], {
    cwd: project,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      ...environmentOf(server),
      ...onSmallMachine(),
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
