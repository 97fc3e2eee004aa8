/** Answers in words: why, diff, ledger, Markdown, the lit chart; and the commands that print them. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runCommandLine } from '../../src/cli/command-line.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';
import { litChart } from '../../src/show/lit-chart.ts';
import { hostileText } from '../contract/hostile.ts';
import { crashedCall, Script, wholeCall } from '../contract/sessions.ts';
import { VirtualSession } from '../contract/virtual-session.ts';
import { callDirectory, type CallDirectory } from './call-directory.ts';

const run = async (
  { directory }: CallDirectory,
  ...given: string[]
): Promise<{ code: number; out: string; err: string }> => {
  let [out, err] = ['', ''];
  const terminal = {
    env: { LASTWORD_DIR: directory },
    isTTY: false,
    out: (text: string) => (out += text),
    err: (text: string) => (err += text),
  };
  const code = await runCommandLine(given, terminal as never);
  return { code, out, err };
};
const virtual = async (seconds: number): Promise<VirtualSession> => {
  const call = await new VirtualSession().converse();
  call.send({ type: 'caller.waits', awaits: 'llm', isTurn: true });
  await call.clock.advance(seconds * 1_000);
  call.send({ type: 'agent.audible' });
  call.send({ type: 'dialogue.moved' });
  call.leaves();
  await call.report();
  return call;
};

describe('the command line', () => {
  test('why: one sentence first, then each word with its entry', async () => {
    const at = await callDirectory();
    await at.write(wholeCall());
    const { code, out } = await run(at, 'why', 'AJ_7Qd2');
    expect(code).toBe(0);
    expect(out.split('\n')[0]).toMatch(/^The agent, or its code, ended the call, while conversing; /);
    expect(out).toMatch(/^hang-up {2}verified {2}1:\d+$/m);
    expect(JSON.parse((await run(at, 'why', 'AJ_7Qd2', '--json')).out)).toMatchObject({ isOver: true });
    expect(await run(at, 'why', 'AJ_none')).toMatchObject({ code: 3 });
  });

  test('diff: where two calls part, and what is the same is folded', async () => {
    const at = await callDirectory();
    for (const [name, seconds] of [
      ['quick', 1],
      ['slow', 5],
    ] as const) {
      const { entries } = await virtual(seconds);
      await at.write({ session: sessionIdOf(name), epochs: [{ epoch: 1, entries, torn: false }], keeper: [] });
    }
    const { code, out } = await run(at, 'diff', 'quick', 'slow');
    expect(code).toBe(0);
    expect(out.split('\n')[0]).toMatch(/^the same for \d+ steps, then .*agent\.audible.* and .*after firstAudioMs/);
    expect(out).toMatch(/… \d+ steps are the same/);
    expect((await run(at, 'diff', 'quick', 'quick')).out.split('\n')[0]).toMatch(/^the same way through, \d+ steps$/);
    expect(await run(at, 'diff', 'quick')).toMatchObject({ code: 2 });
  });

  test('ledger: exit code 1 names what is missing', async () => {
    const at = await callDirectory();
    expect(await run(at, 'ledger')).toMatchObject({ code: 0 });
    await at.write(wholeCall());
    const { code, out } = await run(at, 'ledger');
    expect(code).toBe(1);
    expect(out).toMatch(/AJ_7Qd2 {2}it has a journal, and the database has no row of it/);
  });

  test('show --test, --svg and --markdown write what they say, and nothing personal is in the test', async () => {
    const at = await callDirectory();
    const { entries } = await virtual(5);
    await at.write({ session: sessionIdOf('AJ_7Qd2'), epochs: [{ epoch: 1, entries, torn: false }], keeper: [] });
    const [saved, chart] = [join(at.directory, 'saved.test.ts'), join(at.directory, 'chart.svg')];
    const { code, out } = await run(at, 'show', 'AJ_7Qd2', '--test', saved, '--svg', chart, '--markdown');
    expect(code).toBe(0);
    expect(await readFile(saved, 'utf8')).toMatch(/from 'lastword\/machines'/);
    expect(await readFile(chart, 'utf8')).toMatch(/#live_conversing_dialogue_waiting_clock_filled/);
    expect(out).toMatch(/^## Call `AJ_7Qd2`$/m);
    expect(await run(at, 'show', 'AJ_7Qd2', '--keep-names')).toMatchObject({ code: 2 });
  });
});

describe('words of strangers', () => {
  test('drive no terminal and are no markup', async () => {
    const at = await callDirectory({ isChanged: true });
    const hostile = `${hostileText}<script>alert(1)</script>\`\`\`\n# heading | [x](javascript:1)`;
    const script = new Script()
      .add(1, 'item', { id: 'i', role: 'user', text: hostile, interrupted: false, createdAt: 1 })
      .add(1, 'session.closed', {
        end: { by: 'agent', reason: hostile, fault: 'provider', detail: hostile },
        alsoTriggered: [],
        stage: hostile,
      });
    await at.write({
      session: sessionIdOf('AJ_7Qd2'),
      epochs: [{ epoch: 1, entries: script.entries, torn: false }],
      keeper: [],
    });
    for (const given of [
      ['why', 'AJ_7Qd2'],
      ['show', 'AJ_7Qd2', '--markdown'],
      ['diff', 'AJ_7Qd2', 'AJ_7Qd2'],
      ['ledger'],
    ]) {
      const { out, err } = await run(at, ...given);
      expect(`${out}${err}`).not.toMatch(/[^\P{Cc}\n]|[\p{Cf}\u2028\u2029]/u);
    }
    const { out } = await run(at, 'show', 'AJ_7Qd2', '--markdown');
    const outside = out.replace(/^(`{3,})text\n[\s\S]*?\n\1$/m, '');
    expect(outside).not.toMatch(/(?<!\\)<script/);
    expect(outside).not.toMatch(/^# heading/m);
    expect(outside).toContain('\\<script\\>');
  });

  test('light no shape that the chart does not have, and stay out of the SVG', async () => {
    const svg = await readFile(new URL('../../docs/machines/session.svg', import.meta.url), 'utf8');
    const lit = litChart(svg, [
      ['live.greeting.words.choosing'],
      ['</style><script>alert(1)</script>'],
      ['x{}*{display:none}'],
    ]);
    expect(lit).not.toMatch(/script|display:none/);
    expect(lit).toContain('#live_greeting_words_choosing');
    expect(() => litChart('no chart', [])).toThrow(/expected an SVG/);
  });
});

test('a way from one state to the next lights the edge between them', async () => {
  const svg = await readFile(new URL('../../docs/machines/session.svg', import.meta.url), 'utf8');
  const way = [['live.connecting.joining.connectingRoom'], ['live.connecting.joining.startingSession']];
  expect(litChart(svg, way)).toMatch(/#edge\d+ > :is/);
  expect(litChart(svg, way.toReversed())).not.toMatch(/#edge\d+ > :is/);
});

test('a crash is told on the page of a ticket', async () => {
  const at = await callDirectory();
  await at.write(crashedCall());
  const { out } = await run(at, 'show', 'AJ_7Qd2', '--markdown');
  expect(out).toMatch(/\| crash \| epoch 1 died: killed by SIGKILL \| keeper:2 \|/);
});
