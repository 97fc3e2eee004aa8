/** What happened in a call: three densities of one history, in one order, filtered and page by page. */
import { describe, expect, test } from 'vitest';
import type { Entries, WholeEntry } from '../../src/reads/answers.ts';
import { ask } from '../../src/reads/table.ts';
import { Script, wholeCall, crashedCall } from '../contract/sessions.ts';
import { hostileText } from '../contract/hostile.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';
import { callDirectory, linesOf } from './call-directory.ts';

const session = sessionIdOf('AJ_7Qd2');
const whole = async () => {
  const at = await callDirectory();
  await at.write(wholeCall());
  return async (more: object): Promise<Entries> => (await ask(at.source, 'entries', { session, ...more })) as Entries;
};
const textsIn = ({ rows }: Entries): string[] => rows.map(({ what, text }) => `${what}: ${text}`);

describe('densities', () => {
  test('story, steps and entries are one history: each holds the one before, in the same order', async () => {
    const entries = await whole();
    const [story, steps, all] = [
      await entries({ density: 'story' }),
      await entries({}),
      await entries({ density: 'entries' }),
    ];
    const indexes = ({ rows }: Entries): number[] => rows.map(({ index }) => index);
    expect(indexes(all)).toEqual(all.rows.map((_, index) => index));
    expect(all.rows.length).toBe(all.total);
    expect(indexes(steps).every((index) => indexes(all).includes(index))).toBe(true);
    expect(indexes(story).every((index) => indexes(steps).includes(index))).toBe(true);
    expect(indexes(story)).toEqual(indexes(story).toSorted((one, other) => one - other));
    expect(story.rows.length).toBeLessThan(steps.rows.length);
    expect(steps.rows.length).toBeLessThan(all.rows.length);
  });

  test('the story of a call is what a person would tell', async () => {
    const told = textsIn(await (await whole())({ density: 'story' }));
    expect(told.length).toBeGreaterThanOrEqual(10);
    expect(told.length).toBeLessThanOrEqual(20);
    for (const line of [
      'room: the caller joined',
      'tool: book_table → {"table":12} (381 ms)',
      'attach: outcome = "booked"',
      'hang-up: delete-room, verified (70 ms)',
    ])
      expect(told).toContain(line);
    expect(told.at(-2)).toMatch(/^end: agent_ended, by agent/);
  });

  test('of two hours of talk it is as long, and has its beginning, its end and what went wrong', async () => {
    const at = await callDirectory();
    const script = new Script();
    for (const { kind, data } of wholeCall().epochs[0]?.entries.slice(0, 12) ?? []) script.add(10, kind, data as never);
    for (let turn = 0; turn < 500; turn += 1)
      script.add(900, 'item', {
        id: `i${turn}`,
        role: turn % 2 ? 'user' : 'assistant',
        text: `turn ${turn}`,
        interrupted: false,
        createdAt: 1,
      });
    script.add(5, 'tool', { call: 'c', name: 'pay', status: 'failed', error: 'card refused' });
    script.add(5, 'session.closed', {
      end: { by: 'agent', reason: 'done', fault: 'none' },
      alsoTriggered: [],
      stage: 'conversing',
    });
    await at.write({ session, epochs: [{ epoch: 1, entries: script.entries, torn: false }], keeper: [] });
    const told = textsIn((await ask(at.source, 'entries', { session, density: 'story' })) as Entries);
    expect(told.length).toBe(20);
    expect(told).toContain('tool: pay failed: card refused');
    expect(told).toContain('room: the caller joined');
    expect(told.at(-1)).toBe('end: done, by agent');
  });
});

describe('the filter', () => {
  test.each([
    ['kind:tool', ['tool: book_table {"people":2,"time":"19:00"} …', 'tool: book_table → {"table":12} (381 ms)']],
    ['kind:tool status:settled', ['tool: book_table → {"table":12} (381 ms)']],
    ['kind:caller text:/table.*seven/', ['caller: A table for two at seven, please.']],
    ['file:keeper kind:session.accepted', ['keeper: the job is taken, room "table-booking-41"']],
    ['kind:hangup', ['hang-up: delete-room, verified (70 ms)']],
  ])('%s', async (filter, lines) => {
    const found = await (await whole())({ filter });
    expect(textsIn(found)).toEqual(lines);
    expect(found.hidden).toBeGreaterThan(0);
  });

  test('by state finds what was written while the machine was there', async () => {
    const found = await (await whole())({ filter: 'state:waiting -kind:transition' });
    expect(textsIn(found).every((line) => line.startsWith('tool'))).toBe(true);
    expect(found.rows.length).toBe(2);
  });

  test('failed shows what went wrong, and says how much it hides', async () => {
    const at = await callDirectory();
    await at.write({ ...crashedCall(), session });
    const found = (await ask(at.source, 'entries', { session, chips: ['failed'] })) as Entries;
    expect(textsIn(found)).toEqual(['keeper: noticed that the job died: killed by SIGKILL']);
    const all = (await ask(at.source, 'entries', { session })) as Entries;
    expect(found.hidden).toBe(all.rows.length - 1);
  });

  test('a bad one is refused with what was expected, before any file is read', async () => {
    const at = await callDirectory();
    await expect(ask(at.source, 'entries', { session: 'none', filter: 'colour:red' })).rejects.toThrow(
      /^filter: expected one of kind: status:/,
    );
    await expect(ask(at.source, 'entries', { session: 'none', filter: 'is:red' })).rejects.toThrow(
      /expected is:failed or is:silent/,
    );
  });
});

test('pages join without a gap and without a double', async () => {
  const entries = await whole();
  const all = await entries({ density: 'entries' });
  const pages: number[] = [];
  for (let from: number | null = 0; from !== null;) {
    const page: Entries = await entries({ density: 'entries', from, limit: 7 });
    pages.push(...page.rows.map(({ index }) => index));
    from = page.next;
  }
  expect(pages).toEqual(all.rows.map(({ index }) => index));
});

test('a torn file is said to be torn, and a lost entry is counted', async () => {
  const at = await callDirectory();
  const { entries } = wholeCall().epochs[0] ?? { entries: [] };
  await at.writeFile(session, '1.jsonl', `${linesOf(entries.filter(({ seq }) => seq !== 5))}{"seq":99,"at":1,`);
  const { files, position } = (await ask(at.source, 'entries', { session })) as Entries;
  expect(files).toMatchObject([{ file: '1', isTorn: true, lost: 1, passedOver: 0 }]);
  expect(position).toBe(`1:${entries.length}`);
});

test('texts of strangers are data: on one line, without controls, cut where they are long', async () => {
  const at = await callDirectory();
  const script = new Script()
    .add(1, 'item', { id: 'i', role: 'user', text: hostileText, interrupted: false, createdAt: 1 })
    .add(1, 'item', { id: 'j', role: 'user', text: 'x'.repeat(3_000_000), interrupted: false, createdAt: 1 })
    .add(1, 'attach', { key: hostileText, value: { [hostileText]: hostileText } });
  await at.write({ session, epochs: [{ epoch: 1, entries: script.entries, torn: false }], keeper: [] });
  for (const density of ['story', 'steps', 'entries']) {
    const { rows } = (await ask(at.source, 'entries', { session, density })) as Entries;
    for (const { text, what, kind, aside = '' } of rows) {
      expect(`${text}${what}${kind}${aside}`).not.toMatch(/[\p{Cc}\p{Cf}\u2028\u2029]/u);
      expect(text.length).toBeLessThanOrEqual(1_000);
    }
  }
  const { data, isCut } = (await ask(at.source, 'entry', { session, ref: '1:2' })) as WholeEntry;
  expect(isCut).toBe(true);
  expect(JSON.stringify(data).length).toBeLessThan(30_000);
});
