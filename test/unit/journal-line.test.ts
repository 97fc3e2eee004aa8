/** A journal's line on a damaged disk: what changed is never taken as unchanged, and costs no other line. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Entry } from '../../src/journal/entry.ts';
import { realDisk } from '../../src/journal/disk.ts';
import { KeptEntries } from '../../src/journal/kept.ts';
import { entryOf, lineOf } from '../../src/journal/line.ts';
import { JournalParser, parseJournal } from '../../src/journal/parse.ts';
import { readSession } from '../../src/journal/read.ts';
import { tailOf } from '../../src/journal/tail.ts';
import { openJournal } from '../../src/journal/write.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';
import { fold } from '../../src/report/fold.ts';
import { assertReport } from '../contract/check-report.ts';
import { randomFrom } from '../machine/random.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'lastword-line-'));
  mkdirSync(join(directory, 'sessions', 'one'), { recursive: true });
});
afterEach(() => rmSync(directory, { recursive: true }));
const pathOf = (file: string) => join(directory, 'sessions', 'one', `${file}.jsonl`);

const entry = (seq: number, kind: string, data: unknown): Entry =>
  ({ seq, at: 1_764_000_000_000 + seq * 37, up: 86_400_000 + seq * 37, kind, data }) as Entry;

/** As a call writes them: short facts, words of several alphabets, nested arguments, keys named as the line's own. */
const written: Entry[] = Array.from({ length: 60 }, (_, index) => {
  const seq = index + 1;
  switch (index % 6) {
    case 0:
      return entry(seq, 'event', { type: 'agent.audible' });
    case 1:
      return entry(seq, 'item', { id: `item_${seq}`, role: 'user', text: `Ein Tisch für zwei, bitte 你好 😀 ${seq}` });
    case 2:
      return entry(seq, 'tool', {
        call: `c${seq}`,
        name: 'book',
        args: { seats: 2, crc: '00000000', nested: [{ seq }] },
      });
    case 3:
      return entry(seq, 'transition', { machine: 'session', from: ['live.greeting'], to: ['live.conversing'] });
    case 4:
      return entry(seq, 'fact', { fact: 'agent.heard', turn: `t${seq}` });
    default:
      return entry(seq, 'log', { level: 'info', message: 'x'.repeat(seq * 5) });
  }
});
const whole = Buffer.from(written.map(lineOf).join(''));

/** Which lines a byte belongs to: its own; a newline parts two, and both are touched. */
const touchedBy = (position: number): number[] => {
  const line = whole.subarray(0, position).toString('latin1').split('\n').length;
  return whole[position] === 0x0a ? [line, line + 1] : [line];
};

const read = (bytes: Buffer, chunk = bytes.length) => {
  const entries: Entry[] = [];
  const parser = new JournalParser((found) => entries.push(found));
  for (let at = 0; at < bytes.length; at += chunk) parser.push(bytes.subarray(at, at + chunk));
  return { entries, lost: parser.lost, torn: parser.torn };
};

const asWritten = new Map(written.map((each) => [each.seq, JSON.stringify(each)]));
/** The promise of a line: what is read is what was written, and whatever is missing is said. */
const check = ({ entries, lost, torn }: ReturnType<typeof read>, touched: ReadonlySet<number>, what: string) => {
  for (const found of entries) expect(JSON.stringify(found), what).toBe(asWritten.get(found.seq));
  const seqs = new Set(entries.map(({ seq }) => seq));
  expect(seqs.size, what).toBe(entries.length);
  const missing = written.filter(({ seq }) => !seqs.has(seq));
  for (const { seq } of missing) expect(touched.has(seq), `${what}: line ${seq} was not touched`).toBe(true);
  expect(lost, what).toBeLessThanOrEqual(touched.size);
  if (missing.length > 0) expect(torn, `${what}: nothing says that ${missing.length} are missing`).toBe(true);
  return missing.length;
};

describe('a line', () => {
  it('is its JSON, with the CRC-32 of all before it as the last field', () => {
    const one: Entry = { seq: 1, at: 2, up: 3, kind: 'log', data: { level: 'info', message: 'ä' } };
    const line = '{"seq":1,"at":2,"up":3,"kind":"log","data":{"level":"info","message":"ä"},"crc":"ff92022f"}';
    expect(lineOf(one)).toBe(`${line}\n`); // the checksum as Python's zlib has it
    expect(entryOf(Buffer.from(line))).toEqual(one);
  });

  it('with any single bit flipped is none, wherever that bit is', () => {
    const line = Buffer.from(lineOf(written[2] as Entry).trimEnd());
    for (let bit = 0; bit < line.length * 8; bit += 1) {
      const flipped = Buffer.from(line);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(entryOf(flipped), `bit ${bit}: ${flipped.toString()}`).toBeUndefined();
    }
  });

  it('of an earlier version has no checksum, and is read; with any further field it is damaged', () => {
    const earlier = { seq: 1, at: 2, kind: 'log', data: { message: 'm' } };
    expect(entryOf(Buffer.from(JSON.stringify(earlier)))).toEqual(earlier);
    for (const more of [{ crb: '0f3a9c71' }, { up: 3 }, { crc: '0f3a9c7' }])
      expect(entryOf(Buffer.from(JSON.stringify({ ...earlier, ...more })))).toBeUndefined();
  });

  it('that a later writer adds to a file of an earlier version is read beside its lines', () => {
    const earlier = `${JSON.stringify({ seq: 1, at: 2, kind: 'log', data: { message: 'm' } })}\n`;
    const { entries, torn, lost } = parseJournal(earlier + lineOf(entry(2, 'log', { message: 'n' })));
    expect([entries.length, torn, lost]).toEqual([2, false, 0]);
  });
});

describe('a journal on a damaged disk', () => {
  it('undamaged is read whole, however it is cut into pieces', () => {
    for (const chunk of [1, 7, 64, 1_000, whole.length])
      expect(read(whole, chunk)).toEqual({ entries: written, lost: 0, torn: false });
  });

  it('3,000 times damaged: no change goes unmarked, and no line is lost but the damaged ones', () => {
    const { below } = randomFrom(1129);
    let lostInAll = 0;
    for (let run = 0; run < 3_000; run += 1) {
      let bytes = Buffer.from(whole);
      const touched = new Set<number>();
      const what: string[] = [];
      for (let flips = below(4) + (run % 3 === 0 ? 0 : 1); flips > 0; flips -= 1) {
        const bit = below(whole.length * 8);
        bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        for (const line of touchedBy(bit >> 3)) touched.add(line);
        what.push(`bit ${bit}`);
      }
      if (run % 3 === 0) {
        const length = below(whole.length + 1);
        for (let line = whole.subarray(0, length).toString('latin1').split('\n').length; line <= 61; line += 1)
          touched.add(line);
        bytes = bytes.subarray(0, length);
        what.push(`cut at ${length}`);
        const { entries, lost } = read(bytes);
        for (const found of entries) expect(JSON.stringify(found)).toBe(asWritten.get(found.seq));
        expect(lost, what.join()).toBeLessThanOrEqual(touched.size);
        continue;
      }
      lostInAll += check(read(bytes, 1 + below(500)), touched, what.join());
    }
    expect(lostInAll).toBeGreaterThan(3_000); // it did hit lines
  });

  it('a number with a flipped bit costs its own line, not those after it', () => {
    const text = whole.toString();
    const { entries, lost, torn } = parseJournal(text.replace('"seq":17,', '"seq":97,'));
    expect([entries.length, lost, torn]).toEqual([59, 1, true]);
  });

  it('a false newline makes one line lost, no two; a lost newline two', () => {
    const broken = Buffer.from(whole);
    broken[whole.length - 60] = 0x0a;
    expect(read(broken)).toMatchObject({ lost: 1, torn: true });
    const joined = Buffer.from(whole);
    joined[whole.indexOf(0x0a)] = 0x0b;
    expect(read(joined)).toMatchObject({ lost: 2, torn: true });
  });

  it('a line that is longer than any of ours is lost, and held by nobody', () => {
    const parser = new JournalParser(() => undefined, 1_000);
    for (let piece = 0; piece < 64; piece += 1) parser.push(Buffer.alloc(1024 * 1024, 'x'));
    expect([parser.lost, parser.torn]).toEqual([0, true]);
    parser.push(Buffer.from(`\n${lineOf(entry(2, 'log', {}))}`));
    expect([parser.lost, parser.torn]).toEqual([1, true]);
  });

  it('a report says how many entries its files have lost', async () => {
    writeFileSync(pathOf('1'), whole.toString().replaceAll('"role":"user"', '"role":"usar"'));
    writeFileSync(pathOf('keeper'), whole.toString().replace('x', 'y'));
    const report = fold(await readSession(directory, sessionIdOf('one')));
    assertReport(report);
    expect(report.completeness).toMatchObject({
      epochs: [{ lost: 10, passedOver: 0, torn: true }],
      keeperLost: 1,
      keeperPassedOver: 0,
    });
  });
});

describe('a writer that goes on in a file', () => {
  const open = () => openJournal({ directory, session: sessionIdOf('one'), file: 1 });

  it('reads its end and not the whole of it', async () => {
    writeFileSync(pathOf('1'), whole);
    const file = await realDisk.open(pathOf('1'));
    let readBytes = 0;
    const counting = {
      size: () => file.size(),
      read: (position: number, length: number) => {
        readBytes += length;
        return file.read(position, length);
      },
    };
    expect(await tailOf(counting, 256)).toEqual({ length: whole.length, lastSeq: 60, size: whole.length });
    expect(readBytes).toBeLessThan(2_000);
    await file.close();
  });

  it('finds the same end whatever its blocks are, behind rubbish of every kind', async () => {
    const rests = ['', 'rub', 'rubbish\n', '\0'.repeat(5_000), '\n\n', `${'y'.repeat(3_000)}\n`, '{"seq":61,"at'];
    for (const rest of rests) {
      const bytes = Buffer.concat([whole, Buffer.from(rest)]);
      const file = {
        size: async () => bytes.length,
        read: async (position: number, length: number) => bytes.subarray(position, position + Math.min(length, 100)),
      };
      for (const block of [1, 10, 255, 4_096, 1_000_000])
        expect(await tailOf(file, block)).toEqual({ length: whole.length, lastSeq: 60, size: bytes.length });
    }
  });

  it('leaves the number of a damaged last line free: the gap says what is missing', async () => {
    writeFileSync(pathOf('1'), whole.subarray(0, -40).toString() + whole.subarray(-40).toString().replace('x', 'y'));
    const journal = await open();
    expect(journal.append('log', { level: 'info', message: 'on' })).toBe(61);
    await journal.close();
    const { entries, lost, torn } = parseJournal(readFileSync(pathOf('1'), 'utf8'));
    expect([entries.at(-1)?.seq, entries.length, lost, torn]).toEqual([61, 60, 1, true]);
  });
});

describe('a journal that is longer than what may be kept', () => {
  it('keeps how the session went, counts what it passed over, and the report says so', async () => {
    const flood = Array.from({ length: 2_000 }, (_, index) =>
      lineOf(
        entry(index + 2, 'participant', { change: 'attributes', identity: 'a', attributes: { k: 'v'.repeat(500) } }),
      ),
    );
    const end = { by: 'caller', reason: 'caller_hung_up', fault: 'none' };
    const lines = [
      lineOf(entry(1, 'participant', { change: 'joined', identity: 'a', isCaller: true })),
      ...flood,
      lineOf(entry(2_002, 'transition', { machine: 'session', to: ['closed'], event: 'x', end })),
      lineOf(entry(2_003, 'session.closed', { end, stage: 'conversing', alsoTriggered: [] })),
    ];
    writeFileSync(pathOf('1'), lines.join(''));
    const journal = await readSession(directory, sessionIdOf('one'), { keptBytes: 100_000 });
    expect(journal.epochs[0]).toMatchObject({ lost: 0, torn: false });
    expect(journal.epochs[0]?.entries.length).toBeLessThan(200);
    const report = fold(journal);
    assertReport(report);
    expect(report.end.reason).toBe('caller_hung_up');
    expect(report.completeness.epochs[0]?.passedOver).toBe(2_003 - (journal.epochs[0]?.entries.length ?? 0));
  });

  it('no kind may pass the ceiling, and the last words are the last to go', () => {
    const kept = new KeptEntries(100_000);
    const take = (kind: string, data: unknown = {}) => {
      const before = kept.entries.length;
      kept.take(entry(1, kind, data), 1_000);
      return kept.entries.length > before;
    };
    const fill = (kind: string) => {
      while (take(kind));
      return kept.entries.length;
    };
    const [repeatable, ordinary, vital] = [fill('log'), fill('tool'), fill('transition')];
    expect(take('participant', { change: 'metadata' })).toBe(false);
    expect([repeatable, ordinary, vital]).toEqual([79, 119, 159]);
    expect(take('session.closed')).toBe(false);
    expect(kept.passedOver).toBe(5);
  });
});
