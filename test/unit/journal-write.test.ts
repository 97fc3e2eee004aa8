import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync, appendFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { realDisk, type Disk, type DiskFile } from '../../src/journal/disk.ts';
import type { Json } from '../../src/journal/entry.ts';
import type { JournalError } from '../../src/journal/errors.ts';
import { thisProcess } from '../../src/journal/owner.ts';
import type { JournalName } from '../../src/journal/folder.ts';
import { listSessions, parseJournal, readSession } from '../../src/journal/read.ts';
import { openJournal, type Journal } from '../../src/journal/write.ts';
import { type SessionId, sessionIdOf } from '../../src/journal/ids.ts';

let directory: string;
const opened: Journal[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'lastword-journal-'));
});
afterEach(async () => {
  for (const journal of opened.splice(0)) await journal.close().catch(() => undefined);
  rmSync(directory, { recursive: true });
});

type Options = Partial<Parameters<typeof openJournal>[0]>;
const openOne = async (options: Options = {}): Promise<Journal> => {
  const journal = await openJournal({ directory, session: sessionIdOf('one'), file: 1, ...options });
  opened.push(journal);
  return journal;
};
const log = (message: string) => ({ level: 'info', message });
const messages = (path: string) =>
  parseJournal(readFileSync(path, 'utf8')).entries.map(({ data }) => (data as { message?: string }).message);

/** The real disk with a fault in one place. */
const faulty = (change: (file: DiskFile) => Partial<DiskFile>, more: Partial<Disk> = {}): Disk => ({
  ...realDisk,
  ...more,
  async open(path) {
    const file = await realDisk.open(path);
    return { ...file, ...change(file) };
  },
});
const failure = (code: string) => Object.assign(new Error(`${code}, as planted`), { code });

describe('writing a journal', () => {
  it('entries come back in order, numbered without gaps, with their times', async () => {
    let now = 1_000;
    const journal = await openOne({ now: () => (now += 1) });
    const numbers = Array.from({ length: 100 }, (_, index) => journal.append('log', log(`line ${index}`)));
    expect(numbers).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
    expect(journal.lastSeq).toBe(100);
    await journal.durable();
    const { entries, torn } = parseJournal(readFileSync(journal.path, 'utf8'));
    expect(torn).toBe(false);
    expect(entries.map(({ seq }) => seq)).toEqual(numbers);
    expect(entries[0]).toEqual({ seq: 1, at: 1_001, kind: 'log', data: log('line 0') });
  });

  it('entries have the time of the clock that is never set, and the first of each writer names its boot', async () => {
    for (const session of ['one', 'one'].map(sessionIdOf)) {
      const journal = await openOne({ session });
      journal.append('log', log('a'));
      journal.append('log', log('b'));
      await journal.close();
    }
    const { entries } = parseJournal(readFileSync(join(directory, 'sessions', 'one', '1.jsonl'), 'utf8'));
    const ups = entries.map(({ up = 0 }) => up);
    expect(ups).toEqual(ups.toSorted((one, other) => one - other));
    const now = Number(process.hrtime.bigint() / 1_000_000n);
    for (const up of ups) expect(now - up).toBeGreaterThanOrEqual(0);
    for (const up of ups) expect(now - up).toBeLessThan(10_000);
    const { bootId } = await thisProcess();
    expect(entries.map(({ boot }) => boot ?? '')).toEqual([bootId, '', bootId, '']);
  });

  it('is written without anybody asking, and in few flushes', async () => {
    let flushes = 0;
    const bell: { ring: () => void } = { ring: () => undefined };
    const disk = faulty((file) => ({
      async datasync() {
        await file.datasync();
        flushes += 1;
        bell.ring();
      },
    }));
    const journal = await openOne({ disk });
    const before = flushes;
    const written = new Promise<void>((resolve) => (bell.ring = resolve));
    for (let index = 0; index < 1_000; index += 1) journal.append('log', log('x'));
    await written;
    await journal.durable();
    expect(messages(journal.path)).toHaveLength(1_000);
    expect(flushes - before).toBeLessThanOrEqual(2);
  });

  it('an entry that is appended the moment another became durable is written too', async () => {
    const journal = await openOne();
    for (let round = 0; round < 50; round += 1) {
      journal.append('log', log(`a${round}`));
      await journal.durable();
      for (let tick = 0; tick < round % 12; tick += 1) await Promise.resolve();
      journal.append('log', log(`b${round}`));
      const deadline = Date.now() + 5_000;
      while (!readFileSync(journal.path, 'utf8').includes(`"b${round}"`)) {
        if (Date.now() > deadline) throw new Error(`b${round} was never written`);
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  });

  it('the first entry, its file and all its folders are durable before the journal is open', async () => {
    const steps: string[] = [];
    const disk = faulty(
      (file) => ({
        async datasync() {
          await file.datasync();
          steps.push('file');
        },
      }),
      {
        async makeFolder(path) {
          await realDisk.makeFolder(path);
          steps.push('made');
        },
        async syncFolder(path) {
          await realDisk.syncFolder(path);
          steps.push('folder');
        },
      },
    );
    const journal = await openOne({ disk, first: { kind: 'log', data: log('first') } });
    expect(steps).toEqual(['made', 'file', 'folder', 'file']);
    expect(messages(journal.path)).toEqual(['first']);
  });

  it('nobody else can read it: it holds what people said', async () => {
    const journal = await openOne();
    expect(statSync(journal.path).mode & 0o777).toBe(0o600);
    expect(statSync(join(directory, 'sessions')).mode & 0o777).toBe(0o700);
  });

  it('after close nothing is taken, and somebody is told', async () => {
    const troubles: JournalError[] = [];
    const journal = await openOne({ onTrouble: (error) => troubles.push(error) });
    journal.append('log', log('in'));
    const closing = journal.close();
    expect(journal.append('log', log('out'))).toBe(0);
    await closing;
    await journal.close();
    expect(messages(journal.path)).toEqual(['in']);
    expect(troubles).toMatchObject([{ code: 'ECLOSED' }]);
    expect(journal.lastSeq).toBe(1);
  });

  it.each(['..', '.', '', 'a/b', '../x', '.hidden', 'a\\b', 'a\0b', 'x'.repeat(129)])(
    'session id %j is refused',
    async (session) => {
      await expect(openOne({ session: session as SessionId })).rejects.toMatchObject({
        name: 'JournalError',
        code: 'EBADID',
        message: expect.stringContaining('expected a session id'),
      });
      await expect(readSession(directory, session as SessionId)).rejects.toMatchObject({ code: 'EBADID' });
    },
  );

  it.each([0, 1.5, -1, Number.NaN, '01', 'two', '../1', ''])('file %j is refused', async (file) => {
    await expect(openOne({ file: file as JournalName })).rejects.toMatchObject({
      code: 'EBADID',
      message: expect.stringContaining('expected "keeper"'),
    });
  });
});

describe('any data', () => {
  const circular: Record<string, unknown> = { name: 'loop' };
  circular['self'] = circular;
  const evil = {
    get fine() {
      return 1;
    },
    get broken(): never {
      throw new Error('no');
    },
  };
  let deep: unknown = 'bottom';
  for (let level = 0; level < 50_000; level += 1) deep = [deep];

  it.each<[string, unknown, Json]>([
    ['circular', circular, { name: 'loop', self: '[circular]' }],
    ['twice but not circular', [evilless(), evilless()], [{ a: 1 }, { a: 1 }]],
    ['BigInt', { n: 12n }, { n: '12' }],
    ['undefined', undefined, null],
    ['functions and undefined inside', { a: undefined, b: () => 1, c: [undefined] }, { c: [null] }],
    ['NaN and infinity', [Number.NaN, Infinity], [null, null]],
    ['half a character', { text: 'a\uD800b', ['\uDC00']: 1 }, { text: 'a\uFFFDb', '\uFFFD': 1 }],
    ['a whole pair', '😀', '😀'],
    ['Date', new Date(0), '1970-01-01T00:00:00.000Z'],
    ['a date that is none', new Date(Number.NaN), null],
    ['Map and Set', [new Map([['a', 1]]), new Set([1])], [{ a: 1 }, [1]]],
    ['Error', new TypeError('bad'), { name: 'TypeError', message: 'bad' }],
    ['binary', new Uint8Array(8), '[binary: 8 bytes]'],
    ['a getter that throws', evil, { fine: 1, broken: '[unreadable: no]' }],
    [
      'toJSON that throws',
      {
        toJSON: () => {
          throw new Error('boom');
        },
      },
      '[unreadable: boom]',
    ],
    ['toJSON that returns itself', selfish(), '[circular]'],
    ['what throws the unreadable', { toJSON: () => throwRevoked() }, '[unreadable]'],
    ['a revoked proxy', revoked(), expect.stringContaining('[unreadable') as unknown as Json],
  ])('%s is written', async (_, data, expected) => {
    const journal = await openOne();
    journal.append('log', data as never);
    await journal.durable();
    expect(parseJournal(readFileSync(journal.path, 'utf8')).entries[0]?.data).toEqual(expected);
  });

  it('a key called __proto__ stays a key', async () => {
    const journal = await openOne();
    journal.append('log', JSON.parse('{"__proto__":{"a":1}}') as never);
    await journal.durable();
    expect(readFileSync(journal.path, 'utf8')).toContain('{"__proto__":{"a":1}}');
  });

  it('endless nesting is cut, with a mark', async () => {
    const journal = await openOne();
    journal.append('log', deep as never);
    await journal.durable();
    expect(readFileSync(journal.path, 'utf8')).toContain('[truncated: deeper than 64 levels]');
  });

  it.each<[string, () => unknown]>([
    ['a text of 50 MiB', () => ({ output: 'x'.repeat(50 * 1024 * 1024), status: 'settled' })],
    ['two million zeros', () => ({ output: Array.from({ length: 2_000_000 }, () => 0), status: 'settled' })],
    [
      '300,000 keys',
      () => ({
        output: Object.fromEntries(Array.from({ length: 300_000 }, (_, index) => [`k${index}`, 1])),
        status: 'settled',
      }),
    ],
  ])('%s is cut to about 1 MiB, with a mark, and its short neighbours survive', async (_, make) => {
    const journal = await openOne();
    journal.append('tool', make() as never);
    await journal.durable();
    const text = readFileSync(journal.path, 'utf8');
    expect(text.length).toBeLessThan(3 * 1024 * 1024);
    expect(text).toContain('truncated');
    expect(parseJournal(text).entries[0]?.data).toMatchObject({ status: 'settled' });
  });
});

function evilless() {
  return { a: 1 };
}
function selfish(): object {
  const value = { toJSON: (): unknown => value };
  return value;
}
function throwRevoked(): never {
  throw revoked();
}
function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

describe('a file that is there already', () => {
  it('is continued behind its last number', async () => {
    const first = await openOne({ file: 'keeper' });
    first.append('log', log('a'));
    first.append('log', log('b'));
    await first.close();
    const second = await openOne({ file: 'keeper', first: { kind: 'log', data: log('c') } });
    expect(second.lastSeq).toBe(3);
    expect(messages(second.path)).toEqual(['a', 'b', 'c']);
    expect(parseJournal(readFileSync(second.path, 'utf8')).torn).toBe(false);
  });

  it.each([
    ['half a line', '{"seq":3,"at":1,"kind":"log","da'],
    ['a whole line without its newline', '{"seq":3,"at":1,"kind":"log","data":{"message":"c"}}'],
    ['zeros, as after a power cut', '\0'.repeat(4_096)],
    ['a line of rubbish', 'rubbish\n'],
    ['several lines of rubbish', '\0\0\n{"seq":"x"}\n\n[]\nrub'],
    ['half a UTF-8 character', Buffer.from('{"seq":3,"at":1,"kind":"log","data":"ä').subarray(0, -1)],
  ])('%s at its end is cut off', async (_, rest) => {
    const first = await openOne();
    first.append('log', log('a'));
    first.append('log', log('b'));
    await first.close();
    appendFileSync(first.path, rest);
    expect(parseJournal(readFileSync(first.path, 'utf8'))).toMatchObject({ torn: true });
    const second = await openOne();
    expect(second.append('log', log('c'))).toBe(3);
    await second.durable();
    expect(messages(second.path)).toEqual(['a', 'b', 'c']);
    expect(parseJournal(readFileSync(second.path, 'utf8')).torn).toBe(false);
  });

  it('with nothing but rubbish is begun anew', async () => {
    const first = await openOne();
    await first.close();
    writeFileSync(first.path, '\0'.repeat(100));
    const second = await openOne();
    expect(second.append('log', log('a'))).toBe(1);
    await second.durable();
    expect(messages(second.path)).toEqual(['a']);
  });
});

describe('a disk that fails', () => {
  it('short writes are continued', async () => {
    const disk = faulty((file) => ({ write: (bytes, position) => file.write(bytes.subarray(0, 7), position) }));
    const journal = await openOne({ disk });
    for (let index = 0; index < 20; index += 1) journal.append('log', log(`line ${index} ä😀`));
    await journal.durable();
    expect(messages(journal.path)).toEqual(Array.from({ length: 20 }, (_, index) => `line ${index} ä😀`));
  });

  it.each([
    ['ENOSPC', /the disk is full: free space/],
    ['EIO', /the disk reports a fault/],
  ])('%s: durable says which file and what to do; nothing is lost, and the order is kept', async (code, advice) => {
    let isBroken = false;
    const troubles: JournalError[] = [];
    const disk = faulty((file) => ({
      async write(bytes, position) {
        if (!isBroken) return file.write(bytes, position);
        await file.write(bytes.subarray(0, 11), position); // some of it got there, as on a real disk
        throw failure(code);
      },
    }));
    const journal = await openOne({ disk, onTrouble: (error) => troubles.push(error) });
    journal.append('log', log('a'));
    await journal.durable();
    isBroken = true;
    journal.append('log', log('b'));
    const error: unknown = await journal.durable().catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      name: 'JournalError',
      code,
      path: journal.path,
      message: expect.stringMatching(advice),
    });
    journal.append('log', log('c'));
    await expect(journal.durable()).rejects.toMatchObject({ code });
    expect(troubles).toHaveLength(1);
    isBroken = false;
    await journal.durable();
    expect(messages(journal.path)).toEqual(['a', 'b', 'c']);
    isBroken = true;
    journal.append('log', log('d'));
    await expect(journal.durable()).rejects.toMatchObject({ code });
    expect(troubles).toHaveLength(2);
    isBroken = false;
  });

  it('a disk with room again is noticed by itself', async () => {
    let failures = 2;
    const disk = faulty((file) => ({
      write: async (bytes, position) => {
        if (failures-- > 0) throw failure('ENOSPC');
        return file.write(bytes, position);
      },
    }));
    const journal = await openOne({ disk });
    journal.append('log', log('a'));
    await expect(journal.durable()).rejects.toMatchObject({ code: 'ENOSPC' });
    const deadline = Date.now() + 10_000;
    while (messages(journal.path).length === 0) {
      if (Date.now() > deadline) throw new Error('it was never tried again');
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(messages(journal.path)).toEqual(['a']);
  });

  it('after a failed flush all that was not known to be there is written again', async () => {
    const positions: number[] = [];
    let isBroken = false;
    const disk = faulty((file) => ({
      write: (bytes, position) => {
        positions.push(position);
        return file.write(bytes, position);
      },
      datasync: async () => {
        if (isBroken) throw failure('EIO');
        await file.datasync();
      },
    }));
    const journal = await openOne({ disk });
    isBroken = true;
    journal.append('log', log('a'));
    await expect(journal.durable()).rejects.toMatchObject({ code: 'EIO' });
    isBroken = false;
    journal.append('log', log('b'));
    await journal.durable();
    expect(positions).toEqual([0, 0]);
    expect(messages(journal.path)).toEqual(['a', 'b']);
  });

  it('a disk that does not answer is ETIMEDOUT, appending goes on, and what was written late counts', async () => {
    let release = (): void => undefined;
    const stalled = new Promise<void>((resolve) => (release = resolve));
    let isStalled = false;
    const disk = faulty((file) => ({
      datasync: async () => {
        if (isStalled) await stalled;
        await file.datasync();
      },
    }));
    const troubles: JournalError[] = [];
    const journal = await openOne({ disk, diskMs: 500, onTrouble: (error) => troubles.push(error) }); // a busy disk opens in that time
    isStalled = true;
    journal.append('log', log('a'));
    await expect(journal.durable()).rejects.toMatchObject({ code: 'ETIMEDOUT', path: journal.path });
    expect(journal.append('log', log('b'))).toBe(2);
    isStalled = false;
    release();
    await journal.durable();
    expect(messages(journal.path)).toEqual(['a', 'b']);
    expect(troubles).toMatchObject([{ code: 'ETIMEDOUT' }]);
  });

  it('opening is bounded too', async () => {
    const disk: Disk = { ...realDisk, makeFolder: () => new Promise(() => undefined) };
    await expect(openOne({ disk, diskMs: 30 })).rejects.toMatchObject({ code: 'ETIMEDOUT' });
  });

  it('a first entry that cannot be written is an error of opening', async () => {
    const disk = faulty(() => ({ write: () => Promise.reject(failure('ENOSPC')) }));
    await expect(openOne({ disk, first: { kind: 'log', data: log('a') } })).rejects.toMatchObject({ code: 'ENOSPC' });
  });

  it('a directory that cannot be made is an error that names LASTWORD_DIR', async () => {
    writeFileSync(join(directory, 'file'), '');
    await expect(openOne({ directory: join(directory, 'file') })).rejects.toMatchObject({
      code: 'ENOTDIR',
      message: expect.stringContaining('LASTWORD_DIR'),
    });
  });

  it('a listener that throws harms nobody', async () => {
    const disk = faulty(() => ({ write: () => Promise.reject(failure('EIO')) }));
    const journal = await openOne({
      disk,
      onTrouble: () => {
        throw new Error('listener');
      },
    });
    journal.append('log', log('a'));
    await expect(journal.durable()).rejects.toMatchObject({ code: 'EIO' });
  });
});

describe('reading', () => {
  it('finds all files of a session, epochs in order', async () => {
    for (const file of [2, 1, 'keeper'] as const) {
      const journal = await openOne({ file });
      journal.append('log', log(String(file)));
      await journal.close();
    }
    appendFileSync(join(directory, 'sessions', 'one', '1.jsonl'), '{"seq":2');
    writeFileSync(join(directory, 'sessions', 'one', 'notes.txt'), 'not ours');
    const journal = await readSession(directory, sessionIdOf('one'));
    expect(journal.epochs.map(({ epoch, torn, entries }) => [epoch, torn, entries.length])).toEqual([
      [1, true, 1],
      [2, false, 1],
    ]);
    expect(journal.keeper).toMatchObject([{ seq: 1, data: log('keeper') }]);
  });

  it('an unknown session is an error that says how to find the known ones', async () => {
    await expect(readSession(directory, sessionIdOf('nobody'))).rejects.toMatchObject({
      code: 'ENOSESSION',
      message: expect.stringContaining('lastword sessions'),
    });
  });

  it('sessions are listed newest first; a directory that is not there has none', async () => {
    expect(await listSessions(join(directory, 'nowhere'))).toEqual([]);
    for (const session of ['b', 'a', 'c'].map(sessionIdOf)) {
      await (await openOne({ session })).close();
      const { utimesSync } = await import('node:fs');
      const at = 1_000 + ['b', 'a', 'c'].indexOf(session);
      utimesSync(join(directory, 'sessions', session), at, at);
    }
    writeFileSync(join(directory, 'sessions', 'file'), '');
    expect(await listSessions(directory)).toEqual(['c', 'a', 'b']);
    expect(existsSync(join(directory, 'sessions', 'file'))).toBe(true);
  });

  it('a damaged line in the middle, a number out of order or a gap makes it torn, and costs no other line', () => {
    const line = (seq: number) => `{"seq":${seq},"at":1,"kind":"log","data":{}}\n`;
    const seqs = (text: string) => parseJournal(text).entries.map(({ seq }) => seq);
    expect(parseJournal(line(1) + line(2))).toMatchObject({ torn: false });
    for (const text of [`${line(1)}{"seq":\n${line(3)}`, line(1) + line(1) + line(3), line(1) + line(3)]) {
      expect(parseJournal(text).torn).toBe(true);
      expect(seqs(text)).toEqual([1, 3]);
    }
    expect(parseJournal('')).toEqual({ entries: [], torn: false, lost: 0, passedOver: 0 });
  });
});
