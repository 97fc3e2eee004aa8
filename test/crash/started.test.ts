/** O-F1 to O-F4: however it is started it starts, or says why not; whoever loses their starter goes. No LiveKit here. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { compile, compiled, freePort, until } from '../e2e/harness/index.ts';

let folder: string;
let release: string;
let lastword: string;
const started: ChildProcess[] = [];

const agentOf = (more: string) => `
import { voice } from ${JSON.stringify(import.meta.resolve('@livekit/agents'))};
import { defineSession, runWorker } from ${JSON.stringify(pathToFileURL(lastword).href)};
export default defineSession({ session: () => ({}), agent: () => new voice.Agent({ instructions: 'x' }) });
${more}
`;
/** By default a dozen processes would be warmed up for calls that never come. */
const ONE = '{ server: { numIdleProcesses: 1 } }';
const RUN = `runWorker(import.meta.url, ${ONE});`;

beforeAll(async () => {
  await compile();
  lastword = compiled('src/index.ts');
}, 130_000);
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lastword-started-'));
  release = join(folder, 'releases 42');
  await mkdir(release);
  await writeFile(join(release, 'agent.mjs'), agentOf(RUN));
});
afterEach(async () => {
  for (const child of started.splice(0)) if (child.exitCode === null) child.kill('SIGTERM');
  const gone = () => processes().then((left) => left.length === 0);
  await until('nobody to be left', gone, 20_000).finally(async () => {
    for (const pid of await processes()) process.kill(pid, 'SIGKILL');
  });
  await rm(folder, { recursive: true, force: true });
});

/** Everything that was started here, and what it started: it has the folder in its environment. */
async function processes(): Promise<number[]> {
  const found: number[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
    if (environment.includes(`LASTWORD_TEST_FOLDER=${folder}\0`)) found.push(Number(pid));
  }
  return found;
}

type Run = { child: ChildProcess; output: () => string; ended: Promise<number | null> };
async function run(file: string, args: string[], env: Record<string, string> = {}): Promise<Run> {
  const { VITEST: _, VITEST_WORKER_ID: __, ...clean } = process.env;
  const child = spawn(file, args, {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...clean,
      LIVEKIT_URL: 'ws://127.0.0.1:9',
      LIVEKIT_API_KEY: 'key',
      LIVEKIT_API_SECRET: 'secret',
      LASTWORD_DIR: join(folder, 'lw'),
      LASTWORD_PORT: String(await freePort()),
      LASTWORD_TEST_FOLDER: folder,
      ...env,
    },
  });
  started.push(child);
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return { child, output: () => text, ended: new Promise((resolve) => child.once('close', (code) => resolve(code))) };
}
const node = (args: string[], env?: Record<string, string>) => run(process.execPath, args, env);
/** The worker has said hello to its keeper. */
const takesHold = ({ output }: Run, times = 1) =>
  until(
    'the worker to be connected',
    () => output().split('the worker is connected').length > times,
    30_000,
    async () => output(),
  );

describe('starts', () => {
  test('O-F2 by a symlinked folder, with a space in its name', async () => {
    await symlink(release, join(folder, 'current'));
    await takesHold(await node([join(folder, 'current', 'agent.mjs'), 'start']));
  });

  test('O-F2 lastword start with a symlinked file', async () => {
    await symlink(join(release, 'agent.mjs'), join(folder, 'linked.mjs'));
    await takesHold(await node([compiled('src/cli/main.ts'), 'start', 'linked.mjs']));
  });

  test('O-F2 by a main file that imports the agent and calls runWorker', async () => {
    await writeFile(join(release, 'only.mjs'), agentOf(''));
    const main = `import { runWorker } from ${JSON.stringify(pathToFileURL(lastword).href)}; import './only.mjs';
runWorker(new URL('./only.mjs', import.meta.url).href, ${ONE});`;
    await writeFile(join(release, 'main.mjs'), main);
    await takesHold(await node([join(release, 'main.mjs'), 'start']));
  });

  test('O-F2 as pm2 does it: a file of its own imports the agent', async () => {
    await writeFile(
      join(folder, 'launcher.mjs'),
      `await import(${JSON.stringify(pathToFileURL(join(release, 'agent.mjs')).href)});`,
    );
    await takesHold(await node([join(folder, 'launcher.mjs'), 'start'], { pm_exec_path: join(release, 'agent.mjs') }));
  });

  test('O-F1 with --enable-source-maps, whose stacks name other files', async () => {
    const map = { version: 3, sources: ['../src/elsewhere.ts'], names: [], mappings: 'AAAA;AACA;AACA;AACA;AACA' };
    const link = `\n//# sourceMappingURL=data:application/json;base64,${Buffer.from(JSON.stringify(map)).toString('base64')}\n`;
    await writeFile(join(release, 'agent.mjs'), agentOf(RUN) + link);
    await takesHold(await node(['--enable-source-maps', join(release, 'agent.mjs'), 'start']));
  });

  test('O-F1 with a loader, as tsx is one: keeper, worker and jobs get it, too', async () => {
    // Only the loader knows what this file is.
    await writeFile(
      join(folder, 'agent.spoken'),
      agentOf(`${RUN}\nprocess.stdout.write('evaluated: ' + process.argv[1] + '\\n');`),
    );
    await writeFile(
      join(folder, 'hooks.mjs'),
      `import { readFile } from 'node:fs/promises';
export const load = async (url, context, next) => url.endsWith('.spoken')
  ? { format: 'module', shortCircuit: true, source: await readFile(new URL(url)) } : next(url, context);`,
    );
    await writeFile(
      join(folder, 'loader.mjs'),
      `import { register } from 'node:module'; register('./hooks.mjs', import.meta.url);`,
    );
    const loader = pathToFileURL(join(folder, 'loader.mjs')).href;
    const agent = await node(['--import', loader, join(folder, 'agent.spoken'), 'start']);
    await takesHold(agent);
    await until(
      'a job process',
      () => agent.output().includes('job_proc_lazy_main'),
      20_000,
      async () => agent.output(),
    );
  });
});

describe('says why not, in one line and with code 78', () => {
  test.each([
    [
      'O-F2 an import without a command',
      'index.mjs',
      `await import('./agent.mjs');`,
      [],
      /no worker starts: .*index\.mjs imports .*agent\.mjs.*node index\.mjs start/,
    ],
    [
      'no defineSession',
      'bare.mjs',
      `import { runWorker } from LASTWORD; ${RUN}`,
      ['start'],
      /expected a defineSession in .*bare\.mjs, got none/,
    ],
    [
      'a file that is not there',
      'gone.mjs',
      `import { runWorker } from LASTWORD; runWorker('/nowhere/agent.mjs');`,
      ['start'],
      /expected the file of the agent, got \/nowhere\/agent\.mjs, which does not exist/,
    ],
    [
      'no calls at once',
      'none.mjs',
      `import { defineSession, runWorker } from LASTWORD; export default defineSession({ program: async () => {} }); runWorker(import.meta.url, { maxCalls: 0 });`,
      ['start'],
      /maxCalls: expected a whole number above 0, got 0; say how many calls this machine can hold/,
    ],
  ])('%s', async (_, name, source, args, line) => {
    await writeFile(join(release, name), source.replace('LASTWORD', JSON.stringify(pathToFileURL(lastword).href)));
    const { ended, output } = await node([join(release, name), ...args]);
    expect(await ended, output()).toBe(78);
    expect(output()).toMatch(line);
    expect(output().trim().split('\n')).toHaveLength(1);
  });

  test.runIf(!('typescript' in process.features))('TypeScript where Node cannot run it, and no loader', async () => {
    await writeFile(join(folder, 'agent.ts'), '');
    const { ended, output } = await node([compiled('src/cli/main.ts'), 'start', join(folder, 'agent.ts')]);
    expect(await ended, output()).toBe(78);
    expect(output()).toMatch(/expected JavaScript, got .*agent\.ts, which Node .* cannot run; compile it.*npx tsx/);
  });

  test('a definition that is no default export', async () => {
    await writeFile(join(release, 'agent.mjs'), agentOf(RUN).replace('export default', 'export const session ='));
    const { ended, output } = await node([join(release, 'agent.mjs'), 'start']);
    expect(await ended, output()).toBe(78);
    expect(output()).toMatch(/agent\.mjs: expected `export default defineSession\(\{ … \}\)`, got nothing/);
  });

  test('O-F4 but download-files needs no environment at all', async () => {
    const none = {
      LIVEKIT_URL: '',
      LIVEKIT_API_KEY: '',
      LIVEKIT_API_SECRET: '',
      LASTWORD_WEBHOOK_URL: 'not a URL',
      LASTWORD_PORT: 'x',
    };
    const { ended, output } = await node([join(release, 'agent.mjs'), 'download-files'], none);
    expect(await ended, output()).toBe(0);
  });
});

describe('whose starter is gone', () => {
  test('O-F3 kill -9 of the process in front: keeper, worker and jobs go, and a restart works at once', async () => {
    const first = await node([join(release, 'agent.mjs'), 'start']);
    await takesHold(first);
    first.child.kill('SIGKILL');
    const second = await node([join(release, 'agent.mjs'), 'start'], { LASTWORD_PORT: String(await freePort()) });
    await takesHold(second); // whether the keeper before is still there (it is waited for), or is gone
  });

  test('O-F3 a shell between npm and us that passes no signal on', async () => {
    const command = `"$0" "$1" start; true`; // the shell stays
    const front = await run('/bin/sh', ['-c', command, process.execPath, join(release, 'agent.mjs')], {
      npm_lifecycle_event: 'start',
    });
    await takesHold(front);
    front.child.kill('SIGTERM');
    await until(
      'everybody to be gone',
      async () => (await processes()).length === 0,
      15_000,
      async () => front.output(),
    );
  });
});
