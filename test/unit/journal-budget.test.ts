/** What strangers may write into a journal: all that an ordinary call has, and of a flood so much that it can be read. */
import { describe, expect, test } from 'vitest';
import { FIRST_PAUSE_MS, LONGEST_PAUSE_MS, shares, STRANGERS_BYTES } from '../../src/journal/shares.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';
import { fold } from '../../src/report/fold.ts';
import { assertReport } from '../contract/check-report.ts';
import { flood, interview, KIB, Kept, MIB } from './strangers.ts';

const reportOf = (kept: Kept) => {
  const report = fold(kept.session());
  assertReport(report);
  return report;
};
const item = (id: string, text: string) => ({ id, role: 'user', text, interrupted: false, createdAt: 1 }) as const;

test('an interview of two hours loses nothing, and uses less than the half of any share', () => {
  const kept = new Kept();
  let given = 0;
  const add = kept.add.bind(kept);
  kept.add = (kind, data, afterMs) => {
    given += 1;
    const seq = add(kind, data, afterMs);
    expect(kept.entries.at(-1)).toMatchObject({ kind, data });
    return seq;
  };
  interview(kept);
  kept.closes();
  expect(kept.entries).toHaveLength(given + 1);
  const { completeness, transcript, tools } = reportOf(kept);
  expect(completeness).toMatchObject({ withheld: [], leftOut: [] });
  expect([transcript.length, tools.length]).toEqual([1_800, 200]);
  const share = {
    words: ['item', 'transcript'],
    history: ['sdk'],
    heard: ['audible'],
    requests: ['request'],
    tools: ['tool'],
    usage: ['usage'],
    keys: ['key'],
    notes: ['latency'],
  };
  // Of an item the words and what the SDK says of it are paid for apart.
  const parts = kept.entries.flatMap((entry) => {
    if (entry.kind !== 'item') return [entry];
    const { sdk, ...words } = entry.data;
    const text = words.role === 'tool' ? [] : [{ ...entry, data: words }];
    return [...text, { ...entry, kind: 'sdk', data: sdk }];
  });
  for (const [name, kinds] of Object.entries(share)) {
    const used = parts.filter(({ kind }) => kinds.includes(kind)).map((entry) => JSON.stringify(entry).length);
    const all = used.reduce((sum, length) => sum + length, 0);
    expect([name, all < shares[name as keyof typeof shares] / 2]).toEqual([name, true]);
  }
});

test('a caller who sets attributes at 3 MB/s for three minutes: a small journal, their last value, an honest count', () => {
  const kept = new Kept();
  kept.joins('caller', { isCaller: true });
  const { entries, last } = flood(kept, 180);
  kept.closes();
  expect(entries * 60_000).toBe(540_000_000);
  expect(kept.bytes).toBeLessThan(2 * MIB);
  const { participants, completeness } = reportOf(kept);
  expect(participants).toMatchObject([{ identity: 'caller', isCaller: true, attributes: last }]);
  const written = kept.of('participant').filter(({ change }) => change === 'attributes');
  const [count, ...others] = completeness.withheld;
  expect(others).toEqual([]);
  expect(count).toMatchObject({ part: 'caller', identity: 'caller' });
  // Of those that waited, some were written after all: as last values.
  const late = kept.of('withheld').length - 1;
  expect(count!.entries).toBeGreaterThan(entries - written.length);
  expect(count!.entries).toBeLessThanOrEqual(entries - written.length + late + 1);
  expect(count!.bytes).toBeGreaterThan(530_000_000);
});

test('whatever everybody sends, strangers fill no more than 46 MiB of a journal', () => {
  expect(STRANGERS_BYTES).toBeLessThanOrEqual(46 * MIB);
  const kept = new Kept();
  const long = 'x'.repeat(200 * KIB);
  kept.joins('caller', { isCaller: true, metadata: long });
  for (let turn = 0; turn < 400; turn += 1) {
    kept.joins(`other ${turn % 600}`, { metadata: long.slice(0, 60 * KIB) });
    kept.sets(`other ${turn % 600}`, { a: long.slice(0, 60 * KIB) }, 1_000);
    kept.sets('caller', { a: long.slice(0, 60 * KIB) });
    kept.add('participant', { change: 'left', identity: `other ${turn % 600}`, isCaller: false });
    kept.add('room', { change: 'metadata', metadata: long });
    kept.add('item', { ...item(String(turn), long), sdk: { content: [long] } });
    kept.add('item', { ...item(`call ${turn}`, ''), role: 'tool', sdk: { output: long } });
    kept.add('transcript', { text: long });
    kept.add('audible', { who: 'agent', change: 'goes-on', pii: { text: long } });
    kept.add('request', { agent: 'a', items: [], pii: { instructions: long } });
    kept.add('blob', { ref: String(turn), sha256: String(turn), bytes: MIB });
    kept.add('tool', { call: 'c', name: 'n', status: 'settled', output: long });
    kept.add('error', { component: 'tool', message: long, stack: long, recoverable: turn % 2 === 0 });
    kept.add('attach', { key: String(turn % 50), value: long });
    kept.add('log', { level: 'info', message: long });
    kept.add('usage', { models: [{ type: 't', provider: long, model: 'm' }] });
  }
  kept.closes();
  const lives = 400 * 800; // tools, whose contents alone are withheld
  expect(kept.bytes).toBeLessThan(STRANGERS_BYTES + lives);
  expect(new Set(reportOf(kept).completeness.withheld.map(({ part }) => part))).toEqual(
    new Set([
      'caller',
      'participants',
      'room',
      'words',
      'history',
      'heard',
      'requests',
      'images',
      'tools',
      'errors',
      'failures',
      'attachments',
      'notes',
      'usage',
    ]),
  );
});

describe('an item', () => {
  const sdk = { id: 'a', content: ['x'.repeat(100 * KIB)] };
  const call = { ...item('call', ''), role: 'tool', sdk } as const;

  test('keeps its words where the history has no room for what the SDK says of it', () => {
    const kept = new Kept();
    for (let each = 0; each < 70; each += 1) kept.add('item', { ...item(String(each), `words ${each}`), sdk });
    kept.closes();
    const written = kept.of('item');
    expect(written.map(({ text }) => text)).toEqual(Array.from({ length: 70 }, (_, each) => `words ${each}`));
    const whole = written.filter((one) => one.sdk !== undefined).length;
    expect(whole).toBe(Math.floor(shares.history / (100 * KIB + 200)));
    expect(kept.withheld()).toMatchObject([{ part: 'history', entries: 70 - whole }]);
  });

  test('of a tool is nothing without it: `tool` says that it was called', () => {
    const kept = new Kept();
    for (let each = 0; each < 70; each += 1) kept.add('item', call);
    kept.closes();
    expect(kept.of('item').every((one) => one.sdk !== undefined)).toBe(true);
    expect(kept.withheld()).toMatchObject([{ part: 'history', entries: 70 - kept.of('item').length }]);
    expect(reportOf(kept).transcript).toEqual([]);
  });

  test('a long text leaves what the SDK says of it whole, and the other way round', () => {
    const kept = new Kept();
    const long = 'y'.repeat(200 * KIB);
    kept.add('item', { ...item('a', long), sdk: { content: [long] } });
    expect(kept.of('item')).toMatchObject([{ text: long, sdk: { content: [long] } }]);
  });
});

test('images: each once, none without a hash, and no more than fit', () => {
  const kept = new Kept();
  const image = (sha256: string | undefined, bytes: number) =>
    kept.add('blob', { ref: 'a.0', bytes, ...(sha256 !== undefined && { sha256 }) });
  expect(image('one', shares.images - 10)).toBeGreaterThan(0);
  expect(image('two', 11)).toBe(0);
  expect(image('one', shares.images - 10)).toBeGreaterThan(0); // the same one
  expect(image(undefined, 1)).toBe(0);
  expect(image('three', 10)).toBeGreaterThan(0);
  kept.closes();
  expect(reportOf(kept).completeness.withheld).toEqual([{ part: 'images', identity: null, entries: 2, bytes: 12 }]);
});

describe('of a state the last value counts', () => {
  const spent = (kept: Kept) => {
    kept.joins('caller', { isCaller: true });
    while (kept.sets('caller', { big: 'x'.repeat(60 * KIB) }) !== 0);
    return kept;
  };

  test('changes that waited are one when they are written, and each name has its newest value', () => {
    const kept = spent(new Kept());
    kept.sets('caller', { page: '1', open: 'yes' });
    kept.sets('caller', { page: '2' });
    kept.add('participant', { change: 'metadata', identity: 'caller', metadata: 'old'.padEnd(9 * KIB) });
    kept.add('participant', { change: 'metadata', identity: 'caller', metadata: 'new' });
    kept.closes();
    expect(kept.of('participant').findLast(({ attributes }) => attributes)?.attributes).toMatchObject({
      page: '2',
      open: 'yes',
    });
    expect(reportOf(kept).participants[0]).toMatchObject({ attributes: { page: '2', open: 'yes' }, metadata: 'new' });
    expect(kept.entries.at(-1)?.kind).toBe('session.closed');
  });

  test('a small one that would fit may not come before the large one that waits', () => {
    const kept = spent(new Kept());
    expect(kept.sets('caller', { big: 'small' })).toBe(0);
    expect(reportOf(kept.closes()).participants[0]?.attributes).toEqual({ big: 'small' });
  });

  test('it is written now and then, ever more seldom, and at least every five minutes', () => {
    const kept = spent(new Kept());
    const written: number[] = [];
    for (let seconds = 0; seconds < 3_600; seconds += 1) {
      const before = kept.of('participant').length;
      kept.sets('caller', { page: String(seconds).padEnd(2 * KIB) }, 1_000);
      if (kept.of('participant').length > before) written.push(kept.nowMs);
    }
    const pauses = written.map((at, index) => at - (written[index - 1] ?? 0));
    expect(pauses.slice(0, 5)).toEqual([1, 2, 4, 8, 16].map((times) => times * FIRST_PAUSE_MS));
    expect(new Set(pauses.slice(5))).toEqual(new Set([LONGEST_PAUSE_MS]));
    expect(kept.of('participant').at(-1)?.attributes?.['page']).toMatch(/^3\d\d\d /);
  });

  test('who comes again has what they come with, and not what waited before', () => {
    const kept = spent(new Kept());
    kept.sets('caller', { old: 'yes' });
    kept.joins('caller', { isCaller: true, attributes: { fresh: 'yes' }, metadata: 'again' });
    kept.closes();
    expect(reportOf(kept).participants[0]).toMatchObject({ attributes: { fresh: 'yes' }, metadata: 'again' });
    expect(reportOf(kept).participants[0]?.attributes).not.toHaveProperty('old');
  });

  test('names that are set and deleted by the hundred keep no memory and no journal', () => {
    const kept = spent(new Kept());
    for (let turn = 0; turn < 600; turn += 1) kept.sets('caller', { [`${turn} ${'n'.repeat(1_000)}`]: '' });
    const before = kept.bytes;
    kept.sets('caller', { last: 'yes' });
    kept.closes();
    expect(kept.bytes - before).toBeLessThan(200 * KIB);
    expect(reportOf(kept).participants[0]?.attributes).toHaveProperty('last', 'yes');
  });

  test('of an attachment by its key, of usage, of the room', () => {
    const kept = new Kept();
    const long = 'x'.repeat(60 * KIB);
    for (let turn = 0; turn < 100; turn += 1) {
      kept.add('attach', { key: 'notes', value: `${turn} ${long}` });
      kept.add('usage', { models: [{ type: 'llm_usage', provider: long, model: 'm', inputTokens: turn }] });
      kept.add('room', { change: 'metadata', metadata: `${turn} ${long}` });
    }
    kept.closes();
    const { application, usage } = reportOf(kept);
    expect(application.attachments['notes']).toBe(`99 ${long}`);
    expect(usage).toMatchObject([{ inputTokens: 99 }]);
    expect(kept.of('room').at(-1)?.metadata).toBe(`99 ${long}`);
  });
});

describe('who is in the room', () => {
  test('a thousand listeners are all there, with what they say of themselves', () => {
    const kept = new Kept();
    for (let turn = 0; turn < 1_000; turn += 1) kept.joins(`listener ${turn}`, { metadata: 'm'.repeat(1_000) });
    const { participants, completeness } = reportOf(kept.closes());
    expect(participants).toHaveLength(1_000);
    expect(participants.every(({ metadata }) => metadata?.length === 1_000)).toBe(true);
    expect(completeness.withheld).toEqual([]);
  });

  test('one who is not the caller takes no room from the caller, nor from the next', () => {
    const kept = new Kept();
    flood(kept, 20, 'stranger');
    const rooms = 20;
    for (let turn = 0; turn < rooms; turn += 1)
      kept.joins(`other ${turn}`, { attributes: { a: 'x'.repeat(50 * KIB) } });
    kept.joins('caller', { isCaller: true, attributes: { a: 'x'.repeat(60 * KIB) } });
    kept.sets('caller', { b: 'c' });
    expect(kept.entries.at(-1)).toMatchObject({ data: { identity: 'caller', attributes: { b: 'c' } } });
    expect(kept.withheld().map(({ identity }) => identity)).toEqual(['stranger']);
    expect(kept.bytes).toBeLessThan(3 * MIB);
  });

  test('a crowd that uses up what everybody shares takes nothing from the caller', () => {
    const kept = new Kept();
    for (let turn = 0; turn < 100; turn += 1) kept.sets(`stranger ${turn}`, { a: 'x'.repeat(60 * KIB) });
    expect(kept.sets('one more', { a: 'x'.repeat(60 * KIB) })).toBe(0);
    kept.joins('caller', { isCaller: true, attributes: { a: 'x'.repeat(60 * KIB) } });
    for (let turn = 0; turn < 10; turn += 1) kept.sets('caller', { b: `${turn}`.padEnd(60 * KIB) });
    const ofCaller = kept.of('participant').filter(({ identity }) => identity === 'caller');
    expect(ofCaller.map(({ change }) => change)).toEqual(['joined', ...Array.from({ length: 10 }, () => 'attributes')]);
    expect(ofCaller[0]?.attributes?.['a']).toHaveLength(60 * KIB);
  });

  test('a crowd that comes and goes without end is counted; the caller comes and goes all the same', () => {
    const kept = new Kept();
    for (let turn = 0; turn < 50_000; turn += 1) kept.joins(`stranger ${turn}`);
    kept.joins('caller', { isCaller: true, attributes: { a: 'b' } });
    kept.add('participant', { change: 'left', identity: 'caller', isCaller: true, reason: 'CLIENT_INITIATED' });
    kept.closes();
    expect(kept.bytes).toBeLessThan(3 * MIB);
    const { participants, completeness } = reportOf(kept);
    expect(participants.find(({ isCaller }) => isCaller)).toMatchObject({ identity: 'caller', attributes: { a: 'b' } });
    const [count] = completeness.withheld;
    expect(count).toMatchObject({ part: 'presence', identity: null });
    expect(participants.length + count!.entries).toBe(50_001);
  });

  test('a name longer than LiveKit knows is cut, the same everywhere', () => {
    const kept = new Kept();
    const name = 'n'.repeat(MIB);
    kept.joins(name, { isCaller: true });
    kept.sets(name, { a: 'b' });
    expect(reportOf(kept.closes()).participants).toMatchObject([{ identity: 'n'.repeat(KIB), attributes: { a: 'b' } }]);
  });

  test('thousands who flood are counted together after the first hundred', () => {
    const kept = new Kept();
    for (let turn = 0; turn < 2_000; turn += 1) kept.sets(`stranger ${turn}`, { long: 'x'.repeat(100 * KIB) });
    const asTheyCame = kept.of('participant').length;
    kept.closes();
    const counts = kept.withheld();
    expect(counts.length).toBeLessThanOrEqual(101);
    expect(counts.reduce((sum, { entries }) => sum + entries, 0)).toBe(2_000 - asTheyCame);
  });
});

describe('of what happened the first are kept', () => {
  test('words beyond a day of talk are counted; those before are whole', () => {
    const kept = new Kept();
    for (let turn = 0; turn < 10_000; turn += 1) kept.add('item', item(String(turn), 'w'.repeat(1_000)));
    kept.closes();
    const { transcript, completeness } = reportOf(kept);
    expect(kept.of('item').every(({ text }) => text.length === 1_000)).toBe(true);
    expect(kept.of('item').length).toBeGreaterThan(4_500);
    const [withheld] = completeness.withheld;
    expect(withheld).toMatchObject({ part: 'words', identity: null, entries: 10_000 - kept.of('item').length });
    expect(transcript.length).toBeGreaterThan(2_000);
  });

  test('an error that nothing was tried after finds room behind any number of others', () => {
    const kept = new Kept();
    const error = { component: 'tool', message: 'm'.repeat(4_000) };
    for (let turn = 0; turn < 5_000; turn += 1) kept.add('error', { ...error, recoverable: true });
    expect(kept.add('error', { ...error, recoverable: false })).toBeGreaterThan(0);
  });
});

describe('what we did ourselves is always written', () => {
  test('that a tool was called and settled, without what it gave, when its share is used up', () => {
    const kept = new Kept();
    const output = { rows: 'x'.repeat(100 * KIB) };
    for (let turn = 0; turn < 100; turn += 1)
      kept.add('tool', { call: `c${turn}`, name: 'look_up', status: 'settled', output, ms: turn });
    kept.closes();
    const { tools } = reportOf(kept);
    expect(tools).toHaveLength(100);
    expect(tools.at(-1)).toMatchObject({ call: 'c99', name: 'look_up', status: 'settled', ms: 99 });
    expect(JSON.stringify(kept.of('tool').at(-1))).toContain('truncated');
    expect(kept.of('tool')[0]?.output).toEqual(output);
  });

  test('of events and effects only the texts are cut', () => {
    const kept = new Kept();
    const detail = 'd'.repeat(MIB);
    const end = { by: 'agent', reason: 'done', fault: 'none', detail } as const;
    kept.add('event', { type: 'session.end', end });
    kept.add('effect', { machine: 'session', id: 'hangUp#1', name: 'hangUp', phase: 'failed', error: detail });
    expect(kept.bytes).toBeLessThan(200 * KIB);
    expect(kept.of('event')[0]).toMatchObject({ type: 'session.end', end: { by: 'agent', reason: 'done' } });
  });
});

test('a crash in the middle of a flood says that something was withheld: the first count is written at once', () => {
  const kept = new Kept();
  kept.joins('caller', { isCaller: true });
  while (kept.sets('caller', { big: 'x'.repeat(60 * KIB) }) !== 0 && kept.withheld().length === 0);
  expect(reportOf(kept).completeness.withheld).toMatchObject([{ part: 'caller', identity: 'caller', entries: 1 }]);
});

test('counts of several processes of one session are added up', () => {
  const [one, two] = [new Kept(), new Kept()];
  for (const kept of [one, two]) {
    kept.joins('caller', { isCaller: true });
    flood(kept, 20);
    kept.closes();
  }
  const report = fold({
    session: sessionIdOf('one'),
    epochs: [one, two].map(({ entries }, index) => ({ epoch: index + 1, entries, torn: false })),
    keeper: [],
  });
  const entries = one.withheld()[0]!.entries * 2;
  expect(report.completeness.withheld).toMatchObject([{ part: 'caller', identity: 'caller', entries }]);
});

test('an entry that is not what it should be is written all the same, and nothing throws', () => {
  const kept = new Kept();
  kept.add('participant', { change: 'joined' } as never);
  kept.add('tool', { args: Object.assign(Object.create(null), { toJSON: () => null }) } as never);
  kept.add('no such kind' as never, { level: 'info' } as never);
  kept.add('log', null as never);
  expect(kept.entries).toHaveLength(5);
});
