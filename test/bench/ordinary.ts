/**
 * Healthy calls at human speed on the virtual clock: how many do we harm?
 *
 *   npm run bench:ordinary [-- calls, default 10000] [-- first seed, default 1]
 *
 * Put together from traces of the real AgentSession (bench/ordinary/traces), played to the real ledger and machine.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import path from 'node:path';
import { root } from '../e2e/harness/compiled.ts';
import { shown, withSection } from './figures.ts';
import { type Counts, playMany } from './ordinary/many.ts';

const [calls = 10_000, seed = 1] = process.argv.slice(2).map(Number);
const began = performance.now();
const many = await playMany(calls, {
  seed,
  told: (call) => call % 100 === 0 && process.stdout.write(`\r${call} of ${calls}`),
});
const seconds = (performance.now() - began) / 1000;
process.stdout.write('\r');

const row = (name: string, { calls: played, harmed, fillers, unasked, met, spokenInto }: Counts) =>
  `| ${name} | ${played} | ${harmed} | ${fillers} | ${unasked} | ${met} | ${spokenInto} |`;
const rows = (by: Map<string, Counts>) =>
  [...by].toSorted(([one], [other]) => one.localeCompare(other)).map(([name, counts]) => row(name, counts));
const body = `
## ${calls.toLocaleString('en')} healthy calls

\`npm run bench:ordinary -- ${calls}\`: each is put together from parts of a trace that the real AgentSession made, in an order of its own and with latencies of its own, and played to the real ledger and machine on the virtual clock. **Harmed: ${many.harmed}.** Harmed is a line of ours over a voice or in the caller's turn, a nudge, an apology, a question to say it again, an end but the script's; told from the sounds and from what the person on the line waited for. ${shown(many.minutes / 60)} hours of calls, ${shown(calls / seconds)} calls a second; ${cpus().length} cores (${cpus()[0]?.model.trim()}), Node ${process.versions.node}.

| | calls | harmed | fillers | of these before what nobody had asked for | met by the answer within 300 ms | into which the caller spoke |
| --- | --- | --- | --- | --- | --- | --- |
${row('**all**', many)}
${rows(many.byTempo).join('\n')}
${rows(many.byTrace).join('\n')}
`;
const file = path.join(root, 'docs/benchmarks.md');
await writeFile(file, withSection(await readFile(file, 'utf8'), 'bench:ordinary', body));
console.log(body);
for (const harm of many.first) console.log(harm);
if (many.harmed > 0) process.exitCode = 1;
