/**
 * Faults, side by side: the bare SDK at its best, and Lastword, each fault on the wire, in one run.
 *
 *   npm run bench:faults [-- --only T26,B3] [--calls 3] [--reports FILE]
 *
 * Writes the table into docs/faults.md (with --only the other rows stay; --only takes names, too), and exits with 1 where Lastword misses a goal
 * or the bare SDK does better.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { version as sdk } from '@livekit/agents';
import { defaultPolicy, silenceBound, startBound } from '../../src/index.ts';
import { root } from '../e2e/harness/compiled.ts';
import { serverVersion, startLiveKitServer } from '../e2e/harness/server.ts';
import { rows as catalogue } from './faults/catalogue.ts';
import { type Bounds, defeats, misses, type Pair } from './faults/goals.ts';
import { startReceiver } from './faults/receiver.ts';
import { runAll } from './faults/run-all.ts';
import { body, lineOf } from './faults/table.ts';
import { withSection } from './figures.ts';

const { values } = parseArgs({
  options: { only: { type: 'string' }, calls: { type: 'string', default: '3' }, reports: { type: 'string' } },
});
const only = values.only?.split(',');
const rows = catalogue.filter(({ ids, name }) => !only || only.some((each) => ids.includes(each) || each === name));
const unknown = only?.find((each) => !catalogue.some(({ ids, name }) => ids.includes(each) || each === name));
if (unknown !== undefined) {
  console.error(`--only: expected fault ids, or names of rows as docs/faults.md has them, got "${unknown}"`);
  process.exit(2);
}
const bounds: Bounds = { silenceMs: silenceBound(defaultPolicy), startMs: startBound(defaultPolicy) };
const begun = Date.now();
/** One row fills the memory of its job: that of the job, not of the machine. Both sides have as much. */
process.env['NODE_OPTIONS'] = `${process.env['NODE_OPTIONS'] ?? ''} --max-old-space-size=384`.trim();

const server = await startLiveKitServer();
const receiver = await startReceiver();
const { pairs, failures } = await runAll(rows, { server, receiver, calls: Number(values.calls) }).finally(async () => {
  receiver.close();
  await server.stop();
  if (values.reports !== undefined) await writeFile(values.reports, JSON.stringify(receiver.all(), undefined, 2));
});

const took = only ? 'rows of several runs' : `all rows in ${((Date.now() - begun) / 60_000).toFixed(0)} minutes`;
const about = `\`npm run bench:faults\`, last on ${new Date().toISOString().slice(0, 10)} (${took}): @livekit/agents ${sdk}, livekit-server ${serverVersion}, Node ${process.versions.node}, ${cpus().length} cores. One call a row and side, measured at the caller. The bare agent is [faulty-bare.ts](../test/bench/agents/faulty-bare.ts), as the SDK's documentation has it at its best; ours is [faulty-lastword.ts](../test/bench/agents/faulty-lastword.ts), with the same models, fallbacks and agent.

*Silence*: from the fault, or from the caller's last word, to the first sound or the release; cut off at 60 s. The limit is ${bounds.silenceMs / 1000} s, in rows about the start ${bounds.startMs / 1000} s. *Left alone*: nobody has hung up by then, and the room stays. *True*: one report came, and it names what happened. Bold is missed; a silence is bold, too, when a later one of the same call was too long. The bare SDK counts as better in a cell when it keeps what Lastword misses, goes on with a call that Lastword ends, or is sooner by more than a second: one call is no measurement of less. A release without a word is not sooner than an apology or an answer.`;
const file = path.join(root, 'docs/faults.md');
const document = await readFile(file, 'utf8');
const lines = pairs.map((pair) => lineOf(pair, bounds));
await writeFile(file, withSection(document, 'bench:faults', body(document, lines, catalogue, about)));

for (const line of lines) console.log(line);
const named = (pair: Pair, cells: string[], what: string) =>
  cells.map((cell) => `${what}: ${pair.row.name}: ${cell} (${JSON.stringify(pair.lastword)})`);
const problems = [
  ...pairs.flatMap((pair) => named(pair, misses(pair.row, pair.lastword, bounds), 'missed')),
  ...pairs.flatMap((pair) => named(pair, defeats(pair, bounds), 'the bare SDK is better')),
  ...failures,
];
for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;
