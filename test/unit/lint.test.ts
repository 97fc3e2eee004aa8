/**
 * The walls of the house stand: each forbidden import and each impurity of machines/, planted in a copy of the layout,
 * is refused by the rules of .oxlintrc.json. A rule that lets its fault pass would be a wall on paper.
 */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

const repository = join(import.meta.dirname, '../..');
const run = promisify(execFile);

type Fault = { where: string; code: string; refusal: RegExp };
const imports = (specifier: string): string => `import * as other from '${specifier}';\nexport const used = other;\n`;
const pure = /machines\/ is pure/;
const lowest = /journal, report, store, link and rooms import machines\/, the ground floor and one another only/;
const ground = /the ground floor: they know one another only/;
const nothing = /it imports nothing/;
const ofTheJob = /A job knows its session and LiveKit/;
const middle = /session and delivery know neither LiveKit nor the keeper/;
const inTheJob = /livekit runs in the job: no keeper, no store/;
const answers = /reads answer from journals and store/;
const inWords = /show puts answers into words/;
const asFiles = /The inspector reads what is written/;
const onTop = /The keeper holds no user code and no @livekit\/agents/;
const faults: Record<string, Fault> = {
  'a machine that imports node': { where: 'machines/a.ts', code: imports('node:fs'), refusal: pure },
  'a machine that imports our sources': {
    where: 'machines/b.ts',
    code: imports('../src/journal/entry.ts'),
    refusal: pure,
  },
  'a machine that imports LiveKit': { where: 'machines/c.ts', code: imports('@livekit/agents'), refusal: pure },
  'a machine that imports the server SDK': {
    where: 'machines/d.ts',
    code: imports('livekit-server-sdk'),
    refusal: pure,
  },
  'a machine that imports any other package': {
    where: 'machines/i.ts',
    code: imports('zod'),
    refusal: pure,
  },
  'a machine that imports a built-in without its prefix': {
    where: 'machines/j.ts',
    code: imports('fs'),
    refusal: pure,
  },
  'a machine that throws dice': {
    where: 'machines/k.ts',
    code: 'export const chance = Math.random();\n',
    refusal: /chance arrives in an event/,
  },
  'a machine that reads the clock': {
    where: 'machines/e.ts',
    code: 'export const now = Date.now();\n',
    refusal: /Unexpected use of 'Date'/,
  },
  'a machine that sets a timer': {
    where: 'machines/f.ts',
    code: 'export const timer = setTimeout(() => {}, 1);\n',
    refusal: /Unexpected use of 'setTimeout'/,
  },
  'a machine that reads the environment': {
    where: 'machines/g.ts',
    code: 'export const home = process.env;\n',
    refusal: /Unexpected use of 'process'/,
  },
  'a machine that asks the network': {
    where: 'machines/h.ts',
    code: 'export const answer = fetch;\n',
    refusal: /Unexpected use of 'fetch'/,
  },
  'an analysis that imports our sources': {
    where: 'machines/analysis/a.ts',
    code: imports('../../src/journal/entry.ts'),
    refusal: pure,
  },
  'an analysis that imports node': { where: 'machines/analysis/b.ts', code: imports('node:fs'), refusal: pure },
  'an analysis that reads the clock': {
    where: 'machines/analysis/c.ts',
    code: 'export const now = Date.now();\n',
    refusal: /Unexpected use of 'Date'/,
  },
  'a wait that imports the journal': {
    where: 'src/waiting/a.ts',
    code: imports('../journal/entry.ts'),
    refusal: ground,
  },
  'an output that imports the machines': {
    where: 'src/output/a.ts',
    code: imports('../../machines/index.ts'),
    refusal: ground,
  },
  'a client that imports a package': { where: 'src/client/a.ts', code: imports('livekit-client'), refusal: nothing },
  'a client that imports our sources': {
    where: 'src/client/b.ts',
    code: imports('../rooms/rooms.ts'),
    refusal: nothing,
  },
  'a job that imports the worker': {
    where: 'src/job/a.ts',
    code: imports('../worker/sdk-pool.ts'),
    refusal: ofTheJob,
  },
  'a job that imports the store': { where: 'src/job/b.ts', code: imports('../store/store.ts'), refusal: ofTheJob },
  'a journal that imports the session': {
    where: 'src/journal/a.ts',
    code: imports('../session/run.ts'),
    refusal: lowest,
  },
  'a report that imports LiveKit': { where: 'src/report/a.ts', code: imports('@livekit/rtc-node'), refusal: lowest },
  'a store that imports the keeper': { where: 'src/store/a.ts', code: imports('../keeper/seal.ts'), refusal: lowest },
  'a link that imports the worker': {
    where: 'src/link/a.ts',
    code: imports('../worker/run-worker.ts'),
    refusal: lowest,
  },
  'rooms that import the delivery': { where: 'src/rooms/a.ts', code: imports('../delivery/relay.ts'), refusal: lowest },
  'a session that imports LiveKit': { where: 'src/session/a.ts', code: imports('@livekit/agents'), refusal: middle },
  'a session that imports its adapters': {
    where: 'src/session/b.ts',
    code: imports('../livekit/act.ts'),
    refusal: middle,
  },
  'a delivery that imports the keeper': {
    where: 'src/delivery/a.ts',
    code: imports('../keeper/seal.ts'),
    refusal: middle,
  },
  'LiveKit adapters that import the keeper': {
    where: 'src/livekit/a.ts',
    code: imports('../keeper/seal.ts'),
    refusal: inTheJob,
  },
  'LiveKit adapters, one folder down, that import the store': {
    where: 'src/livekit/act/a.ts',
    code: imports('../../store/store.ts'),
    refusal: inTheJob,
  },
  'a keeper that imports @livekit/agents': {
    where: 'src/keeper/a.ts',
    code: imports('@livekit/agents'),
    refusal: onTop,
  },
  'a keeper that imports the adapters': {
    where: 'src/keeper/b.ts',
    code: imports('../livekit/act.ts'),
    refusal: onTop,
  },
  'an inspector that imports the job': {
    where: 'src/inspector/a.ts',
    code: imports('../job/run-job.ts'),
    refusal: asFiles,
  },
  'a keeper that imports the reads': { where: 'src/keeper/c.ts', code: imports('../reads/table.ts'), refusal: onTop },
  'an inspector that imports the keeper': {
    where: 'src/inspector/b.ts',
    code: imports('../keeper/seal.ts'),
    refusal: asFiles,
  },
  'a read that imports the keeper': {
    where: 'src/reads/a.ts',
    code: imports('../keeper/reading.ts'),
    refusal: answers,
  },
  'a read that imports who shows it': { where: 'src/reads/b.ts', code: imports('../show/paint.ts'), refusal: answers },
  'a show that imports the store': { where: 'src/show/a.ts', code: imports('../store/open.ts'), refusal: inWords },
  'a show that imports the command line': {
    where: 'src/show/b.ts',
    code: imports('../cli/show.ts'),
    refusal: inWords,
  },
  'a report that imports the reads': { where: 'src/report/r.ts', code: imports('../reads/table.ts'), refusal: lowest },
  'a session that imports the reads': {
    where: 'src/session/d.ts',
    code: imports('../reads/table.ts'),
    refusal: middle,
  },
  any: {
    where: 'src/session/c.ts',
    code: 'export const loose = (value: any): unknown => value;\n',
    refusal: /Unexpected `any`/,
  },
  'a default export': {
    where: 'src/report/b.ts',
    code: 'export default 1;\n',
    refusal: /Prefer named exports|default export/i,
  },
};
/** What the same rules let pass: a wall across an open way would be no better. */
const allowed: Record<string, string> = {
  'machines/allowed.ts': `import { setup } from 'xstate';\nimport { thing } from './thing.ts';\nexport const used = [setup, thing];\n`,
  'machines/thing.ts': 'export const thing = 1;\n',
  'machines/analysis/allowed.ts': `import { thing } from '../thing.ts';\nexport const used = thing;\n`,
  'src/journal/allowed.ts': `import { thing } from '../../machines/thing.ts';\nexport const used = [thing, Date.now()];\n`,
  'src/keeper/allowed.ts': `import { used } from '../journal/allowed.ts';\nexport const again = used;\n`,
};

type Diagnostic = { message: string; filename: string; code?: string; help?: string };
let folder = '';
let diagnostics: Diagnostic[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lastword-lint-'));
  await cp(join(repository, '.oxlintrc.json'), join(folder, '.oxlintrc.json'));
  await symlink(join(repository, 'node_modules'), join(folder, 'node_modules'), 'dir');
  const files = [...Object.values(faults).map(({ where, code }) => [where, code] as const), ...Object.entries(allowed)];
  for (const [where, code] of files) {
    await mkdir(dirname(join(folder, where)), { recursive: true });
    await writeFile(join(folder, where), code);
  }
  const oxlint = join(repository, 'node_modules/oxlint/bin/oxlint');
  // It exits with 1 because it finds what was planted.
  const { stdout } = await run(process.execPath, [oxlint, '--format', 'json', '.'], {
    cwd: folder,
    timeout: 60_000,
  }).catch((error: unknown) => error as { stdout: string });
  ({ diagnostics } = JSON.parse(stdout) as { diagnostics: Diagnostic[] });
}, 90_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const saidOf = (file: string): string =>
  diagnostics
    .filter(({ filename }) => filename === file)
    .map(({ message, help, code }) => [code, message, help].join(' '))
    .join('\n');

test.each(Object.entries(faults))('%s is refused by name', (_, { where, refusal }) => {
  expect(saidOf(where)).toMatch(refusal);
});
test.each(Object.keys(allowed))('%s passes', (file) => {
  expect(saidOf(file)).toBe('');
});
