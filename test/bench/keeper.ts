/**
 * What the keeper promises under siege and at work, in figures, each part beside its goals.
 *
 *   npm run bench:keeper [-- releases | relay | loop | memory] [--much 1]
 *
 * `--much`: a share of the whole (0.1 is a look). PostgreSQL and Redis have to be there for the other queues (Debian:
 * `postgresql`, `redis-server`); they are started in a folder of their own.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../e2e/harness/compiled.ts';
import { withSection } from './figures.ts';
import type { Part } from './keeper/part.ts';
import { loopPart } from './keeper/loop.ts';
import { memoryPart } from './keeper/memory.ts';
import { relayPart } from './keeper/relay.ts';
import { releasesPart } from './keeper/releases.ts';

const parts: Record<string, (much: number) => Promise<Part>> = {
  releases: releasesPart,
  relay: (much) => relayPart(Math.max(1, Math.round(3 * much))),
  loop: loopPart,
  memory: memoryPart,
};
const { values, positionals } = parseArgs({
  options: { much: { type: 'string', default: '1' } },
  allowPositionals: true,
});
const names = positionals.length > 0 ? positionals : Object.keys(parts);
const unknown = names.filter((name) => !(name in parts));
if (unknown.length > 0) throw new Error(`expected ${Object.keys(parts).join(', ')}, got ${unknown.join(', ')}`);

/** A place for each part, in their order. */
const empty = Object.keys(parts).map((name) => `<!-- bench:keeper:${name} -->\n<!-- /bench:keeper:${name} -->`);
const heading = '## The keeper\n\n`npm run bench:keeper`. What is bold misses its goal.';
const file = join(root, 'docs/benchmarks.md');
const missed: string[] = [];
for (const name of names) {
  const part = await parts[name]?.(Number(values.much));
  if (!part) continue;
  console.log(part.body);
  missed.push(...part.missed);
  const document = existsSync(file) ? readFileSync(file, 'utf8') : '# Benchmarks\n';
  const placed = document.includes('<!-- bench:keeper -->')
    ? document
    : withSection(document, 'bench:keeper', [heading, ...empty].join('\n\n'));
  writeFileSync(file, withSection(placed, `bench:keeper:${name}`, part.body));
}
for (const each of missed) console.error(`missed: ${each}`);
process.exit(missed.length > 0 ? 1 : 0);
