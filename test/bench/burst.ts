/**
 * Callers who all come at the same moment: when does each hear the greeting? The bare SDK and Lastword in turn, each
 * with its default settings, on a real server.
 *
 *   npm run bench:burst [-- callers, default 10] [-- rounds, default 1]
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { compiled, root } from '../e2e/harness/compiled.ts';
import { deploy, roomsOf, startLiveKitServer } from '../e2e/harness/index.ts';
import type { LiveKitAddress } from '../e2e/harness/index.ts';
import type { Burst, Greeted } from './burst-callers.ts';
import { startBare } from './bare-worker.ts';
import { median, shown, withSection } from './figures.ts';

const callers = Number(process.argv[2] ?? 10);
const rounds = Number(process.argv[3] ?? 1);
/** From the registered worker to the burst: a worker that has been up for a moment. */
const SETTLED_MS = Number(process.env['BURST_SETTLED_MS'] ?? 15_000);
const PATIENCE_MS = 60_000;

/** From joined to the first sound of each, in milliseconds; NaN for who was never greeted. */
async function burst(server: LiveKitAddress, agentName: string): Promise<number[]> {
  const rooms = Array.from({ length: callers }, (_, index) => `${agentName}-burst-${index}`);
  const access = roomsOf(server);
  const tokens = await Promise.all(rooms.map((room) => access.token({ room, identity: 'caller', agentName })));
  const child = fork(compiled('test/bench/burst-callers.ts'), [], { execArgv: [] });
  await once(child, 'message'); // it is up
  await sleep(1000);
  child.send({ url: server.url, tokens, patienceMs: PATIENCE_MS } satisfies Burst);
  const [{ greetedMs }] = (await once(child, 'message')) as [Greeted];
  await once(child, 'exit');
  return greetedMs.map((ms) => ms ?? Number.NaN);
}

const server = await startLiveKitServer();
const results: { prewarmMs: number; who: 'lastword' | 'bare'; greetedMs: number[] }[] = [];
const only = process.env['BURST_ONLY'];
try {
  for (let round = 0; round < rounds; round += 1)
    for (const prewarmMs of (process.env['BURST_PREWARM'] ?? '0,3000').split(',').map(Number)) {
      const deployment = await deploy(server, { prewarmMs, idleProcesses: 0 });
      try {
        await sleep(SETTLED_MS);
        if (only !== 'bare') {
          const greetedMs = await burst(server, deployment.agentName);
          results.push({ prewarmMs, who: 'lastword', greetedMs });
          console.log('lastword', prewarmMs, greetedMs.map((ms) => shown(ms)).join(' '));
        }
        if (process.env['BURST_LOG']) await writeFile(process.env['BURST_LOG'], await deployment.log());
        deployment.signal('SIGTERM');
        await deployment.ended(60_000);
        if (only !== 'lastword') {
          const settings = { LASTWORD_TEST_PREWARM: String(prewarmMs), LASTWORD_TEST_IDLE: 'default' };
          const bare = await startBare(server, deployment.lab, settings);
          try {
            await sleep(SETTLED_MS);
            const greetedMs = await burst(server, bare.agentName);
            results.push({ prewarmMs, who: 'bare', greetedMs });
            console.log('bare', prewarmMs, greetedMs.map((ms) => shown(ms)).join(' '));
          } finally {
            await bare.stop();
          }
        }
      } finally {
        await deployment[Symbol.asyncDispose]();
      }
    }
} finally {
  await server.stop();
}

/** The last: who was never greeted waited longest. */
const worst = (values: readonly number[]) => (values.some(Number.isNaN) ? Infinity : Math.max(...values));
const seconds = (ms: number) => (Number.isFinite(ms) ? `${shown(ms / 1000, 1)} s` : 'never');
const rows = [...new Set(results.map(({ prewarmMs }) => prewarmMs))].map((prewarmMs) => {
  const of = (who: 'lastword' | 'bare') =>
    results
      .filter((each) => each.prewarmMs === prewarmMs && each.who === who)
      .flatMap(({ greetedMs }) => greetedMs)
      .map((ms) => (Number.isNaN(ms) ? Infinity : ms));
  const [ours, theirs] = [of('lastword'), of('bare')];
  const cells = (all: number[]) =>
    `${all.filter(Number.isFinite).length} of ${all.length} | ${seconds(median(all))} | ${seconds(worst(all))}`;
  return `| ${prewarmMs / 1000} s | ${cells(ours)} | ${cells(theirs)} | ${shown(median(ours) / median(theirs), 2)}, ${shown(worst(ours) / worst(theirs), 2)} |`;
});
const body = `
## Callers who come at the same moment

\`npm run bench:burst -- ${callers} ${rounds}\`: ${callers} callers join at once, ${SETTLED_MS / 1000} s after the worker is registered, default settings on both sides; ${cpus().length} cores (${cpus()[0]?.model.trim()}), Node ${process.versions.node}. From joined to the first audio of the greeting, measured at the callers. The goal: all greeted, median and worst at most half of the bare SDK's.

| prewarm | Lastword: greeted | median | worst | bare SDK: greeted | median | worst | ratio of medians, of worsts |
| --- | --- | --- | --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
if (only === undefined) {
  const file = path.join(root, 'docs/benchmarks.md');
  await writeFile(file, withSection(await readFile(file, 'utf8'), 'bench:burst', body));
}
console.log(body);
