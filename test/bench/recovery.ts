/**
 * How soon a caller whose job is killed hears the agent again: on a real server, with the real plugins against the lab at
 * human speed, a warm process waiting as a worker keeps one. The bare SDK leaves the caller in silence (docs/faults.md).
 *
 *   npm run bench:recovery [-- kills, default 50]
 */
import { readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from '../e2e/harness/compiled.ts';
import { deploy, startLiveKitServer } from '../e2e/harness/index.ts';
import { percentile, shown, withSection } from './figures.ts';

const kills = Number(process.argv[2] ?? 50);
const SORRY = 'Sorry, I lost you for a moment.';
const GREETING = 'Hello, this is Ada.';
const PATIENCE_MS = 20_000;

/** From the kill: any sound of ours, then our words. NaN: not heard. */
type Heard = { soundMs: number; wordsMs: number };
const heard: Heard[] = [];

const server = await startLiveKitServer();
try {
  const deployment = await deploy(server, { onCrash: { resume: 2, say: SORRY }, idleProcesses: 2 });
  try {
    for (let kill = 0; kill < kills; kill += 1) {
      await deployment.warm(2, 60_000);
      const { name, lab, caller } = await deployment.call();
      await caller.until('the greeting', () => (caller.line(lab, GREETING)[0]?.share ?? 0) > 0.9, PATIENCE_MS);
      await deployment.warm(1, 60_000);
      await sleep(1000);
      const killedAt = Date.now();
      process.kill(await deployment.jobPid(name), 'SIGKILL');
      const words = await caller
        .until('our words', () => caller.line(lab, SORRY)[0]?.firstAt, PATIENCE_MS)
        .catch(() => Number.NaN);
      // What was on its way when the process died may sound for 200 ms more.
      const sound = caller.sounds().find(({ from }) => from > killedAt + 250);
      heard.push({ soundMs: (sound?.from ?? Number.NaN) - killedAt, wordsMs: words - killedAt });
      console.log(kill + 1, heard.at(-1));
      await caller.leave();
      await caller[Symbol.asyncDispose]();
      await deployment.reportOf(name, PATIENCE_MS);
    }
  } finally {
    await deployment[Symbol.asyncDispose]();
  }
} finally {
  await server.stop();
}

const row = (what: string, values: readonly number[]) => {
  const known = values.filter((value) => !Number.isNaN(value));
  const [p50, p99] = [percentile(known, 0.5), percentile(known, 0.99)];
  return `| ${what} | ${shown(p50 / 1000, 2)} s | ${shown(p99 / 1000, 2)} s | ${known.length} of ${values.length} |`;
};
const body = `
## A job that is killed

From \`kill -9\` of the job to what its caller hears, ${kills} times one after the other, the voice of the lab at human speed, ${cpus().length} cores (\`npm run bench:recovery\`). The sound may be the recorded filler, which is heard while the words are being made.

| heard again | p50 | p99 | heard |
| --- | --- | --- | --- |
${row(
  'a sound of ours',
  heard.map(({ soundMs }) => soundMs),
)}
${row(
  'our words',
  heard.map(({ wordsMs }) => wordsMs),
)}
`;
const document = path.join(root, 'docs/benchmarks.md');
await writeFile(document, withSection(await readFile(document, 'utf8'), 'bench:recovery', body));
console.log(body);
