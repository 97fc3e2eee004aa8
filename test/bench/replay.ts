/**
 * What it costs that a journal replays: bytes of a two-hour call, time of a step in the audio process, time of a replay.
 *
 *   npm run bench:replay [-- calls, default 100]
 *
 * The calls are those of `bench:ordinary`: put together from traces of the real AgentSession, on the virtual clock.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { createActor } from 'xstate';
import { defaultPolicy, differences, digester, replay, sessionMachine } from '../../machines/index.ts';
import type { Entry } from '../../src/journal/entry.ts';
import { toJson } from '../../src/journal/json.ts';
import { lineOf } from '../../src/journal/line.ts';
import { build, hashOfSources } from '../../src/session/machines-build.ts';
import { root } from '../e2e/harness/compiled.ts';
import { shown, withSection } from './figures.ts';
import { compose } from './ordinary/compose.ts';
import { play } from './ordinary/play.ts';
import { readTraces } from './ordinary/trace.ts';

const TWO_HOURS_MS = 7_200_000;
const calls = Number(process.argv[2] ?? 100);
const traces = await readTraces(join(root, 'test/bench/ordinary/traces'));

/** What a line would be without what is there for the replay alone; nothing: the line is there for it alone. */
const without = (entry: Entry): Entry | undefined => {
  const { kind, data } = entry;
  if (kind === 'machine.began' || kind === 'limit' || kind === 'step') return undefined;
  const { digest: _, state: __, ...rest } = data as unknown as Record<string, unknown>;
  return kind === 'transition' || kind === 'effect' ? ({ ...entry, data: rest } as unknown as Entry) : entry;
};
const bytesOf = (entry: Entry | undefined) => (entry ? Buffer.byteLength(lineOf(entry)) : 0);

const sum = { ms: 0, bytes: 0, before: 0, steps: 0, entries: 0, replayMs: 0, different: 0 };
for (let seed = 1; seed <= calls; seed += 1) {
  const call = compose(traces, seed);
  const entries: Entry[] = [];
  const append = (kind: Entry['kind'], data: unknown) =>
    entries.push({ seq: entries.length + 1, at: Date.now(), up: 4_478_176, kind, data: toJson(data) } as Entry);
  await play(call, undefined, { append, durable: () => Promise.resolve() });
  sum.ms += call.end.at;
  sum.entries += entries.length;
  sum.steps += entries.filter(
    ({ kind, data }) => kind === 'event' || kind === 'limit' || (kind === 'effect' && data.phase === 'settled'),
  ).length;
  for (const entry of entries) {
    sum.bytes += bytesOf(entry);
    sum.before += bytesOf(without(entry));
  }
  const began = performance.now();
  sum.different += differences(entries, replay(entries, build)).length;
  sum.replayMs += performance.now() - began;
}
const perCall = (value: number) => (value / sum.ms) * TWO_HOURS_MS;
const mib = (bytes: number) => (bytes / 1024 / 1024).toFixed(2);

const input = { policy: defaultPolicy, resumed: false, elapsedMs: 0, greeting: 'say', goodbye: true } as const;
/** µs of a step of an actor that is called `times` times, with a digest after each or without. */
const stepUs = (times: number, ends: number, isDigested: boolean): number => {
  const actor = createActor(sessionMachine, { input, clock: { setTimeout: () => 0, clearTimeout: () => {} } as never });
  actor.subscribe({ error: () => {} });
  actor.start();
  const end = { by: 'agent', reason: 'again', fault: 'none' } as const;
  for (let index = 0; index < ends; index += 1) actor.send({ type: 'session.end', end, drain: true });
  const digest = digester();
  const began = performance.now();
  for (let index = 0; index < times; index += 1) {
    actor.send({ type: 'cores.switched', areShort: index % 2 === 0 });
    if (isDigested) digest(actor as never, actor.getSnapshot() as never);
  }
  const us = ((performance.now() - began) / times) * 1000;
  actor.stop();
  return us;
};
stepUs(5_000, 0, true);
const [plain, digested, late] = [
  stepUs(20_000, 0, false),
  stepUs(20_000, 0, true),
  stepUs(20_000, 300, true) - stepUs(20_000, 300, false),
];
const hashed = performance.now();
hashOfSources(join(root, 'machines'));
const hashMs = performance.now() - hashed;
const readAt = performance.now();
readFileSync(join(root, 'dist/machines/build.json'), 'utf8');
const readMs = performance.now() - readAt;

const body = `
## What it costs that a journal replays

\`npm run bench:replay -- ${calls}\`: ${calls} calls of \`bench:ordinary\`, ${shown(sum.ms / 60_000)} minutes of talk without a pause between them; of the journal what ledger and machine write. ${cpus().length} cores (${cpus()[0]?.model.trim()}), Node ${process.versions.node}. Digests that differ: **${sum.different}**.

| | |
| --- | --- |
| a call of two hours: entries · steps | ${shown(perCall(sum.entries))} · ${shown(perCall(sum.steps))} |
| its bytes, with what a replay needs · without | ${mib(perCall(sum.bytes))} MiB · ${mib(perCall(sum.before))} MiB |
| to replay it | ${shown(perCall(sum.replayMs))} ms |
| a step of the machine · and its digest | ${shown(plain, 1)} µs · ${shown(digested - plain, 1)} µs |
| the digest after 300 ends that came too late | ${shown(late, 1)} µs |
| which build it is, at the import of a process: read · hashed from sources | ${shown(readMs, 2)} ms · ${shown(hashMs, 1)} ms |
`;
console.log(body);
const file = join(root, 'docs/benchmarks.md');
writeFileSync(
  file,
  withSection(existsSync(file) ? readFileSync(file, 'utf8') : '# Benchmarks\n', 'bench:replay', body),
);
if (sum.different > 0) process.exitCode = 1;
