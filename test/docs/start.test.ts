/**
 * `npm start` as a stranger runs it: real processes, no key, no server. One scripted call, one typed one, one that is
 * interrupted; then the command line on what they left behind.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runCommandLine } from '../../src/cli/command-line.ts';
import { openStart, RUN_MS, type Run } from './npm-start.ts';

let here: Awaited<ReturnType<typeof openStart>>;
beforeAll(async () => {
  here = await openStart();
});
afterAll(() => here?.remove());

const command = async (...given: string[]) => {
  let out = '';
  const code = await runCommandLine(given, {
    env: { LASTWORD_DIR: here.directory },
    isTTY: false,
    out: (text) => void (out += text),
    err: (text) => void (out += text),
  });
  return { code, out };
};

it('npm start without a terminal plays a call from greeting to delivered report, and ends with 0', async () => {
  const { code, output, ms } = await here.start({ npm: true });
  expect(output).toContain('delivered, signature verified');
  expect(code).toBe(0);
  expect(ms).toBeLessThan(RUN_MS);
  const report = await here.lastReport();
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
  await here.expectNothingRuns(report);
});

it('the command line reads what the call left behind', async () => {
  const { session } = await here.lastReport();
  const sealed = await command('report', session, '--json');
  expect(sealed.out).toBe(`${await readFile(join(here.directory, 'reports', `${session}.json`), 'utf8')}\n`);
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
  const first = await here.lastReport();
  const { code, output } = await here.start({
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
  const report = await here.lastReport();
  expect(report.session).not.toBe(first.session);
  expect(report.participants).toMatchObject([{ isCaller: true, timesLost: 1 }]);
  expect(report.tools[0]).toMatchObject({ name: 'look_up_opening_hours', status: 'settled' });
  expect(report.lines).toContainEqual(expect.objectContaining({ line: 'filler', rung: 'live', outcome: 'played' }));
  const delivered = await here.deliveriesOf(first.session);
  expect(delivered).toEqual(['delivered', 'delivered', 'delivered', 'delivered']);
  await here.expectNothingRuns(report);
});

it('Ctrl-C ends the call with its goodbye', async () => {
  const { code } = await here.start({ typed: [{ sees: /line +greeting [^\n]*\n/, send: 'SIGINT' }] });
  expect(code).toBe(0);
  const report = await here.lastReport();
  expect(report.end).toMatchObject({ by: 'operator', reason: 'worker_shutdown' });
  expect(report.goodbye).toMatchObject({ outcome: 'played' });
  await here.expectNothingRuns(report);
});

it('T40 a second Ctrl-C ends it at once, and the report is delivered all the same', async () => {
  const { code, output } = await here.start({
    typed: [
      { sees: /line +greeting [^\n]*\n/, send: 'SIGINT' },
      { sees: /exiting: saying/, send: 'SIGINT' },
    ],
  });
  expect(output).toContain('delivered, signature verified');
  expect(code).toBe(0);
  const report = await here.lastReport();
  expect(report.end).toMatchObject({ reason: 'worker_shutdown' });
  expect(report.completeness.status).toBe('recovered');
  await here.expectNothingRuns(report);
});

it('a second npm start on the same directory is refused in one line, and the first one does not notice', async () => {
  let second: Run | undefined;
  const first = await here.start({
    typed: [
      {
        sees: /line +greeting [^\n]*\n/,
        send: async () => {
          second = await here.start({});
          return '/hangup';
        },
      },
    ],
  });
  expect(second).toMatchObject({ code: 1 });
  expect(second?.output).toMatch(/^lastword: a keeper already runs on [^\n]* \(pid \d+\)[^\n]*LASTWORD_DIR[^\n]*\n$/);
  expect(first.code).toBe(0);
  const report = await here.lastReport();
  expect(report.end).toMatchObject({ by: 'caller', reason: 'caller_hung_up' });
  expect(report.goodbye).toMatchObject({ outcome: 'skipped' });
});
