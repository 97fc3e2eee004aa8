/** What a keeper reads off a journal, whatever that holds: it never throws, and nothing unchecked is acted upon. */
import * as fc from 'fast-check';
import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { defaultPolicy, hangUpStrategies, MAX_TIMER_MS } from '../../machines/index.ts';
import type { Entry, SessionJournal } from '../../src/journal/entry.ts';
import { lineOf } from '../../src/journal/line.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';
import { owedBy } from '../../src/keeper/owed.ts';
import { whatIsKnown } from '../../src/keeper/reading.ts';
import { startSealer } from '../../src/keeper/seal.ts';
import type { WorkerHello } from '../../src/link/messages.ts';
import { openStore } from '../../src/store/open.ts';
import { anyEntries } from '../contract/any-journal.ts';
import { entries } from '../contract/chapters.ts';
import { accepted, facts, opened, owner } from '../contract/sessions.ts';

const log = pino({ level: 'silent' });
const known = (one: Entry[], keeper: Entry[] = []) =>
  whatIsKnown({ session: sessionIdOf('s'), epochs: [{ epoch: 1, entries: one, torn: false }], keeper });
const openedWith = (more: object) =>
  known(entries(['session.opened', { ...opened(sessionIdOf('s')).entries[0]?.data, ...more }]));

describe('a journal of any entries', () => {
  const check = (journal: SessionJournal) => {
    const found = whatIsKnown(journal);
    const texts = [found.facts?.job, found.facts?.agentName, found.facts?.room.name, found.facts?.room.sid];
    texts.push(found.facts?.metadata, found.opened?.identity, found.caller);
    for (const text of texts) expect(['string', 'undefined']).toContain(typeof text);
    for (const at of [found.acceptedAt, found.openedAt]) if (at !== undefined) expect(new Date(at).getTime()).toBe(at);
    if (found.opened?.owner) {
      expect(Number.isSafeInteger(found.opened.owner.pid) && found.opened.owner.pid > 0).toBe(true);
      expect(typeof found.opened.owner.startTicks).toBe('string');
    }
    if (found.opened) expect(Number.isSafeInteger(found.opened.epoch) && found.opened.epoch > 0).toBe(true);
    for (const [name, limit] of Object.entries(found.policy ?? {})) {
      expect(Object.hasOwn(defaultPolicy, name)).toBe(true);
      expect(limit >= 0 && limit <= MAX_TIMER_MS).toBe(true);
    }
    for (const strategy of Object.values(found.hangUp ?? {})) expect(hangUpStrategies).toContain(strategy);
    const owed = owedBy(sessionIdOf('s'), found, 'wss://livekit.example', 1);
    if (owed) expect(hangUpStrategies).toContain(owed.strategy);
  };

  test('is read without a throw, and what it gives has the types that it promises', () => {
    fc.assert(
      fc.property(fc.array(anyEntries, { maxLength: 3 }), anyEntries, (epochs, keeper) =>
        check({
          session: sessionIdOf('s'),
          epochs: epochs.map((all, index) => ({ epoch: index + 1, entries: all, torn: false })),
          keeper,
        }),
      ),
      { seed: 1129, numRuns: 1_500 },
    );
  });

  test.each([null, [], 'x', 7, true, { room: null }, { owner: [], policy: [], hangUp: 'x', room: 'x', end: 1 }])(
    'every entry holding %j says nothing, and is no error',
    (data) => {
      const kinds = ['session.accepted', 'session.opened', 'room', 'hangup', 'effect', 'participant', 'session.closed'];
      const all = entries(...kinds.map((kind): [string, unknown] => [kind, data]));
      expect(known(all, all)).toMatchObject({ isReleased: false, isClosed: true, end: null, caller: undefined });
    },
  );
});

describe('what is acted upon', () => {
  test.each([0, -1, -4711, 1.5, '4711', null, 2 ** 60])('a pid of %j is nobody’s: it names no process', (pid) =>
    expect(openedWith({ owner: { ...owner, pid } }).opened).toMatchObject({ epoch: 1, owner: undefined }),
  );

  test('limits that are none are left out, the others count', () => {
    const policy = { ...defaultPolicy, sealMs: 'soon', askMs: -1, killMs: 1e300, hangUpMs: 1234, constructor: 5 };
    const found = openedWith({ policy }).policy;
    expect(found).toMatchObject({ hangUpMs: 1234, unresponsiveMs: defaultPolicy.unresponsiveMs });
    for (const name of ['sealMs', 'askMs', 'killMs', 'constructor'])
      expect(Object.hasOwn(found ?? {}, name)).toBe(false);
  });

  test('a strategy that is none is the default one', () =>
    expect(openedWith({ hangUp: { normal: 'leave', failure: 'explode' } }).hangUp).toEqual({
      normal: 'leave',
      failure: 'delete-room',
      transfer: 'leave',
    }));

  test('a room made anew has its new sid, one found has that of the server', () => {
    const room = (change: string, sid: unknown): [string, unknown] => ['room', { change, sid }];
    const job = { ...facts, room: { name: 'r', sid: '' } };
    const sid = (...all: [string, unknown][]) => known(entries(['session.opened', job], ...all)).facts?.room.sid;
    expect(sid()).toBe('');
    expect(sid(room('connected', 'RM_1'), room('connected', 'RM_2'))).toBe('RM_1');
    expect(sid(room('connected', 'RM_1'), room('renewed', 'RM_2'), room('renewed', 7))).toBe('RM_2');
  });
});

describe('a session whose journal is rubbish', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'lastword-rubbish-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  test('is sealed at the first attempt, with what can be known', async () => {
    const hello: WorkerHello = {
      type: 'hello.worker',
      pid: 1,
      agentFile: 'agent.js',
      agentName: 'ada',
      livekit: { url: 'wss://livekit.example', apiKey: 'k', apiSecret: 's' },
      reports: [],
      alerts: [],
      policy: defaultPolicy,
      hangUp: { normal: 'delete-room', failure: 'delete-room', transfer: 'leave' },
    };
    const store = await openStore('sqlite::memory:');
    const sealer = startSealer({
      directory,
      store,
      worker: () => Promise.resolve(hello),
      onSealed: () => undefined,
      onOwed: () => undefined,
      log,
    });
    let count = 0;
    await fc.assert(
      fc.asyncProperty(anyEntries, anyEntries, async (one, keeper) => {
        const session = sessionIdOf(`s${(count += 1)}`);
        mkdirSync(join(directory, 'sessions', session), { recursive: true });
        const write = (file: string, all: Entry[]) =>
          appendFileSync(join(directory, 'sessions', session, `${file}.jsonl`), all.map(lineOf).join(''));
        write('1', one);
        write('keeper', keeper);
        expect(await sealer.seal(session, log, count % 2 === 0)).toMatchObject({ isFirst: true });
        expect(await store.session(session)).toMatchObject({ state: 'sealed' });
      }),
      { seed: 29, numRuns: 150 },
    );
    await store.close();
  });
});

test('a whole journal is read as before', () => {
  const found = known(opened(sessionIdOf('s')).entries, accepted().entries);
  expect(found).toMatchObject({
    facts: { ...facts, session: 's' },
    opened: { epoch: 1, owner },
    isWithdrawn: false,
    isClosed: false,
    end: null,
  });
  expect(found.policy).toEqual(defaultPolicy);
});

describe('what its caller hears when nobody takes a call over', () => {
  const chosen = (language: unknown): [string, unknown] => ['event', { type: 'lines.chosen', language }];
  const apologyOf = (apology: unknown, ...more: [string, unknown][]) =>
    known(entries(['session.opened', { ...opened(sessionIdOf('s')).entries[0]?.data, apology }], ...more)).apology;

  test('is the recording that the definition named, or the one of the language, which a function may have chosen later', () => {
    expect(apologyOf({ language: 'de', file: '/sorry.wav' })).toEqual({ language: 'de', file: '/sorry.wav' });
    expect(apologyOf({ language: 'en' }, chosen('fr'))).toEqual({ language: 'fr', file: undefined });
  });
  test('is nothing where none is wanted, and in a journal of an earlier version', () => {
    expect(apologyOf(undefined)).toBeUndefined();
    expect(apologyOf('yes')).toBeUndefined();
  });
  test('is in English where the language is none that was recorded', () => {
    expect(apologyOf({ language: 'tlh', file: 7 }, chosen(7))).toEqual({ language: 'en', file: undefined });
  });
});

test('H3b a call that was left because its worker was gone was not taken over after a death', () => {
  const succeeded = (epoch: number): [string, unknown] => [
    'keeper.succeeded',
    { epoch, job: `AJ_${epoch}`, dispatch: 'D' },
  ];
  const journal = (...kinds: string[]) =>
    whatIsKnown({
      session: sessionIdOf('s'),
      epochs: kinds.map((kind, index) => ({
        epoch: index + 1,
        entries: entries(['session.opened', {}], [kind, { isCalm: true }]),
        torn: false,
      })),
      keeper: entries(succeeded(2), succeeded(3)),
    });
  expect(journal('handed.over', 'log', 'log')).toMatchObject({
    isHandedOver: false,
    takenOverAt: [expect.any(Number)],
  });
  expect(journal('log', 'log', 'handed.over').takenOverAt).toHaveLength(2);
  expect(journal('log', 'log', 'handed.over').isHandedOver).toBe(true);
});
