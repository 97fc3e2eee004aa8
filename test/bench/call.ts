/**
 * Calls on a real server, Lastword and the bare SDK in turn: what does the orchestration cost, and what does it give?
 *
 *   npm run bench:call [-- calls of each, default 40] [-- deaths, default half as many, at least 10]
 *
 * Forty calls of each take half an hour. Fewer are printed and not written down.
 *
 * The noise floor is the bare SDK against itself: its even calls beside its odd ones.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startCaller } from '../e2e/harness/caller.ts';
import { root } from '../e2e/harness/compiled.ts';
import { deploy, startLiveKitServer } from '../e2e/harness/index.ts';
import type { LiveKitAddress } from '../e2e/harness/index.ts';
import type { Lab, LabScript } from '../../src/testing/index.ts';
import { receptionist } from '../../src/testing/index.ts';
import { startBare } from './bare-worker.ts';
import { median, percentile, shown, withSection } from './figures.ts';

const WRITTEN_FROM = 40;
const calls = Number(process.argv[2] ?? WRITTEN_FROM);
const deaths = Number(process.argv[3] ?? Math.max(10, Math.round(calls / 2)));
const GREETING = 'Hello, this is Ada.';
const GOODBYE = 'Thank you very much for calling us today. Goodbye, and have a nice day.';
/** The bare SDK's tool asks the model for the goodbye, ours says it; both say the same words. */
const script: LabScript = {
  ...receptionist,
  rules: [
    { when: { afterTool: 'end_call' }, answer: { say: GOODBYE } },
    { when: { user: 'goodbye', offers: 'end_call' }, answer: { tools: [{ name: 'end_call' }] } },
    ...receptionist.rules,
  ],
};

/** What the caller says in each call, and what they are answered. */
const TURNS = [
  ['What is your name?', 'I am Ada, at the front desk.'],
  ['How are you?', 'Very well, thank you. And you?'],
] as const;

/**
 * What a caller takes before they speak: nobody answers a greeting with its last sound. Of either side a process for the
 * next call is started meanwhile, by the bare SDK beside the greeting, by us while it plays.
 */
const THINKING_MS = 1000;

/** `turnsMs`: from the caller's last sound to the first one of the answer. */
type Measured = { greetingMs: number; turnsMs: number[]; hangUpMs: number; share: number; memoryMiB: number };

async function measure(
  server: LiveKitAddress,
  lab: Lab,
  agentName: string,
  room: string,
  agentFile: string,
): Promise<Measured> {
  const channel = lab.channel(room);
  channel.play(script);
  // The caller's process is up before it joins: its start beside the job's would slow the job, and join the later for it.
  await using caller = await startCaller({ server, room, agentName });
  await caller.until('the greeting', () => (caller.line(channel, GREETING)[0]?.share ?? 0) > 0.9, 20_000);
  const turnsMs: number[] = [];
  for (const [asked, answer] of TURNS) {
    await sleep(THINKING_MS);
    const { to: saidAt } = await caller.say(channel, asked);
    const heard = () => caller.line(channel, answer)[0];
    await caller.until(`"${answer}"`, () => (heard()?.share ?? 0) > 0.9, 20_000);
    turnsMs.push((heard()?.firstAt ?? Number.NaN) - saidAt);
  }
  const memoryMiB = await memoryOf(agentFile);
  await caller.say(channel, 'Goodbye.');
  const { at } = await caller.disconnected(40_000);
  const greeting = caller.line(channel, GREETING)[0];
  const goodbye = caller.line(channel, GOODBYE)[0];
  return {
    greetingMs: (greeting?.firstAt ?? Number.NaN) - caller.joinedAt,
    turnsMs,
    hangUpMs: at - (goodbye?.lastAt ?? Number.NaN),
    share: goodbye?.share ?? 0,
    memoryMiB,
  };
}

/** Resident memory of the job that is at work: of the agent file's job processes the largest (the idle one has no call). */
async function memoryOf(agentFile: string): Promise<number> {
  const sizes: number[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (!command.includes('job_proc_lazy_main') || !command.includes(agentFile)) continue;
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    sizes.push(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
  }
  return Math.max(0, ...sizes);
}

const server = await startLiveKitServer();
const deployment = await deploy(server, { goodbye: { say: GOODBYE } });
const bare = await startBare(server, deployment.lab);
const results = { lastword: [] as Measured[], bare: [] as Measured[] };
const killed: number[] = [];
try {
  // One call of each to warm up; then in turn, so that whatever else the machine does meets both.
  for (let call = 0; call <= calls; call += 1) {
    for (const who of ['lastword', 'bare'] as const) {
      const [agentName, file] =
        who === 'bare' ? [bare.agentName, 'bench/agents/bare'] : [deployment.agentName, 'e2e/agents/scripted'];
      const measured = await measure(server, deployment.lab, agentName, `bench-${who}-${call}`, file).catch(
        (error: unknown) => {
          console.error(`${who} ${call}: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`);
          return undefined;
        },
      );
      if (call > 0 && measured) results[who].push(measured);
    }
    process.stdout.write(`\r${call} of ${calls}`);
  }
  for (let death = 0; death < deaths; death += 1) {
    const { name } = await deployment.room();
    const pid = await deployment.jobPid(name);
    await deployment.entry(name, 'effect', ({ data }) => data.name === 'awaitCaller', 20_000);
    const at = Date.now();
    process.kill(pid, 'SIGKILL');
    killed.push((await deployment.reportOf(name, 20_000)).at - at);
    process.stdout.write(`\r${death + 1} of ${deaths} deaths`);
  }
} finally {
  await bare.stop();
  await deployment[Symbol.asyncDispose]();
  await server.stop();
}

const of = (who: 'lastword' | 'bare', what: keyof Measured) =>
  results[who].flatMap((each) => each[what]).filter((value) => !Number.isNaN(value));
const halves = (what: keyof Measured) => {
  const half = (parity: number) =>
    median(results.bare.filter((_, call) => call % 2 === parity).flatMap((each) => each[what]));
  return Math.abs(half(0) - half(1));
};
const row = (title: string, what: keyof Measured, unit: string, goal: string) => {
  const [ours, theirs] = [of('lastword', what), of('bare', what)];
  return `| ${title} | ${shown(median(ours))} ${unit} (p90 ${shown(percentile(ours, 0.9))}) | ${shown(median(theirs))} ${unit} (p90 ${shown(percentile(theirs, 0.9))}) | ${shown(median(ours) - median(theirs))} ${unit}, ×${shown(median(ours) / median(theirs), 2)} | ${shown(halves(what))} ${unit} | ${goal} |`;
};
const whole = (who: 'lastword' | 'bare') =>
  `${of(who, 'share').filter((share) => share >= 0.98).length} of ${results[who].length}`;
const body = `
## A call, beside the bare SDK

\`npm run bench:call -- ${calls}\`: ${results.lastword.length} and ${results.bare.length} calls in turn on a real livekit-server, with callers who think for a second before they speak, measured at the caller; ${cpus().length} cores (${cpus()[0]?.model.trim()}), Node ${process.versions.node}. Medians. The noise floor is the bare SDK against itself (even calls, odd calls).

| | Lastword | bare SDK with createEndCallTool | difference, ratio | noise floor | goal |
| --- | --- | --- | --- | --- | --- |
${row('caller joins → greeting heard', 'greetingMs', 'ms', 'added ≤ 30 ms')}
${row("caller's last sound → first sound of the answer", 'turnsMs', 'ms', 'added ≤ 30 ms')}
${row('last sample of the goodbye → disconnected', 'hangUpMs', 'ms', '≤ 150 ms')}
| calls in which ≥ 98 % of the goodbye was heard | ${whole('lastword')} | ${whole('bare')} | | | all |
${row('memory of the job', 'memoryMiB', 'MiB', 'added ≤ 12 MiB')}
| \`kill -9\` → report delivered, nobody in the room (${killed.length} times) | p50 ${shown(median(killed))} ms, p90 ${shown(percentile(killed, 0.9))} ms | never | | | p50 ≤ 100 ms |
`;
console.log(body);
if (calls >= WRITTEN_FROM) {
  const file = path.join(root, 'docs/benchmarks.md');
  const document = await readFile(file, 'utf8').catch(() => '# Benchmarks\n');
  await writeFile(file, withSection(document, 'bench:call', body));
}
