/** The list of calls: order, filter, pages; who is in silence now. */
import { mkdirSync, rmdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { runCommandLine } from '../../src/cli/command-line.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';
import type { Calls, Tally } from '../../src/reads/answers.ts';
import { ask } from '../../src/reads/table.ts';
import type { SessionRow } from '../../src/store/store.ts';
import { accepted, opened, Script, wholeCall } from '../contract/sessions.ts';
import { callDirectory, type CallDirectory } from './call-directory.ts';

const NOW = Date.UTC(2026, 10, 20, 10);
const rowOf = (name: string, more: Partial<SessionRow> = {}): SessionRow => ({
  session: sessionIdOf(name),
  epoch: 1,
  job: name as never,
  room: `room-${name}`,
  agentName: 'ada',
  acceptedAt: NOW - 60_000,
  state: 'open',
  ...more,
});
const seal = async (at: CallDirectory, name: string, more: Partial<SessionRow> = {}): Promise<void> => {
  const session = sessionIdOf(name);
  const report = { session, report: `rep_${name}`, sealedAt: NOW, body: '{}' };
  await (
    await at.store()
  ).seal(
    { ...rowOf(name, { endedAt: NOW, by: 'caller', reason: 'caller_hung_up', ...more }), state: 'sealed' },
    report,
    [],
  );
};
const callsIn = async (at: CallDirectory, asked: object = {}): Promise<Calls> =>
  (await ask(at.source, 'calls', asked)) as Calls;
const names = ({ rows }: Calls): string[] => rows.map(({ session }) => session);
/** All pages. */
const walk = async (at: CallDirectory, asked: object): Promise<string[]> => {
  const all: string[] = [];
  for (let after: string | null = ''; after !== null;) {
    const page: Calls = await callsIn(at, { ...asked, ...(after !== '' && { after }) });
    all.push(...names(page));
    after = page.next;
  }
  return all;
};

const living = (silentMs: number | null, stage = 'active.quiet'): Script => {
  const script = new Script(NOW - 60_000);
  script.add(1, 'participant', { change: 'joined', identity: 'c', isCaller: true });
  script.to(1, [`live.conversing.dialogue.${stage}`], 'start');
  script.add(1, 'audible', { who: 'agent', change: 'begins', speech: 's' });
  if (silentMs === null) return script;
  const last = script.entries.at(-1)?.at ?? 0;
  return script.add(NOW - silentMs - last, 'audible', { who: 'agent', change: 'ends', speech: 's' });
};

const many = async (): Promise<CallDirectory> => {
  const at = await callDirectory({ now: () => NOW });
  const store = await at.store();
  for (const [name, silentMs] of [
    ['quiet', 8_000],
    ['talking', null],
    ['brief', 500],
  ] as const) {
    await store.putSession(rowOf(name, { acceptedAt: NOW - (name === 'quiet' ? 10_000 : 60_000) }));
    await at.write({
      session: sessionIdOf(name),
      epochs: [{ epoch: 1, entries: living(silentMs).entries, torn: false }],
      keeper: [],
    });
  }
  await store.putSession(rowOf('dying', { state: 'recovering', acceptedAt: NOW - 5_000, epoch: 2 }));
  for (let index = 0; index < 25; index += 1)
    await seal(at, `old${String(index).padStart(2, '0')}`, {
      acceptedAt: NOW - 100_000 - (index >> 1) * 1_000, // two at each instant
      epoch: index % 5 === 0 ? 2 : 1,
      ...(index % 10 === 0 && { by: 'system', reason: 'model_failed' }),
    });
  return at;
};

describe('order', () => {
  test('who is in silence now, longest first; who is heard has none', async () => {
    const at = await many();
    const { rows } = await callsIn(at, { sort: 'silence', limit: 4 });
    expect(rows.map(({ session, silentMs }) => [session, silentMs])).toEqual([['quiet', 8_000], ['brief', 500], ['dying', null], ['talking', null]]); // prettier-ignore
    expect(rows[0]).toMatchObject({ state: 'living', stage: 'conversing' });
  });

  test('age: who has been talking longest first; state: who is being recovered first; epoch: who was resumed', async () => {
    const at = await many();
    expect(names(await callsIn(at, { sort: 'age', limit: 4 })).at(-1)).toBe('dying');
    expect(names(await callsIn(at, { sort: 'state', limit: 1 }))).toEqual(['dying']);
    const epochs = (await callsIn(at, { sort: 'epoch', limit: 10 })).rows.map(({ epoch }) => epoch);
    expect(epochs).toEqual([2, 2, 2, 2, 2, 2, 1, 1, 1, 1]);
  });

  test.each(['accepted', 'silence', 'age', 'state', 'epoch'])(
    'by %s, pages join without a gap and without a double',
    async (sort) => {
      const at = await many();
      const all = await walk(at, { sort, limit: 100 });
      expect(all.length).toBe(29);
      expect(new Set(all).size).toBe(29);
      for (const limit of [1, 3, 7]) expect(await walk(at, { sort, limit })).toEqual(all);
      if (sort !== 'accepted') return;
      const times = (await callsIn(at, { sort, limit: 100 })).rows.map(({ acceptedAt }) => acceptedAt);
      expect(times).toEqual(times.toSorted((one, other) => other - one));
    },
  );
});

describe('filter', () => {
  test.each([
    ['state:sealed', 25],
    ['state:living', 3],
    ['state:recovering', 1],
    ['reason:model_failed', 3],
    ['-reason:caller_hung_up state:sealed', 3],
    ['by:system', 3],
    ['epoch:2', 6],
    ['room:room-old07', 1],
    ['session:old*', 25],
    ['old1', 10],
    ['is:failed', 3],
    ['is:silent', 1],
    ['stage:conversing', 3],
  ])('%s finds %i', async (filter, count) => {
    const at = await many();
    expect((await walk(at, { filter, limit: 100 })).length).toBe(count);
    expect((await walk(at, { filter, limit: 2 })).length).toBe(count);
  });

  test('what it hid of what was looked at is counted', async () => {
    const at = await many();
    const { rows, hidden } = await callsIn(at, { filter: 'reason:/failed/', limit: 100 });
    expect(rows.length + hidden).toBe(29);
  });

  test('by delivery and by hang-up: who needs somebody', async () => {
    const at = await many();
    const store = await at.store();
    const delivery = {
      session: sessionIdOf('old03'),
      report: 'rep_old03',
      destination: 'hook',
      kind: 'report' as const,
      body: '',
      nextAt: 1,
    };
    await store.enqueue([{ ...delivery, delivery: 'd1' }]);
    const [claimed] = await store.claim({ owner: 'me', now: 10, limit: 1, leaseMs: 10, names: ['hook'], each: 1 });
    await store.begin('d1', claimed?.lease ?? '', 1);
    await store.settle('d1', claimed?.lease ?? '', { kind: 'dead', at: 2, error: 'gone' });
    await store.owe({
      session: sessionIdOf('old05'),
      server: 'ws://x',
      room: 'r',
      roomSid: '',
      strategy: 'leave',
      since: 1,
      nextAt: 1,
    });
    expect(await walk(at, { filter: 'delivery:dead' })).toEqual(['old03']);
    expect(await walk(at, { filter: 'hangup:owed' })).toEqual(['old05']);
    expect((await walk(at, { chips: ['failed'], limit: 100 })).toSorted()).toEqual([
      'old00',
      'old03',
      'old05',
      'old10',
      'old20',
    ]);
    const { rows } = await callsIn(at, { filter: 'session:old03' });
    expect(rows).toMatchObject([{ delivery: 'dead', hangUp: null }]);
  });

  test('a bad one, and a cursor of another order, are refused', async () => {
    const at = await many();
    await expect(callsIn(at, { filter: 'colour:red' })).rejects.toThrow(/^filter: expected one of state: by:/);
    const { next } = await callsIn(at, { sort: 'silence', limit: 1 });
    await expect(callsIn(at, { sort: 'accepted', after: next })).rejects.toThrow(
      /^after: expected the next of the page before, of the same sort/,
    );
    await expect(callsIn(at, { after: "sealed.1'; drop table" })).rejects.toThrow(/^after: /);
  });
});

describe('what a living call tells', () => {
  test('a caller who has left is in no silence, and a call that closed has ended', async () => {
    const at = await callDirectory({ now: () => NOW });
    const store = await at.store();
    await store.putSession(rowOf('left'));
    await store.putSession(rowOf('closed'));
    const left = living(8_000).add(1, 'participant', { change: 'left', identity: 'c', isCaller: true });
    await at.write({
      session: sessionIdOf('left'),
      epochs: [{ epoch: 1, entries: left.entries, torn: false }],
      keeper: [],
    });
    const end = { by: 'agent', reason: 'done', fault: 'none' } as const;
    const closed = living(8_000).add(1, 'session.closed', { end, alsoTriggered: [], stage: 'conversing' });
    await at.write({
      session: sessionIdOf('closed'),
      epochs: [{ epoch: 1, entries: closed.entries, torn: false }],
      keeper: [],
    });
    const { rows } = await callsIn(at);
    expect(rows.map(({ session, state, silentMs, reason }) => [session, state, silentMs, reason])).toEqual([
      ['closed', 'ended', null, 'done'],
      ['left', 'living', null, null],
    ]);
  });

  test('of a very long journal only the end is read, and who talks is known all the same', async () => {
    const at = await callDirectory({ now: () => NOW });
    await (await at.store()).putSession(rowOf('long'));
    const script = opened(sessionIdOf('long'));
    for (let index = 0; index < 3_000; index += 1) script.add(1, 'log', { level: 'info', message: 'x'.repeat(100) });
    const last = script.entries.at(-1)?.at ?? 0;
    script
      .add(1, 'audible', { who: 'agent', change: 'begins', speech: 's' })
      .add(1, 'audible', { who: 'agent', change: 'ends', speech: 's' });
    await at.write({
      session: sessionIdOf('long'),
      epochs: [{ epoch: 1, entries: script.entries, torn: false }],
      keeper: [],
    });
    expect((await callsIn(at)).rows).toMatchObject([{ silentMs: NOW - last - 2 }]);
  });

  test('a call that its keeper could not write down yet is in the list all the same', async () => {
    const at = await callDirectory({ now: () => NOW });
    await at.write({ session: sessionIdOf('new'), epochs: [], keeper: accepted().entries });
    await at.write({
      session: sessionIdOf('none'),
      epochs: [],
      keeper: accepted().add(1, 'session.withdrawn', { why: 'full' }).entries,
    });
    expect(names(await callsIn(at))).toEqual(['new']);
    await (await at.store()).putSession(rowOf('new'));
    expect(names(await callsIn(at))).toEqual(['new']);
  });
});

describe('the ledger', () => {
  const tally = async (at: CallDirectory): Promise<Tally> => (await ask(at.source, 'ledger', {})) as Tally;

  test('balances while each call is open, or sealed and delivered', async () => {
    const at = await many();
    expect(await tally(at)).toMatchObject({
      accepted: 29,
      open: 4,
      sealed: 25,
      delivered: 0,
      undeliverable: 25,
      isBalanced: true,
      differences: [],
    });
  });

  test('names each difference with its session: a row that is missing, a report that is', async () => {
    const at = await many();
    await at.write({ ...wholeCall(), session: sessionIdOf('unindexed') });
    await (await at.store()).close();
    const { DatabaseSync } = await import('@photostructure/sqlite');
    const database = new DatabaseSync(`${at.directory}/lastword.db`);
    database.exec(`delete from reports where session = 'old04'; delete from sessions where session = 'old06'`);
    database.close();
    expect(await tally(at)).toMatchObject({
      accepted: 29,
      isBalanced: false,
      differences: [
        { session: 'old06', what: 'it has a report, and is not sealed' },
        { session: 'old04', what: 'it is sealed, and has no report' },
        { session: 'unindexed', what: 'it has a journal, and the database has no row of it' },
      ],
    });
  });
});

test(
  'of more folders than are looked at, list and command line say that nobody looked for calls without a row',
  { timeout: 60_000 },
  async () => {
    const at = await many();
    await at.write({ ...wholeCall(), session: sessionIdOf('unindexed') });
    const command = async (...given: string[]): Promise<string> => {
      let out = '';
      const take = (text: string) => void (out += text);
      const env = { LASTWORD_DIR: at.directory, LASTWORD_STORE: at.address };
      await runCommandLine(['sessions', ...given], { env, isTTY: false, out: take, err: take });
      return out;
    };
    const says = /more than 10000 folders: sessions without a row in the database are not looked for, and not listed/;
    expect(names(await callsIn(at))).toContain('unindexed');
    expect(await callsIn(at)).not.toHaveProperty('unlookedAbove');
    expect(await command()).not.toMatch(says);
    for (let index = 0; index < 10_000; index += 1) mkdirSync(`${at.directory}/sessions/AJ_many_${index}`);
    const first = await callsIn(at, { limit: 10 });
    expect(names(first)).not.toContain('unindexed');
    expect(first.unlookedAbove).toBe(10_000);
    expect(await callsIn(at, { limit: 10, after: first.next })).not.toHaveProperty('unlookedAbove');
    expect(await command()).toMatch(says);
    expect(await command('--json')).not.toMatch(says);
    for (let index = 0; index < 10_000; index += 1) rmdirSync(`${at.directory}/sessions/AJ_many_${index}`);
  },
);
