import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Entry } from '../../src/journal/entry.ts';
import { followSession } from '../../src/journal/follow.ts';
import { mergeByTime } from '../../src/journal/merge.ts';
import { openJournal } from '../../src/journal/write.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'lastword-follow-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const folder = () => join(directory, 'sessions', 'one');
const line = (seq: number, at: number, message = `m${seq}`) =>
  `${JSON.stringify({ seq, at, kind: 'log', data: { level: 'info', message } })}\n`;

/** What was seen so far, as `file:seq`, and a bounded wait for a number of them. */
const following = () => {
  const seen: string[] = [];
  const entries: Entry[] = [];
  const stop = new AbortController();
  let look = (): void => undefined;
  const done = followSession(
    directory,
    sessionIdOf('one'),
    (entry, file) => {
      seen.push(`${file}:${entry.seq}`);
      entries.push(entry);
      look();
    },
    stop.signal,
  );
  const until = (count: number) =>
    new Promise<string[]>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`expected ${count} entries, saw ${seen.join(' ')}`)), 10_000);
      look = () => {
        if (seen.length < count) return;
        clearTimeout(timer);
        resolve(seen);
      };
      look();
    });
  const end = async () => {
    stop.abort();
    await done;
  };
  return { seen, entries, until, end, done };
};

describe('following a session', () => {
  it('what is there already comes first, files merged by time', async () => {
    mkdirSync(folder(), { recursive: true });
    appendFileSync(join(folder(), '1.jsonl'), line(1, 10) + line(2, 30));
    appendFileSync(join(folder(), 'keeper.jsonl'), line(1, 5) + line(2, 20));
    const { until, end } = following();
    expect(await until(4)).toEqual(['keeper:1', '1:1', 'keeper:2', '1:2']);
    await end();
  });

  it('folder and files may come later', async () => {
    const { until, end } = following();
    const journal = await openJournal({ directory, session: sessionIdOf('one'), file: 1 });
    journal.append('log', { level: 'info', message: 'a' });
    expect(await until(1)).toEqual(['1:1']);
    const keeper = await openJournal({ directory, session: sessionIdOf('one'), file: 'keeper' });
    keeper.append('log', { level: 'info', message: 'b' });
    expect(await until(2)).toEqual(['1:1', 'keeper:1']);
    journal.append('log', { level: 'info', message: 'c' });
    expect(await until(3)).toEqual(['1:1', 'keeper:1', '1:2']);
    await Promise.all([journal.close(), keeper.close(), end()]);
  });

  it('an entry is passed on once, and only when its line is whole', async () => {
    mkdirSync(folder(), { recursive: true });
    const path = join(folder(), '1.jsonl');
    const bytes = Buffer.from(line(2, 2, 'süß 😀'));
    const { until, end, entries } = following();
    appendFileSync(path, line(1, 1));
    await until(1);
    for (const byte of bytes) appendFileSync(path, Buffer.from([byte]));
    appendFileSync(path, line(3, 3));
    expect(await until(3)).toEqual(['1:1', '1:2', '1:3']);
    expect(entries[1]?.data).toMatchObject({ message: 'süß 😀' });
    await end();
  });

  it('a torn line that a new writer cuts off is never seen', async () => {
    mkdirSync(folder(), { recursive: true });
    appendFileSync(join(folder(), 'keeper.jsonl'), `${line(1, 1)}{"seq":2,"at":2,"ki`);
    const { until, end } = following();
    await until(1);
    const journal = await openJournal({ directory, session: sessionIdOf('one'), file: 'keeper' });
    journal.append('log', { level: 'info', message: 'x' });
    expect(await until(2)).toEqual(['keeper:1', 'keeper:2']);
    await journal.close();
    await end();
  });

  it('files of many blocks come in the order of time, and lines longer than a block among them', async () => {
    mkdirSync(folder(), { recursive: true });
    const padding = 'p'.repeat(2_000);
    const all = Array.from({ length: 900 }, (_, index) => index + 1);
    const long = line(901, 901 * 10, 'l'.repeat(700_000));
    appendFileSync(join(folder(), '1.jsonl'), all.map((seq) => line(seq, seq * 10, padding)).join('') + long);
    appendFileSync(join(folder(), '1.jsonl'), `${'x'.repeat(9 * 1024 * 1024)}\n${line(902, 9_020)}`);
    appendFileSync(join(folder(), 'keeper.jsonl'), all.map((seq) => line(seq, seq * 10 + 5, padding)).join(''));
    const { until, end, entries } = following();
    await until(1_802);
    expect(entries.map(({ at }) => at)).toEqual(entries.map(({ at }) => at).sort((one, other) => one - other));
    expect(entries.filter(({ seq }) => seq > 900).map(({ seq }) => seq)).toEqual([901, 902]);
    await end();
  });

  it('a number that was seen is not seen again', async () => {
    mkdirSync(folder(), { recursive: true });
    appendFileSync(join(folder(), '1.jsonl'), line(1, 1));
    const { until, end } = following();
    await until(1);
    appendFileSync(join(folder(), '1.jsonl'), line(1, 1) + line(2, 2));
    expect(await until(2)).toEqual(['1:1', '1:2']);
    await end();
  });

  it('it ends when it is told to, also while it waits', async () => {
    const { end, seen } = following();
    await end();
    expect(seen).toEqual([]);
  });

  it('what the listener throws is what it rejects with', async () => {
    mkdirSync(folder(), { recursive: true });
    appendFileSync(join(folder(), '1.jsonl'), line(1, 1));
    const broken = () => {
      throw new Error('listener');
    };
    await expect(followSession(directory, sessionIdOf('one'), broken, new AbortController().signal)).rejects.toThrow(
      'listener',
    );
  });
});

it('merging by time never turns a list around', () => {
  const merged = mergeByTime(
    [
      [5, 1, 9],
      [2, 3],
    ],
    (value) => value,
  );
  expect(merged).toEqual([2, 3, 5, 1, 9]);
});
