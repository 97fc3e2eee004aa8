import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/longest-first.ts';

/** A saved call imports what its user would: here it is the sources, so that a planted fault is seen at once. */
const alias = { 'lastword/machines': fileURLToPath(new URL('machines/index.ts', import.meta.url)) };

/**
 * One project a lane, one lane after the other in groups: two cores that decode speech for several calls at once measure
 * each other. Beside each other runs what mostly waits: `ordinary` two files of thirty calls, `faults` four files (one
 * alone leaves nine tenths of a core free), `crash`, `docs` and `e2e` two. Alone run the files that count the last per
 * cents of a goodbye or the first milliseconds of a death (`e2e-alone`), and those whose callers lost a quarter of a line
 * and of their own words beside another file: calls two at a time, a caller who floods, and the long interview.
 */
const lane = (name: string, groupOrder: number, options: Record<string, unknown> = {}) => ({
  resolve: { alias },
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    setupFiles: ['test/replayed.ts'],
    testTimeout: 20_000,
    sequence: { groupOrder },
    ...options,
  },
});
const withProcesses = { fileParallelism: false, testTimeout: 90_000, hookTimeout: 120_000 };
const besideEachOther = (maxWorkers: number) => ({ fileParallelism: true, maxWorkers });
/**
 * Vitest's own default leaves one core idle. With one file more than cores those that wait leave no core idle either
 * (256 s before, 216 s now). Processes are kept for the next file: a fresh one loads the SDK for 1.5 s.
 */
const computing = { ...besideEachOther(availableParallelism() + 1), isolate: false };
/** What `npm run test:quick` leaves out, and `npm test` never does: each with what makes it long. */
const long = Object.values({
  'every order, every pair, hundreds of calls or of hostile values': [
    'machine/adversary',
    'machine/exploration',
    'machine/ordinary-calls',
    'machine/unhurried',
    'unit/hostile-config',
    'unit/hostile-values',
    'unit/ladder-hung',
    'unit/reasons',
  ],
  'planted bugs: they guard the tests, and not the code': ['machine/exploration-planted', 'machine/planted-bugs'],
  'floods: megabytes, and fifty thousand entries': [
    'unit/flooded-room',
    'unit/inspector-hostile',
    'unit/inspector-streams',
    'unit/journal-budget',
    'unit/reads-hostile',
    'unit/report-cap',
  ],
  'hours of a clock, half a minute of silence': [
    'unit/keeper-owed',
    'unit/inspector-guards',
    'unit/keeper-earlier-worker',
  ],
  'sound in real time': ['unit/own-track', 'unit/playout', 'unit/rehearse'],
  'the package is packed': ['unit/package'],
}).flatMap((names) => names.map((name) => `test/${name}.test.ts`));
const gone = long.filter((file) => !existsSync(fileURLToPath(new URL(file, import.meta.url))));
if (gone.length > 0) throw new Error(`test:quick leaves out files that are not there: ${gone.join(', ')}`);
const quick = { ...computing, ...(process.env['LASTWORD_QUICK'] && { exclude: long }) };
const withServer = { ...withProcesses, globalSetup: ['test/e2e/setup.ts'] };
const alone = [
  'ending',
  'faults/floods',
  'harness',
  'providers-die',
  'slow-calls',
  'startup-fails',
  'whole-call',
  'processes/busy-cores',
  'processes/crash',
  'processes/frozen',
  'processes/memory',
  'processes/shutdown',
  'processes/worker-dies',
].map((name) => `test/e2e/${name}.test.ts`);
const interview = ['test/docs/interview.test.ts'];

export default defineConfig({
  test: {
    // The SDK leaves what a dead voice rejects to nobody; a job process logs it and goes on, and so do we (O-B9).
    onUnhandledError: (error) => !/out of order/.test(`${error.message} ${error.stack ?? ''}`),
    sequence: { sequencer: LongestFirst },
    projects: [
      lane('machine', 0, { ...quick, testTimeout: 120_000 }),
      lane('unit', 0, quick),
      lane('contract', 0, { ...quick, testTimeout: 60_000 }),
      lane('ordinary', 1, { ...besideEachOther(2), maxConcurrency: 30, testTimeout: 120_000 }),
      lane('faults', 2, { ...withProcesses, ...besideEachOther(4) }),
      lane('crash', 3, { ...withProcesses, ...besideEachOther(2) }),
      lane('siege', 4, { ...withProcesses, ...besideEachOther(2), globalSetup: ['test/siege/setup.ts'] }),
      lane('e2e', 5, { ...withServer, ...besideEachOther(2), exclude: alone, maxConcurrency: 2 }),
      lane('e2e-alone', 6, { ...withServer, include: alone, maxConcurrency: 2 }),
      lane('docs', 7, { ...withServer, ...besideEachOther(2), exclude: interview }),
      lane('docs-alone', 8, { ...withServer, include: interview }),
      lane('page', 9, {
        ...withServer,
        testTimeout: 60_000,
        globalSetup: [...withServer.globalSetup, 'test/page/setup.ts'],
      }),
      lane('transparency', 10, withProcesses),
    ],
  },
});
