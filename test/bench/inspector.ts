/**
 * What the inspector promises, in figures, each beside its goal: real journals, a real inspector, a real Chromium.
 *
 *   npm run bench:inspector [-- lit | list | opened | loop | size | start] [--much 1]
 *
 * `--much`: a share of the whole (0.1 is a look). Only the whole of it is written down.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../e2e/harness/compiled.ts';
import { withSection } from './figures.ts';
import { listPart } from './inspector/list.ts';
import { litPart } from './inspector/lit.ts';
import { loopPart } from './inspector/loop.ts';
import { openedPart } from './inspector/opened.ts';
import { sizePart } from './inspector/size.ts';
import { startPart } from './inspector/start.ts';
import { machine, missedOf, withGoals, type Goal } from './keeper/part.ts';

const parts: Record<string, (much: number) => Promise<Goal[]>> = {
  lit: litPart,
  list: listPart,
  opened: openedPart,
  loop: loopPart,
  size: sizePart,
  start: startPart,
};
const { values, positionals } = parseArgs({
  options: { much: { type: 'string', default: '1' } },
  allowPositionals: true,
});
const names = positionals.length > 0 ? positionals : Object.keys(parts);
const unknown = names.filter((name) => !(name in parts));
if (unknown.length > 0) throw new Error(`expected ${Object.keys(parts).join(', ')}, got ${unknown.join(', ')}`);

/** Before anything of ours runs. */
const isBusy = (loadavg()[0] ?? 0) > availableParallelism() / 2;
const rows: Goal[] = [];
for (const name of names) {
  const measured = (await parts[name]?.(Number(values.much))) ?? [];
  console.log(withGoals(measured));
  rows.push(...measured);
}
const body = `## The inspector

\`npm run bench:inspector\`: the inspector and Chromium (headless, no graphics card) are processes of their own. What is bold misses its goal. ${machine()}.${isBusy ? ' **Others worked on this machine meanwhile:** none of these is the figure of an idle one.' : ''}

${withGoals(rows)}
`;
if (positionals.length === 0 && values.much === '1') {
  const file = join(root, 'docs/benchmarks.md');
  const document = existsSync(file) ? readFileSync(file, 'utf8') : '# Benchmarks\n';
  writeFileSync(file, withSection(document, 'bench:inspector', body));
}
const missed = missedOf(rows);
for (const each of missed) console.error(`missed: ${each}`);
process.exit(missed.length > 0 ? 1 : 0);
