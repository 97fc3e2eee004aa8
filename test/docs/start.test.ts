/**
 * `npm start` as a stranger runs it: real processes, no key, no server. One scripted call, one typed one, one that is
 * interrupted; then the command line on what they left behind.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runCommandLine } from '../../src/cli/command-line.ts';
import { readSession } from '../../src/journal/read.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';
import type { Report } from '../../src/report/schema.ts';
import { openStore } from '../../src/store/open.ts';
import { assertReport } from '../contract/check-report.ts';
import { compiled, root } from '../e2e/harness/compiled.ts';

const RUN_MS = 50_000;

let directory: string;
const children = new Set<ChildProcess>();
beforeAll(async () => {
  compiled('src/cli/start-here.ts');
  directory = await mkdtemp(join(tmpdir(), 'lastword-start-'));
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await rm(directory, { recursive: true, force: true });
});

const environment = (more: Record<string, string> = {}): NodeJS.ProcessEnv => {
  const names = /^(LIVEKIT|LASTWORD|OPENAI|CARTESIA)_|^NO_COLOR$|^FORCE_COLOR$/;
  const inherited = Object.entries(process.env).filter(([name]) => !names.test(name));
  return { ...Object.fromEntries(inherited), LASTWORD_DIR: directory, ...more };
};

/** What is sent once something is seen: a line, a signal, or a line that has to wait for something else. */
type Step = { sees: RegExp; send: string | (() => Promise<string>) };
const isSignal = (text: string): text is NodeJS.Signals => text.startsWith('SIG');

/** Runs it to its end; each step waits for what it sees, from where the one before had got to. */
async function start(how: {
  typed?: Step[];
  npm?: boolean;
}): Promise<{ code: number | null; output: string; ms: number }> {
  const { typed, npm = false } = how;
  const [command, args] = npm
    ? ['npm', ['start', '--silent', '--ignore-scripts']] // a build in the middle of the tests would change what others run
    : [process.execPath, [compiled('src/cli/start-here.ts')]];
  const begun = performance.now();
  const child = spawn(command, args, {
    cwd: root,
    env: environment(typed && { LASTWORD_TERMINAL: '1' }),
    stdio: [typed ? 'pipe' : 'ignore', 'pipe', 'pipe'],
  });
  children.add(child);
  const steps = [...(typed ?? [])];
  let output = '';
  let seenTo = 0;
  const take = (part: Buffer) => {
    output += part.toString();
    for (let step = steps[0]; step; step = steps[0]) {
      const found = step.sees.exec(output.slice(seenTo));
      if (!found) return;
      seenTo += found.index + found[0].length;
      steps.shift();
      const { send } = step;
      if (typeof send === 'function') void send().then((line) => child.stdin?.write(`${line}\n`));
      else if (isSignal(send)) child.kill(send);
      else child.stdin?.write(`${send}\n`);
    }
  };
  child.stdout?.on('data', take);
  child.stderr?.on('data', take);
  const late = setTimeout(() => child.kill('SIGKILL'), RUN_MS);
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  clearTimeout(late);
  children.delete(child);
  expect(
    steps.map(({ sees }) => sees.source),
    `never seen; what was:\n${output}`,
  ).toEqual([]);
  return { code, output, ms: performance.now() - begun };
}

/** The newest report on disk, checked as every report is. */
async function lastReport(): Promise<Report> {
  const names = (await readdir(join(directory, 'reports'))).filter((name) => name.endsWith('.json')).sort();
  const report: unknown = JSON.parse(await readFile(join(directory, 'reports', names.at(-1) ?? 'none'), 'utf8'));
  assertReport(report);
  return report;
}

/** The processes that a run started, by what they themselves wrote down. */
async function expectNothingRuns({ session }: Report): Promise<void> {
  const { epochs } = await readSession(directory, sessionIdOf(session));
  const job = epochs[0]?.entries.find((entry) => entry.kind === 'session.opened');
  const log = await readFile(join(directory, 'start.log'), 'utf8');
  const host = /"workerPid":(\d+)[^\n]*"msg":"worker started"/g;
  const pids = [
    ...Array.from(log.matchAll(host), ([, pid]) => Number(pid)),
    ...(job?.kind === 'session.opened' ? [job.data.owner.pid] : []),
  ];
  expect(pids.length).toBeGreaterThan(1);
  for (const pid of pids) expect(() => process.kill(pid, 0), `process ${pid} still runs`).toThrow(/ESRCH/);
}

const command = async (...given: string[]) => {
  let out = '';
  const code = await runCommandLine(given, {
    env: { LASTWORD_DIR: directory },
    isTTY: false,
    out: (text) => void (out += text),
    err: (text) => void (out += text),
  });
  return { code, out };
};

it('npm start without a terminal plays a call from greeting to delivered report, and ends with 0', async () => {
  const { code, output, ms } = await start({ npm: true });
  expect(output).toContain('delivered, signature verified');
  expect(code).toBe(0);
  expect(ms).toBeLessThan(RUN_MS);
  const report = await lastReport();
  // The promise is 20 s on an idle machine, of which this is the part that other work on it hardly stretches.
  expect(report.times.totalMs).toBeLessThan(15_000);
  expect(report.end).toMatchObject({ by: 'agent', reason: 'agent_ended', stage: 'conversing' });
  expect(report.goodbye).toMatchObject({ outcome: 'played' });
  expect(report.tools.map(({ name, status }) => [name, status])).toEqual([
    ['look_up_opening_hours', 'settled'],
    ['end_session', 'settled'],
  ]);
  expect(report.transcript.filter(({ role }) => role === 'user').map(({ text }) => text)).toEqual([
    'what are your opening hours',
    'thank you, goodbye',
  ]);
  expect(output).toMatch(
    /path +connecting .* → greeting .* → conversing .* → ending .* → exiting .* → reporting .* → closed/,
  );
  expect(output).toMatch(/goodbye +played, [\d,]+ (of [\d,]+ )?ms heard/);
  expect(output).not.toContain('\u001B');
  await expectNothingRuns(report);
});

it('the command line reads what the call left behind', async () => {
  const { session } = await lastReport();
  const sealed = await command('report', session, '--json');
  expect(sealed.out).toBe(`${await readFile(join(directory, 'reports', `${session}.json`), 'utf8')}\n`);
  expect((await command('sessions')).out).toMatch(new RegExp(`${session} +sealed .*agent_ended \\(agent\\)`));
  const shown = (await command('show', session)).out;
  for (const words of [
    /tool +look_up_opening_hours →/,
    /caller +thank you, goodbye/,
    /state +exiting: saying/,
    /report → npm start +delivered/,
  ])
    expect(shown).toMatch(words);
  const delivered = JSON.parse((await command('deliveries', '--json', '--state', 'delivered')).out) as object[];
  expect(delivered).toHaveLength(2);
  expect((await command('redeliver', session)).code).toBe(0);
});

it('what is typed is spoken, faults can be played, and what was queued meanwhile is delivered', async () => {
  const first = await lastReport();
  const { code, output } = await start({
    typed: [
      { sees: /Type what you would/, send: 'too early' },
      { sees: /nobody hears "too early": the call is not up yet/, send: '/fial' },
      { sees: /did you mean \/fail/, send: '/help' },
      { sees: /Ctrl-D hangs up[^]*line +greeting [^\n]*\n/, send: '/vanish' },
      { sees: /the caller is lost/, send: '/return' },
      { sees: /caller returned/, send: '/hang tool' },
      { sees: /gets no answer/, send: 'what are your opening hours' },
      { sees: /line +filler \(live\) played/, send: '/heal' },
      { sees: /agent +We are open/, send: 'bye' },
    ],
  });
  expect(output).toContain('delivered, signature verified');
  expect(code).toBe(0);
  const report = await lastReport();
  expect(report.session).not.toBe(first.session);
  expect(report.participants).toMatchObject([{ isCaller: true, timesLost: 1 }]);
  expect(report.tools[0]).toMatchObject({ name: 'look_up_opening_hours', status: 'settled' });
  expect(report.lines).toContainEqual(expect.objectContaining({ line: 'filler', rung: 'live', outcome: 'played' }));
  const store = await openStore(`sqlite:${join(directory, 'lastword.db')}`);
  const again = await store.deliveries({ limit: 10, session: sessionIdOf(first.session) });
  await store.close();
  expect(again.map(({ state }) => state)).toEqual(['delivered', 'delivered', 'delivered', 'delivered']);
  await expectNothingRuns(report);
});

it('Ctrl-C ends the call with its goodbye', async () => {
  const { code } = await start({ typed: [{ sees: /line +greeting [^\n]*\n/, send: 'SIGINT' }] });
  expect(code).toBe(0);
  const report = await lastReport();
  expect(report.end).toMatchObject({ by: 'operator', reason: 'worker_shutdown' });
  expect(report.goodbye).toMatchObject({ outcome: 'played' });
  await expectNothingRuns(report);
});

it('T40 a second Ctrl-C ends it at once, and the report is delivered all the same', async () => {
  const { code, output } = await start({
    typed: [
      { sees: /line +greeting [^\n]*\n/, send: 'SIGINT' },
      { sees: /exiting: saying/, send: 'SIGINT' },
    ],
  });
  expect(output).toContain('delivered, signature verified');
  expect(code).toBe(0);
  const report = await lastReport();
  expect(report.end).toMatchObject({ reason: 'worker_shutdown' });
  expect(report.completeness.status).toBe('recovered');
  await expectNothingRuns(report);
});

it('a second npm start on the same directory is refused in one line, and the first one does not notice', async () => {
  let second: Awaited<ReturnType<typeof start>> | undefined;
  const first = await start({
    typed: [
      {
        sees: /line +greeting [^\n]*\n/,
        send: async () => {
          second = await start({});
          return '/hangup';
        },
      },
    ],
  });
  expect(second).toMatchObject({ code: 1 });
  expect(second?.output).toMatch(/^lastword: a keeper already runs on [^\n]* \(pid \d+\)[^\n]*LASTWORD_DIR[^\n]*\n$/);
  expect(first.code).toBe(0);
  const report = await lastReport();
  expect(report.end).toMatchObject({ by: 'caller', reason: 'caller_hung_up' });
  expect(report.goodbye).toMatchObject({ outcome: 'skipped' });
});
