/** Sessions that strangers filled: whatever is asked of them, they stay data, and nobody waits. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sessionIdOf } from '../../src/journal/ids.ts';
import { openJournal } from '../../src/journal/write.ts';
import { oneLine } from '../../src/output/for-people.ts';
import { accepted, facts, opened, Script, textOf, wholeCall } from '../contract/sessions.ts';
import { follow, openStand, type Stand } from './inspector-stand.ts';

const bidi = '\u202E\u2066evil\u2069';
const script = `<script>fetch('//evil.example')</script><img src=x onerror=alert(1)>"'\`</textarea>${bidi}\u001B[31m\u0007\u009B2J\u0000`;
let directory: string;
let stand: Stand;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'lastword-hostile-'));
  const put = (session: string, file: string, text: string) => {
    mkdirSync(join(directory, 'sessions', session), { recursive: true });
    writeFileSync(join(directory, 'sessions', session, file), text);
  };
  // Written by the journal's own writer, as a job writes what its caller says.
  const session = sessionIdOf('AJ_script');
  const journal = await openJournal({ directory, session, file: 1 });
  const [first] = opened(session).entries;
  journal.append('session.opened', {
    ...(first?.data as never as object),
    room: { name: script, sid: script },
    agentName: script,
    metadata: script,
  } as never);
  journal.append('participant', {
    change: 'joined',
    identity: script,
    isCaller: true,
    attributes: { [script]: script },
  });
  journal.append('item', { id: script, role: 'user', text: script, interrupted: false, createdAt: Date.now() });
  journal.append('tool', { call: script, name: script, status: 'failed', args: { [script]: script }, error: script });
  journal.append('transition', { machine: 'session', from: [script], to: [script], event: script });
  journal.append('error', { component: script, message: script, recoverable: false, stack: script });
  await journal.close();
  const call = wholeCall(sessionIdOf('AJ_whole'));
  for (const { epoch, entries } of call.epochs) put('AJ_whole', `${epoch}.jsonl`, textOf(entries));
  put('AJ_whole', 'keeper.jsonl', textOf(call.keeper));
  put('AJ_torn', '1.jsonl', textOf(opened(sessionIdOf('AJ_torn')).entries) + '{"seq":2,"at":1,"kind":"item","da');
  put('AJ_torn', 'keeper.jsonl', textOf(accepted().entries));
  put('AJ_rubbish', '1.jsonl', `${'\u0000'.repeat(10_000)}\n[1,2\n{"seq":"x"}\n\xff\xfe\n`);
  put('AJ_empty', '1.jsonl', '');
  put(
    'AJ_newer',
    '1.jsonl',
    `${JSON.stringify({ seq: 1, at: 1, kind: 'session.opened', data: { ...facts, later: [{}] }, more: 1 })}\n${JSON.stringify({ seq: 2, at: 2, kind: 'telepathy', data: null })}\n`,
  );
  put(
    'AJ_large',
    '1.jsonl',
    textOf(
      opened(sessionIdOf('AJ_large'))
        .add(1, 'log', { level: 'info', message: 'x'.repeat(7_000_000) })
        .add(1, 'log', { level: 'x'.repeat(7_000_000), message: 'y' }).entries,
    ) + `${JSON.stringify({ seq: 4, at: 4, kind: 'log', data: { message: 'z'.repeat(10_000_000) } })}\n`,
  );
  const long = new Script();
  for (let at = 0; at < 50_000; at += 1)
    if (at % 10 === 0) long.to(1, [`live.${at % 7}`], 'tick');
    else long.add(1, 'log', { level: 'info', message: `m${at}` });
  put('AJ_long', '1.jsonl', textOf(long.entries));
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
  put('AJ_deep', '1.jsonl', `{"seq":1,"at":1,"kind":"log","data":{"message":${deep}}}\n`);
  stand = await openStand({ directory });
}, 60_000);
afterAll(async () => {
  await stand.close({ keepsFiles: true });
  rmSync(directory, { recursive: true, force: true });
}, 60_000); // whatever lies there is replayed before it is removed: 50,000 entries, and lines of megabytes

const sessions = [
  'AJ_script',
  'AJ_whole',
  'AJ_torn',
  'AJ_rubbish',
  'AJ_empty',
  'AJ_newer',
  'AJ_large',
  'AJ_long',
  'AJ_deep',
];
const names = ['why', 'entries', 'entry', 'state', 'moves', 'lanes', 'model', 'report', 'test'];

describe('whatever is asked', () => {
  it.each(sessions)(
    '%s is answered in time as JSON, or refused in one line',
    async (session) => {
      for (const name of names) {
        const began = performance.now();
        const { status, text, headers } = await stand.read(name, { session });
        expect([200, 400, 404, 501], `${name}: ${text.slice(0, 300)}`).toContain(status);
        expect(performance.now() - began, name).toBeLessThan(12_000);
        expect(headers['content-type']).toBe('application/json; charset=utf-8');
        expect(headers['x-content-type-options']).toBe('nosniff');
        expect(text.length, name).toBeLessThan(33_000_000);
        const answer: unknown = JSON.parse(text);
        if (status !== 200) expect(answer).toEqual({ error: { message: expect.stringMatching(/^[^\n]+$/) } });
      }
    },
    120_000,
  );

  it('the list holds every session, and is answered', async () => {
    const { status, text } = await stand.read('calls', { limit: 100 });
    expect(status, text.slice(0, 300)).toBe(200);
    const { rows } = JSON.parse(text) as { rows: { session: string; room: string }[] };
    expect(rows.map(({ session }) => session)).toEqual(expect.arrayContaining(['AJ_script', 'AJ_whole', 'AJ_torn']));
  });

  it('names and texts come as they are, as text of JSON: no sign of them is the page’s or the terminal’s', async () => {
    const stream = await follow(stand, '/api/stream/session/AJ_script');
    await stream.until(() => stream.refs().length >= 6);
    // One line for each event: nothing that a caller says ends one, or begins another.
    for (const { event, id } of stream.events)
      expect([event, id]).toEqual(['entries', expect.stringMatching(/^1:\d+$/)]);
    const { rows } = JSON.parse(stream.events[0]?.data ?? '') as { rows: { text: string; what: string }[] };
    expect(rows.some(({ text }) => text.includes('<script>'))).toBe(true);
    // What oneLine leaves as it is has no control character, and no mark of direction.
    for (const { text, what } of rows) expect(text + what).toBe(oneLine(text + what));
    await stream.leave();
    for (const line of [...stand.warnings, ...stand.addresses])
      expect([line, line.includes('<')]).toEqual([oneLine(line), false]);
  });

  const questions: unknown[] = [
    { session: '../../etc' },
    { session: script },
    { session: 7 },
    { session: { toString: 'x' } },
    { session: 'AJ_whole', density: script },
    { session: 'AJ_whole', from: -1 },
    { session: 'AJ_whole', limit: 1e9 },
    { session: 'AJ_whole', filter: 'text:/(a+)+$/' },
    { session: 'AJ_whole', __proto__: { x: 1 }, constructor: 1 },
    [],
    null,
    'x',
  ];
  it.each(questions.map((question): [unknown] => [question]))(
    'a question that is none is refused, or answered: %j',
    async (question) => {
      const { status, text } = await stand.read('entries', question);
      expect([200, 400, 404]).toContain(status);
      if (status !== 200) expect(JSON.parse(text)).toEqual({ error: { message: expect.stringMatching(/^[^\n]+$/) } });
    },
  );
});

describe('while somebody asks for the worst', () => {
  it('the page, the list and a live call are answered at once', async () => {
    const session = sessionIdOf('AJ_live');
    const live = await openJournal({ directory, session, file: 1 });
    live.append('log', { level: 'info', message: 'first' });
    await live.durable();
    const stream = await follow(stand, `/api/stream/session/${session}`);
    await stream.until(() => stream.refs().length === 1);
    const timed = async (list: number[], work: () => Promise<unknown>) => {
      const began = performance.now();
      await work();
      list.push(performance.now() - began);
    };
    const median = (list: number[]) => list.toSorted((one, other) => one - other)[list.length >> 1];
    const calm: number[] = [];
    for (let round = 0; round < 5; round += 1) await timed(calm, () => stand.read('calls', { limit: 50 }));
    const worst = ['AJ_long', 'AJ_large', 'AJ_deep'].flatMap((one) =>
      names.map((name) => stand.read(name, { session: one })),
    );
    const tookMs = { page: [] as number[], list: [] as number[], live: [] as number[] };
    for (let round = 2; round < 22; round += 1) {
      await timed(tookMs.page, () => stand.ask('/'));
      await timed(tookMs.list, () => stand.read('calls', { limit: 50 }));
      live.append('log', { level: 'info', message: `m${round}` });
      await timed(tookMs.live, () => stream.until(() => stream.refs().length === round));
      await sleep(30);
    }
    // On a machine that is busy all of it takes longer, what nobody disturbs as well.
    const most = 500 + 10 * (median(calm) ?? 0);
    expect([median(tookMs.page), median(tookMs.list), median(tookMs.live)].map((ms) => (ms ?? 0) < most)).toEqual([
      true,
      true,
      true,
    ]);
    await Promise.all(worst);
    await Promise.all([stream.leave(), live.close()]);
  }, 180_000);
});
