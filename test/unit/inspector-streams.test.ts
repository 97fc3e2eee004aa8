/** Streams over real sockets, of journals that are really written: no gap, no double, and nobody who is waited for. */
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openWatchers } from '../../src/inspector/events.ts';
import { openReading, type ReadAsk } from '../../src/inspector/reading.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';
import { type Journal, openJournal } from '../../src/journal/write.ts';
import { builtThread, follow, openStand, type Stand } from './inspector-stand.ts';

const session = sessionIdOf('AJ_streamed');
let directory: string;
let journals: Journal[] = [];
let stands: Stand[] = [];
let sockets: Socket[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'lastword-streams-'));
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  for (const journal of journals) await journal.close().catch(() => undefined);
  for (const stand of stands) await stand.close({ keepsFiles: true });
  [journals, stands, sockets] = [[], [], []];
  rmSync(directory, { recursive: true, force: true });
});

const stand = async (more: Parameters<typeof openStand>[0] = {}): Promise<Stand> => {
  const one = await openStand({ directory, ...more });
  stands.push(one);
  return one;
};
const journal = async (file: number | 'keeper'): Promise<Journal> => {
  const one = await openJournal({ directory, session, file });
  journals.push(one);
  return one;
};
const say = (to: Journal, message: string) => to.append('log', { level: 'info', message });
const path = `/api/stream/session/${session}`;
const refsOf = (file: string, from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => `${file}:${from + index}`);
/** A reading that says what it was asked. */
const counted = () => {
  const asked: ReadAsk[] = [];
  const reading = openReading(
    { directory, store: `sqlite:${join(directory, 'lastword.db')}` },
    { thread: builtThread },
  );
  return { asked, reading: { ...reading, ask: (ask: ReadAsk) => (asked.push(ask), reading.ask(ask)) } };
};

describe('the stream of a session', () => {
  it('brings what is there, then what is written, each once; its id is a position in every file', async () => {
    const [job, keeper] = [await journal(1), await journal('keeper')];
    for (let at = 0; at < 3; at += 1) say(job, `m${at}`);
    say(keeper, 'noticed');
    await Promise.all([job.durable(), keeper.durable()]);
    const stream = await follow(await stand(), path);
    await stream.until(() => stream.refs().length === 4);
    expect(stream.events.at(-1)?.id).toBe('1:3,keeper:1');
    say(job, 'later');
    await stream.until(() => stream.refs().length === 5, 2_000);
    expect(stream.events.at(-1)).toMatchObject({ event: 'entries', id: '1:4,keeper:1' });
    const next = await journal(2);
    say(next, 'of the next epoch');
    await stream.until(() => stream.refs().length === 6, 3_000);
    expect(stream.events.at(-1)?.id).toBe('1:4,2:1,keeper:1');
    expect(stream.refs().toSorted()).toEqual(['1:1', '1:2', '1:3', '1:4', '2:1', 'keeper:1']);
    await stream.leave();
  });

  it('what is written is with its watcher within 250 ms', async () => {
    const job = await journal(1);
    say(job, 'first');
    await job.durable();
    const stream = await follow(await stand(), path);
    await stream.until(() => stream.refs().length === 1);
    const tookMs: number[] = [];
    for (let at = 2; at < 12; at += 1) {
      const began = performance.now();
      say(job, `m${at}`);
      await stream.until(() => stream.refs().length === at, 2_000);
      tookMs.push(performance.now() - began);
      await sleep(20);
    }
    expect(tookMs.toSorted((one, other) => one - other)[5]).toBeLessThan(250);
    await stream.leave();
  });

  it('says where machines went, the last of each, and the transition that led there', async () => {
    const job = await journal(1);
    job.append('transition', { machine: 'session', from: [], to: ['live.opening'], event: 'start' });
    job.append('transition', { machine: 'session', from: ['live.opening'], to: ['live.conversing'], event: 'greeted' });
    await job.durable();
    const stream = await follow(await stand(), path);
    const [first] = await stream.until((events) => events.length > 0);
    expect(JSON.parse(first?.data ?? '')).toMatchObject({
      states: [{ machine: 'session', file: '1', states: ['live.conversing'] }],
      moved: { machine: 'session', from: ['live.opening'], to: ['live.conversing'], event: 'greeted' },
    });
    await stream.leave();
  });

  it('whoever comes back by the last id gets every later entry once, also after a restart of the inspector', async () => {
    const job = await journal(1);
    const seen: string[] = [];
    let last = '';
    const first = await stand();
    for (let round = 0; round < 6; round += 1) {
      const here = round < 3 ? first : await stand();
      const stream =
        round % 2 === 0
          ? await follow(here, `${path}?from=${encodeURIComponent(last)}`).catch(async () => {
              say(job, 'the first'); // before that there is no such session
              await job.durable();
              return follow(here, path);
            })
          : await follow(here, path, { 'last-event-id': last });
      for (let at = 0; at < 7; at += 1) say(job, `m${round} ${at}`);
      await stream.until(() => seen.length + stream.refs().length >= (job.lastSeq > 0 ? job.lastSeq : 1) - 2);
      seen.push(...stream.refs());
      last = stream.events.at(-1)?.id ?? last;
      await stream.leave(); // some entries may be on their way
      if (round >= 3) await here.close({ keepsFiles: true });
    }
    const end = await follow(first, `${path}?from=${last}`);
    await job.durable();
    await end.until(() => seen.length + end.refs().length >= job.lastSeq);
    expect([...seen, ...end.refs()]).toEqual(refsOf('1', 1, job.lastSeq));
    await end.leave();
  });

  it('brings a long history in pages of bounded size, without a gap', async () => {
    const job = await journal(1);
    for (let at = 1; at <= 3_000; at += 1) say(job, `m${at}`);
    await job.durable();
    const stream = await follow(await stand(), path);
    await stream.until(() => stream.refs().length >= 3_000);
    expect(stream.refs()).toEqual(refsOf('1', 1, 3_000));
    expect(stream.events.length).toBeGreaterThanOrEqual(6);
    await stream.leave();
  });

  it.each(['1', 'x:1', '1:1,', '1:1;2:2', '1:-1', '../1:1', '1:1%00'])(
    'a position that is none is refused: %s',
    async (from) => {
      const one = await stand();
      const { status, text } = await one.ask(`${path}?from=${from}`, { headers: one.bearer });
      expect([status, text]).toEqual([
        400,
        expect.stringMatching(/from: expected a position such as 1:812,keeper:9, got/),
      ]);
    },
  );

  it('a session that is not there is not waited for', async () => {
    const one = await stand();
    expect((await one.ask('/api/stream/session/AJ_nobody', { headers: one.bearer })).status).toBe(404);
  });
});

describe('who watches', () => {
  it('500 watchers on one call cost one follower, and each gets every entry once', async () => {
    const { asked, reading } = counted();
    const job = await journal(1);
    for (let at = 1; at <= 20; at += 1) say(job, `m${at}`);
    await job.durable();
    const one = await stand({ parts: { following: reading } });
    const streams = await Promise.all(Array.from({ length: 500 }, () => follow(one, path)));
    await Promise.all(streams.map((stream) => stream.until(() => stream.refs().length >= 20, 20_000)));
    const before = asked.length;
    for (let at = 21; at <= 40; at += 1) {
      say(job, `m${at}`);
      await sleep(20);
    }
    await Promise.all(streams.map((stream) => stream.until(() => stream.refs().length >= 40, 20_000)));
    for (const stream of streams) expect(stream.refs()).toEqual(refsOf('1', 1, 40));
    // At most one for each look and one that finds nothing more: not one for each watcher.
    expect(asked.length - before).toBeLessThan(200);
    await Promise.all(streams.map((stream) => stream.leave()));
  }, 60_000);

  it('a watcher that never reads is dropped, costs a page of memory, delays nobody, and may come back by its id', async () => {
    const watchers = openWatchers({ lateMs: 1_000 });
    const job = await journal(1);
    const one = await stand({ parts: { watchers } });
    say(job, 'first');
    await job.durable();
    const stuck = connect({ port: one.port, host: '127.0.0.1' });
    sockets.push(stuck);
    stuck.on('error', () => undefined).pause();
    stuck.write(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1:${one.port}\r\nauthorization: Bearer ${one.token}\r\n\r\n`);
    const stream = await follow(one, path);
    await stream.until(() => stream.refs().length === 1);
    expect(watchers.count).toBe(2);
    const before = process.memoryUsage().rss;
    const long = 'x'.repeat(2_000);
    for (let at = 2; at <= 12_000; at += 1) {
      say(job, long);
      if (at % 500 === 0) await sleep(5);
    }
    await stream.until(() => stream.refs().length >= 12_000, 30_000);
    expect(stream.refs()).toEqual(refsOf('1', 1, 12_000));
    for (let waited = 0; watchers.count > 1 && waited < 5_000; waited += 50) await sleep(50);
    expect(watchers.count).toBe(1);
    expect((process.memoryUsage().rss - before) / 1_048_576).toBeLessThan(400);
    const back = await follow(one, `${path}?from=1:11990`);
    await back.until(() => back.refs().length >= 10);
    expect(back.refs()).toEqual(refsOf('1', 11_991, 12_000));
    await Promise.all([stream.leave(), back.leave()]);
  }, 90_000);

  it('more watchers than there is room for are told so, and a place that is left is free again', async () => {
    const watchers = openWatchers({ most: 2 });
    const job = await journal(1);
    say(job, 'first');
    await job.durable();
    const one = await stand({ parts: { watchers } });
    const streams = [await follow(one, path), await follow(one, path)];
    await expect(follow(one, path)).rejects.toThrow(/503.*expected at most 2 watchers/);
    await streams[0]?.leave();
    await sleep(50);
    const next = await follow(one, path);
    await Promise.all([next.leave(), streams[1]?.leave()]);
  });

  it('a silent stream says that it lives', async () => {
    const job = await journal(1);
    say(job, 'first');
    await job.durable();
    const one = await stand({ parts: { watchers: openWatchers({ commentMs: 50 }) } });
    const socket = connect({ port: one.port, host: '127.0.0.1' });
    sockets.push(socket);
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    socket.write(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1:${one.port}\r\nauthorization: Bearer ${one.token}\r\n\r\n`);
    for (let waited = 0; text.split(':\n\n').length <= 3 && waited < 3_000; waited += 50) await sleep(50);
    expect(text.split(':\n\n').length, text).toBeGreaterThan(3);
  });
});

describe('journals that are not as they should be', () => {
  const put = (file: string, text: string) => {
    mkdirSync(join(directory, 'sessions', session), { recursive: true });
    writeFileSync(join(directory, 'sessions', session, file), text);
  };
  const line = (seq: number, more: object = {}) =>
    `${JSON.stringify({ seq, at: seq, kind: 'log', data: { level: 'info', message: `m${seq}` }, ...more })}\n`;

  it('half a line is passed over until its rest comes, however long that takes', async () => {
    put('1.jsonl', line(1) + line(2).slice(0, 20));
    const stream = await follow(await stand(), path);
    await stream.until(() => stream.refs().length === 1);
    await sleep(1_200);
    expect(stream.refs()).toEqual(['1:1']);
    appendFileSync(join(directory, 'sessions', session, '1.jsonl'), line(2).slice(20) + line(3));
    await stream.until(() => stream.refs().length === 3, 3_000);
    expect(stream.refs()).toEqual(['1:1', '1:2', '1:3']);
    await stream.leave();
  });

  it('a journal of a later version, with kinds and fields that nobody knows, is passed on as data', async () => {
    put(
      '1.jsonl',
      line(1) + line(2, { kind: 'telepathy', data: { thought: '<script>', deep: [{ nix: null }] } }) + line(3),
    );
    const stream = await follow(await stand(), path);
    await stream.until(() => stream.refs().length >= 2);
    expect(stream.refs()).toEqual(expect.arrayContaining(['1:1', '1:3']));
    await stream.leave();
  });

  it('ten megabytes in one field keep no stream, and are not sent whole', async () => {
    put('1.jsonl', line(1) + line(2, { data: { level: 'info', message: 'x'.repeat(10_000_000) } }) + line(3));
    const stream = await follow(await stand(), path);
    await stream.until(() => stream.refs().includes('1:3'));
    expect(stream.events.reduce((sum, { data }) => sum + data.length, 0)).toBeLessThan(600_000);
    await stream.leave();
  });

  it('while 50,000 entries are read, everybody else is answered at once', async () => {
    put('1.jsonl', Array.from({ length: 50_000 }, (_, index) => line(index + 1)).join(''));
    const one = await stand();
    const heavy = [
      one.read('state', { session }),
      one.read('entries', { session, limit: 5_000 }),
      one.read('lanes', { session }),
    ];
    const stream = follow(one, path);
    const tookMs: number[] = [];
    for (let round = 0; round < 40; round += 1) {
      const began = performance.now();
      await one.ask('/');
      tookMs.push(performance.now() - began);
      await sleep(10);
    }
    expect(Math.max(...tookMs)).toBeLessThan(500);
    const watched = await stream;
    await watched.until(() => watched.refs().length >= 50_000, 40_000);
    expect(new Set(watched.refs()).size).toBe(50_000);
    for (const { status } of await Promise.all(heavy)) expect([200, 501]).toContain(status);
    await watched.leave();
  }, 90_000);
});
