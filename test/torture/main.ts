/**
 * Calls at human speed on a real server, while processes die at random: job, worker, keeper and LiveKit itself. At the end
 * three accounts are compared that know nothing of each other (verdict.ts).
 *
 *   npm run torture -- --minutes 10 [--callers 2] [--seed 1] [--only job]
 *
 * Exit code 1 when a promise was broken; then the directory with all journals stays, and is named.
 */
import { parseArgs } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { deploy, roomsOf, startLiveKitServer } from '../e2e/harness/index.ts';
import { randomFrom } from '../machine/random.ts';
import { percentile } from '../bench/figures.ts';
import { isVictim, killAtRandom } from './killer.ts';
import { oneCall } from './one-call.ts';
import { type Told, verdictOf } from './verdict.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    callers: { type: 'string', default: '2' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    only: { type: 'string' },
  },
});
const { only } = values;
if (only !== undefined && !isVictim(only)) {
  console.error(`--only: expected one of those that are killed (docs/README.md), got "${only}"`);
  process.exit(2);
}
const numberOf = (name: 'minutes' | 'callers' | 'seed'): number => {
  const number = Number(values[name]);
  if (Number.isFinite(number) && number > 0) return number;
  console.error(`--${name}: expected a number above 0, got "${values[name]}"`);
  process.exit(2);
};
const SETTLED_MS = 90_000;
const MOST_TURNS = 6;

process.env['LASTWORD_KEEP'] = '1'; // all journals, for whoever looks for the cause
const seed = numberOf('seed');
const minutes = numberOf('minutes');
const callers = numberOf('callers');
const random = randomFrom(seed);
const until = Date.now() + minutes * 60_000;
const begunAt = Date.now();
const say = (text: string) => console.log(`${((Date.now() - begunAt) / 1000).toFixed(1).padStart(7)} s  ${text}`);
say(`seed ${seed}, ${minutes} minutes, ${callers} callers`);

const server = await startLiveKitServer();
const deployment = await deploy(server, {
  goodbye: { say: 'Thank you for calling. Goodbye.' },
  onCrash: { resume: 2 },
  idleProcesses: callers + 1,
});
const told: Told[] = [];
const going = new Set<string>();
const killer = killAtRandom({
  deployment,
  server,
  random,
  rooms: () => [...going],
  only,
  onKill: (what) => say(`kill: ${what}`),
});

async function caller(): Promise<void> {
  while (Date.now() < until) {
    await sleep(500 + random.below(3_000));
    const questions = 1 + random.below(MOST_TURNS);
    const call = await oneCall(deployment, random, { turns: questions, onGreeted: (name) => going.add(name) });
    going.delete(call.name);
    told.push(call);
    const { name, ended, turns, waitsMs, trouble } = call;
    say(
      `${name}: ${ended}, ${turns} turns, longest wait ${Math.max(0, ...waitsMs)} ms${trouble ? `; ${trouble}` : ''}`,
    );
  }
}

await deployment.warm(callers, 60_000);
await Promise.all(Array.from({ length: callers }, caller));
await killer.stop();
say('no more calls; waiting for what is owed');
const heard = () => told.filter(({ heardAgent }) => heardAgent).map(({ name }) => name);
const reported = () => new Set(deployment.delivered.map(({ report }) => report.room?.name));
for (const end = Date.now() + SETTLED_MS; Date.now() < end; await sleep(500))
  if (heard().every((name) => reported().has(name)) && (await roomsOf(server).names()).length === 0) break;

const names = new Set(told.map(({ name }) => name));
const verdict = verdictOf({
  told,
  reports: deployment.delivered.map(({ report }) => report),
  rooms: (await roomsOf(server).names()).filter((name) => names.has(name)),
});
const waits = told.flatMap(({ waitsMs }) => waitsMs);
const { broken, ...rest } = verdict;
console.log({ seed, kills: killer.kills, ...rest });
console.log(
  `an answer was heard after p50 ${percentile(waits, 0.5)} ms, p99 ${percentile(waits, 0.99)} ms, at most ${Math.max(0, ...waits)} ms`,
);
for (const each of broken) console.log(`BROKEN ${each}`);
if (broken.length > 0) console.log(`all journals, and the log: ${deployment.directory}`);
process.exitCode = broken.length > 0 ? 1 : 0;
await deployment[Symbol.asyncDispose]();
await server.stop();
process.exit();
