/**
 * How soon a caller hears the agent again: after a `kill -9` of the job, after a freeze, after the same with the bare SDK;
 * how long nobody listens when the worker was killed, what is missed of a reply when the keeper was, when an answer comes
 * to words whose recognition failed, and when the apology begins where no other job may have the call. On a real server, with the real plugins against the lab at human speed, a
 * warm process waiting as a worker keeps one.
 *
 *   npm run bench:recovery [-- 50 worker keeper]
 *
 * Kills of the job, default 50; a fifth as many of the others, a tenth of the bare SDK. With names of parts (kill, frozen,
 * worker, keeper, recognition, bare, apology) the rows of the others stay as they are in docs/benchmarks.md.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { defaultPolicy } from '../../machines/index.ts';
import { root } from '../e2e/harness/compiled.ts';
import { type Caller, deploy, startCaller, startLiveKitServer } from '../e2e/harness/index.ts';
import { receptionist } from '../../src/testing/index.ts';
import { startBare } from './bare-worker.ts';
import { percentile, shown, withSection } from './figures.ts';

const [times = '50', ...parts] = process.argv.slice(2);
const kills = Number(times);
const known = ['kill', 'frozen', 'worker', 'keeper', 'recognition', 'bare', 'apology'] as const;
const wrong = parts.find((part) => !known.some((name) => name === part));
if (!(kills > 0) || wrong !== undefined) {
  console.error(`expected a number of kills, and then any of ${known.join(', ')}; got "${wrong ?? times}"`);
  process.exit(2);
}
const isWanted = (part: (typeof known)[number]): boolean => parts.length === 0 || parts.includes(part);
const others = Math.max(1, Math.round(kills / 5));
const bareKills = Math.max(3, Math.round(kills / 10));
const QUESTION = 'What are your opening hours?';
const ANSWER = 'We are open from nine to five, Monday to Friday.';
const SORRY = 'Sorry, I lost you for a moment.';
const GREETING = 'Hello, this is Ada.';
const PATIENCE_MS = 30_000;
/**
 * As in production, where a process has waited for its call for minutes: it plays the first instants of one beforehand,
 * 3 s after it was made (job/warm-process.ts), and the one that is made when this call is greeted takes 3 s of a core.
 */
const RESTED_MS = 8_000;

const server = await startLiveKitServer();
const deployed = (resume = 2) => deploy(server, { onCrash: { resume, say: SORRY, apologize: true }, idleProcesses: 2 });
let deployment = await deployed();
type Call = Awaited<ReturnType<typeof deployment.call>>;

/** One call whose greeting was heard, with a warm process for the next job; its report is waited for. */
async function during(what: (call: Call) => Promise<void>): Promise<void> {
  await deployment.warm(2, 60_000);
  const call = await deployment.call();
  const { name, lab, caller } = call;
  await caller.until('the greeting', () => (caller.line(lab, GREETING)[0]?.share ?? 0) > 0.9, PATIENCE_MS);
  await deployment.warm(1, 60_000);
  await sleep(RESTED_MS);
  await what(call);
  await caller.leave();
  await caller[Symbol.asyncDispose]();
  await deployment.reportOf(name, PATIENCE_MS);
}

/** What was on its way when the process died may sound for 200 ms more. */
const soundAfter = (caller: Caller, at: number) => caller.sounds().find(({ from }) => from > at + 250)?.from;
/** From the signal: any sound of ours, then our words. NaN: not heard. */
const heard = {
  SIGKILL: { sound: [] as number[], words: [] as number[] },
  SIGSTOP: { sound: [] as number[], words: [] as number[] },
};
const unheard: number[] = [];
/** Of a reply in the middle of which the keeper was killed: what was heard, 1 for the whole. */
const shares: number[] = [];
/** From the end of a question to its answer: while all is well, and when the recognition of that question fails once. */
const answers = { heard: [] as number[], failed: [] as number[] };
const apologies: number[] = [];
const bare: number[] = [];

/** The bare SDK: the same caller, the same lab, the same signal. */
async function bareJobs(): Promise<void> {
  const worker = await startBare(server, deployment.lab);
  try {
    for (let kill = 0; kill < bareKills; kill += 1) {
      const room = `recovery-bare-${kill}`;
      const channel = deployment.lab.channel(room);
      channel.play(receptionist);
      await using caller = await startCaller({ server, room, agentName: worker.agentName });
      await caller.until('the greeting', () => (caller.line(channel, GREETING)[0]?.share ?? 0) > 0.9, PATIENCE_MS);
      await sleep(1000);
      const at = Date.now();
      process.kill(await worker.jobPid(room), 'SIGKILL');
      await sleep(PATIENCE_MS);
      bare.push((soundAfter(caller, at) ?? Number.NaN) - at);
      console.log('bare', kill + 1, bare.at(-1));
    }
  } finally {
    await worker.stop();
  }
}

try {
  for (const [signal, often] of [
    ['SIGKILL', isWanted('kill') ? kills : 0],
    ['SIGSTOP', isWanted('frozen') ? others : 0],
  ] as const)
    for (let kill = 0; kill < often; kill += 1)
      await during(async ({ name, lab, caller }) => {
        const at = Date.now();
        process.kill(await deployment.jobPid(name), signal);
        const words = await caller
          .until('our words', () => caller.line(lab, SORRY)[0]?.firstAt, PATIENCE_MS)
          .catch(() => Number.NaN);
        heard[signal].words.push(words - at);
        heard[signal].sound.push((soundAfter(caller, at) ?? Number.NaN) - at);
        console.log(signal, kill + 1, heard[signal].sound.at(-1), words - at);
      });
  for (let kill = 0; isWanted('worker') && kill < others; kill += 1) {
    // One that dies again and again is started later each time.
    await deployment[Symbol.asyncDispose]();
    deployment = await deployed();
    await during(async ({ name, caller }) => {
      process.kill(await deployment.workerPid(), 'SIGKILL');
      /** From the last word of the one job in the journal to the moment from which the other one listens. */
      const resumed = async () => {
        const { epochs, keeper } = (await deployment.journalOf(name)) ?? { epochs: [], keeper: [] };
        const left = epochs[0]?.entries.find(({ kind }) => kind === 'handed.over');
        const resumedAt = keeper.find(({ kind }) => kind === 'keeper.resumed')?.at;
        return left && resumedAt !== undefined ? resumedAt - left.at : undefined;
      };
      let ms: number | undefined;
      for (const end = Date.now() + PATIENCE_MS; ms === undefined && Date.now() < end; await sleep(100))
        ms = await resumed();
      unheard.push(caller.find('disconnected') ? Number.NaN : (ms ?? Number.NaN));
      console.log('worker', kill + 1, ms);
    });
  }
  for (let kill = 0; isWanted('keeper') && kill < others; kill += 1)
    await during(async (call) => {
      await call.caller.say(call.lab, QUESTION);
      const share = () => call.caller.line(call.lab, ANSWER)[0]?.share ?? 0;
      await call.caller.until('the answer', () => share() > 0.2, PATIENCE_MS);
      deployment.signal('SIGKILL');
      await deployment.ended(PATIENCE_MS);
      await deployment.restart();
      await call.caller.until('the end of the answer', () => share() > 0.9, PATIENCE_MS).catch(() => {});
      shares.push(share());
      console.log('keeper', kill + 1, share());
    });
  for (let call = 0; isWanted('recognition') && call < others; call += 1)
    await during(async ({ lab, caller }) => {
      for (const which of ['heard', 'failed'] as const) {
        if (which === 'failed') lab.fail('stt', { kind: 'status', status: 500 }, { times: 1 });
        const { to } = await caller.say(lab, QUESTION);
        await caller
          .until('the answer', () => caller.sounds().some(({ from }) => from > to), PATIENCE_MS)
          .catch(() => undefined);
        answers[which].push((caller.sounds().find(({ from }) => from > to)?.from ?? Number.NaN) - to);
        console.log('recognition', which, call + 1, answers[which].at(-1));
        await sleep(RESTED_MS); // until the answer was heard
      }
    });
  if (isWanted('bare')) await bareJobs();
  await deployment[Symbol.asyncDispose]();
  deployment = await deployed(0);
  for (let kill = 0; isWanted('apology') && kill < others; kill += 1)
    await during(async ({ name, caller }) => {
      const at = Date.now();
      process.kill(await deployment.jobPid(name), 'SIGKILL');
      await caller.disconnected(PATIENCE_MS);
      apologies.push((soundAfter(caller, at) ?? Number.NaN) - at);
      console.log('apology', kill + 1, apologies.at(-1));
    });
} finally {
  await deployment[Symbol.asyncDispose]();
  await server.stop();
}

const document = path.join(root, 'docs/benchmarks.md');
const before = await readFile(document, 'utf8');
const earlier = (what: string): string =>
  before.split('\n').find((line) => line.startsWith(`| ${what} |`)) ?? `| ${what} | – | – | – |`;
const row = (what: string, values: readonly number[]) => {
  if (values.length === 0) return earlier(what);
  const known = values.filter((value) => !Number.isNaN(value));
  const [p50, p99] = [percentile(known, 0.5), percentile(known, 0.99)];
  if (known.length === 0) return `| ${what} | never | never | 0 of ${values.length} |`;
  return `| ${what} | ${shown(p50 / 1000, 2)} s | ${shown(p99 / 1000, 2)} s | ${known.length} of ${values.length} |`;
};
const keeperSentence =
  shares.length > 0
    ? `The keeper is killed in the middle of a reply, of which ${shown(100 * percentile(shares, 0), 0)} % were heard in the worst of ${shares.length} calls.`
    : (/The keeper is killed in the middle[^.]*\./.exec(before)?.[0] ?? '');
const body = `
## A call whose process dies

From the signal to what the caller hears, one call after the other, the voice of the lab at human speed, ${cpus().length} cores (\`npm run bench:recovery\`${parts.length > 0 ? '; rows of several runs' : ''}). The sound may be the recorded filler, which is heard while the words are being made. A process that froze is found out after \`unresponsiveMs\` (${defaultPolicy.unresponsiveMs / 1000} s). When the worker dies its jobs talk on, and leave their calls to the next worker when nobody speaks: the figure is how long nobody listens then. ${keeperSentence} The bare SDK was listened to for ${PATIENCE_MS / 1000} s after each kill.

| | p50 | p99 | of |
| --- | --- | --- | --- |
${row('`kill -9` of the job: a sound of ours', heard.SIGKILL.sound)}
${row('`kill -9` of the job: our words', heard.SIGKILL.words)}
${row('the job frozen: a sound of ours', heard.SIGSTOP.sound)}
${row('the job frozen: our words', heard.SIGSTOP.words)}
${row('`kill -9` of the worker: nobody listens', unheard)}
${row('a question, all well: from its end to the answer', answers.heard)}
${row('the same, and its recognition fails once (500)', answers.failed)}
${row('`kill -9` of the job, `resume: 0`: the recorded apology', apologies)}
${row('`kill -9` of the job, bare SDK: a sound', bare)}
`;
await writeFile(document, withSection(before, 'bench:recovery', body));
console.log(body);
