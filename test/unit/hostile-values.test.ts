/** Hostile values in a journal: the line is valid and bounded, the report is a report, and its signature verifies. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { defaultPolicy } from '../../machines/index.ts';
import type { EntryData } from '../../src/journal/entry.ts';
import { ENTRY_CHARACTERS, toJson } from '../../src/journal/json.ts';
import { readSession } from '../../src/journal/read.ts';
import { openJournal } from '../../src/journal/write.ts';
import { firstJob, jobIdOf, sessionIdOf } from '../../src/journal/ids.ts';
import { signHeaders } from '../../src/delivery/sign.ts';
import { whatIsKnown } from '../../src/keeper/reading.ts';
import { fold, serializeReport } from '../../src/report/fold.ts';
import type { Report } from '../../src/report/schema.ts';
import { isA, messageOf, stackOf } from '../../src/errors/thrown.ts';
import { assertReport } from '../contract/check-report.ts';
import { hostileText, hostileThrows, hostileValues, isWellFormed, wellFormed } from '../contract/hostile.ts';
import { owner } from '../contract/sessions.ts';

const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'lastword-hostile-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const opened: EntryData['session.opened'] = {
  ...firstJob(jobIdOf('one')),
  agentName: '',
  room: { name: 'room', sid: 'RM_1' },
  metadata: '',
  owner,
  identity: 'agent',
  policy: defaultPolicy,
  policyHash: 'none',
  machineHash: 'none',
  hangUp: { normal: 'delete-room', failure: 'delete-room', transfer: 'leave' },
  versions: {},
};

/** Writes, reads back, folds, seals, signs: what a backend gets. */
async function delivered(
  write: (append: <Kind extends keyof EntryData>(kind: Kind, data: EntryData[Kind]) => void) => void,
  first: EntryData['session.opened'] = opened,
): Promise<{ report: Report; text: string; body: string }> {
  const journal = await openJournal({
    directory,
    session: sessionIdOf('one'),
    file: 1,
    first: { kind: 'session.opened', data: first },
  });
  write((kind, data) => void journal.append(kind, data));
  await journal.close();
  const text = readFileSync(journal.path, 'utf8');
  for (const line of text.trimEnd().split('\n')) {
    expect(isWellFormed(line)).toBe(true);
    expect(() => JSON.parse(line)).not.toThrow();
  }
  const report = fold(await readSession(directory, sessionIdOf('one')));
  assertReport(report);
  expect(report.completeness.epochs[0]?.torn).toBe(false);
  const body = serializeReport(report);
  expect(isWellFormed(body)).toBe(true);
  const headers = signHeaders({ id: report.id, at: Date.now(), body, secrets: [secret] });
  expect(new Webhook(secret).verify(Buffer.from(body), headers)).toEqual(JSON.parse(body)); // over the bytes
  return { report, text, body };
}

describe('whatever a tool returns', () => {
  test.each(hostileValues)(
    '%s: the entry is bounded, its name and status stand beside it, the report is sealed',
    async (_, make) => {
      const { report, text } = await delivered((append) => {
        append('tool', { call: 'c', name: 'look_up', status: 'started', args: make() as never });
        append('tool', { call: 'c', name: 'look_up', status: 'settled', output: make() as never, ms: 5 });
        append('attach', { key: 'given', value: make() as never });
      });
      expect(report.tools).toMatchObject([{ call: 'c', name: 'look_up', status: 'settled', ms: 5 }]);
      expect(Object.keys(report.application.attachments)).toEqual(['given']);
      for (const line of text.split('\n')) expect(line.length).toBeLessThan(2.2 * ENTRY_CHARACTERS);
      expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    },
  );

  test('one field that cannot be read costs no other field', () => {
    const bad = { toJSON: () => { throw hostileThrows.find(([what]) => what === 'a proxy that throws')?.[1](); } }; // prettier-ignore
    expect(toJson({ name: 'look_up', status: 'settled', output: { deep: [bad, 1] } })).toEqual({
      name: 'look_up',
      status: 'settled',
      output: { deep: ['[unreadable]', 1] },
    });
  });

  test('any value at all is JSON, and the same JSON again', () => {
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
      withObjectString: true,
      withSet: true,
      withSparseArray: true,
      withTypedArray: true,
      withUnicodeString: true,
    });
    fc.assert(
      fc.property(anything, (value) => {
        const json = toJson(value);
        expect(JSON.parse(JSON.stringify(json))).toEqual(json);
        expect(isWellFormed(JSON.stringify(json))).toBe(true);
      }),
      { seed: 11, numRuns: 200 },
    );
  });
});

test.each(hostileThrows)('%s, thrown: has a message, and no look at it throws', (_, make) => {
  const thrown = make();
  expect(typeof messageOf(thrown)).toBe('string');
  expect(messageOf(thrown)).not.toBe('');
  expect(messageOf(thrown).length).toBeLessThan(5000);
  expect(() => stackOf(thrown)).not.toThrow();
  expect(typeof isA(thrown, Error)).toBe('boolean');
});

describe('whatever is said or called', () => {
  test('a transcript of control characters, half characters and marks of direction: kept, but for the halves', async () => {
    const { report } = await delivered((append) => {
      append('item', {
        id: 'i',
        role: 'user',
        text: hostileText,
        interrupted: false,
        agent: hostileText,
        createdAt: 1,
      });
      append('participant', {
        change: 'joined',
        identity: hostileText,
        isCaller: true,
        attributes: { [hostileText]: hostileText },
        metadata: hostileText,
      });
      append('error', { component: hostileText, message: hostileText, recoverable: true });
    });
    const kept = `${hostileText.slice(0, -1)}\uFFFD`;
    expect(report.transcript[0]?.text).toBe(kept);
    expect(report.participants[0]).toMatchObject({ identity: kept, attributes: { [kept]: kept } });
    expect(report.errors[0]?.message).toBe(kept);
  });

  test('rooms, identities, agents and jobs with every printable character and with line breaks', async () => {
    const names = { room: { name: hostileText, sid: hostileText }, identity: hostileText, agentName: hostileText };
    const { report, text } = await delivered(() => {}, { ...opened, ...names, metadata: hostileText });
    const kept = `${hostileText.slice(0, -1)}\uFFFD`;
    expect(report.room?.name).toBe(kept);
    expect(report.metadata).toBe(kept);
    expect(text.trimEnd().split('\n')).toHaveLength(1);
  });

  test('any text survives journal, fold and signature', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 200 }), async (said) => {
        const { report } = await delivered((append) =>
          append('item', { id: 'i', role: 'user', text: said, interrupted: false, createdAt: 1 }),
        );
        expect(report.transcript[0]?.text).toBe(wellFormed(said));
        rmSync(directory, { recursive: true });
      }),
      { seed: 5, numRuns: 60 },
    );
    directory = mkdtempSync(join(tmpdir(), 'lastword-hostile-'));
  });
});

describe('metadata of 10 MB', () => {
  const huge = JSON.stringify({ customer: '4711', list: Array.from({ length: 1_100_000 }, (_, index) => `n${index}`) });

  test('pushes neither the owner nor the policy nor the room out of the first record', async () => {
    expect(huge.length).toBeGreaterThan(10_000_000);
    const { report, text } = await delivered(() => {}, { ...opened, metadata: huge });
    const known = whatIsKnown(await readSession(directory, sessionIdOf('one')));
    expect(known.opened).toEqual({ epoch: 1, owner, identity: 'agent' });
    expect(known.policy).toEqual(defaultPolicy);
    expect(known.hangUp).toEqual(opened.hangUp);
    expect(known.facts?.room).toEqual(opened.room);
    expect(report.metadata).toEqual(expect.stringContaining('truncated'));
    expect(text.length).toBeLessThan(2.2 * ENTRY_CHARACTERS);
  });

  test('of attributes does not push out who it is', async () => {
    const attributes = Object.fromEntries(Array.from({ length: 60_000 }, (_, index) => [`k${index}`, 'v'.repeat(40)]));
    const { report } = await delivered((append) =>
      append('participant', {
        change: 'joined',
        identity: 'caller',
        sid: 'PA_1',
        kind: 'sip',
        isCaller: true,
        attributes,
      }),
    );
    expect(report.participants[0]).toMatchObject({ identity: 'caller', sids: ['PA_1'], kind: 'sip', isCaller: true });
  });
});

describe('clocks that jump', () => {
  test('back and forth by hours and years: no duration is negative, times are times or null', async () => {
    const jumps = [0, 3_600_000, -86_400_000, 10, -1e15, 1e15, 5, Number.MAX_SAFE_INTEGER, -5];
    let at = Date.UTC(2026, 10, 20);
    let step = 0;
    const now = () => (at += jumps[(step += 1) % jumps.length] ?? 0);
    const journal = await openJournal({
      directory,
      session: sessionIdOf('one'),
      file: 1,
      now,
      first: { kind: 'session.opened', data: opened },
    });
    const states = ['live.connecting', 'live.greeting', 'live.conversing', 'ending', 'exiting', 'reporting', 'closed'];
    for (const [index, to] of states.entries())
      journal.append('transition', { machine: 'session', from: [states[index - 1] ?? ''], to: [to], event: 'e' });
    journal.append('participant', { change: 'joined', identity: 'caller', isCaller: true });
    journal.append('effect', {
      machine: 'session',
      id: 's',
      name: 'speak',
      phase: 'requested',
      line: 'goodbye',
      rung: 'live',
    });
    journal.append('event', { type: 'line.audible', line: 'goodbye', rung: 'live' });
    journal.append('tool', { call: 'c', name: 't', status: 'started' });
    journal.append('tool', { call: 'c', name: 't', status: 'settled' });
    journal.append('tool', { call: 'd', name: 't', status: 'settled', ms: -5 });
    journal.append('latency', { measure: 'turn', ms: -80 });
    journal.append('participant', { change: 'left', identity: 'caller' });
    journal.append('hangup', { strategy: 'delete-room', attempts: 1, verified: true, ms: -7 });
    await journal.close();
    const report = fold(await readSession(directory, sessionIdOf('one')));
    assertReport(report); // the schema says min(0) of every duration
    const durations = JSON.stringify(report).match(/"(?:ms|[a-z]+Ms)":-?[\d.e+]+/gi) ?? [];
    expect(durations.length).toBeGreaterThan(5);
    expect(durations.filter((each) => each.includes(':-'))).toEqual([]);
    expect(report.stages.map(({ stage }) => stage)).toEqual([
      'connecting',
      'greeting',
      'conversing',
      'ending',
      'exiting',
      'reporting',
      'closed', // prettier-ignore
    ]);
  });
});
