/** The thread that reads: late ones are ended, and nobody else knows. Threads of its own stand in for journals that take long. */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openCallsFeeds } from '../../src/inspector/calls-feed.ts';
import { callsMark } from '../../src/inspector/calls-mark.ts';
import { RequestProblem } from '../../src/inspector/problem.ts';
import { openReading, type ReadAnswer, type ReadAsk, type Reading } from '../../src/inspector/reading.ts';

/** `hang` never answers, `grow` takes all the memory there is, `exit` ends; anything else is said back. */
const thread = `
import { appendFileSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
parentPort.on('message', ({ id, ask }) => {
  if (ask.name === 'hang') for (;;) appendFileSync(new URL('./beats', import.meta.url), '.');
  if (ask.name === 'grow') { const all = []; for (;;) all.push(new Array(1e6).fill(Math.random())); }
  if (ask.name === 'exit') process.exit(3);
  if (ask.name === 'refuse') return parentPort.postMessage({ id, status: 404, message: 'nobody' });
  parentPort.postMessage({ id, answer: { json: new TextEncoder().encode(JSON.stringify(ask.name)) } });
});`;
let folder: string;
let file: URL;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lastword-reading-'));
  writeFileSync(join(folder, 'thread.mjs'), thread);
  file = pathToFileURL(join(folder, 'thread.mjs'));
});
afterAll(() => rmSync(folder, { recursive: true }));

let open: Reading[] = [];
afterEach(async () => {
  await Promise.all(open.map((one) => one.close()));
  open = [];
});
const reading = (readMs = 2_000): Reading => {
  const one = openReading({ directory: folder, store: 'sqlite::memory:' }, { thread: file, readMs });
  open.push(one);
  return one;
};
const ask = (one: Reading, name: string, asked = '{}') =>
  one.ask({ kind: 'read', name, asked }).then(({ json }) => JSON.parse(Buffer.from(json).toString()) as unknown);
const problem = (status: number, message: RegExp) =>
  expect.objectContaining({ status, message: expect.stringMatching(message) });

describe('a read', () => {
  it('that never ends is ended; those that waited behind it are answered, and know nothing', async () => {
    const one = reading(300);
    const hung = ask(one, 'hang').catch((error: unknown) => error);
    const behind = [ask(one, 'a'), ask(one, 'b'), ask(one, 'c')];
    expect(await hung).toEqual(problem(504, /took longer than 300 ms and was ended/));
    expect(await Promise.all(behind)).toEqual(['a', 'b', 'c']);
    const beats = () => statSync(join(folder, 'beats')).size;
    const last = beats();
    await sleep(300);
    expect(beats()).toBe(last); // its thread is gone, and its core free
  });

  it('that was ended is not asked again at once, so that a page that tries again keeps nobody', async () => {
    const one = reading(300);
    await ask(one, 'hang').catch(() => undefined);
    const began = performance.now();
    await expect(ask(one, 'hang')).rejects.toEqual(problem(503, /too much a moment ago/));
    expect(performance.now() - began).toBeLessThan(100);
    expect(await ask(one, 'a')).toBe('a');
  });

  it('that takes all memory ends its thread, and not the process', async () => {
    const one = reading(60_000);
    const grown = ask(one, 'grow').catch((error: unknown) => error);
    const behind = ask(one, 'a');
    expect(await grown).toEqual(problem(500, /this read ended its thread/));
    expect(await behind).toBe('a');
  }, 90_000);

  it('that ends its thread is refused, the next one answered', async () => {
    const one = reading();
    await expect(ask(one, 'exit')).rejects.toEqual(problem(500, /this read ended its thread: exit 3/));
    expect(await ask(one, 'a')).toBe('a');
    await expect(ask(one, 'refuse')).rejects.toEqual(problem(404, /^nobody$/));
  });

  it('more than 512 that wait are told to come later, and all are answered at the end of the process', async () => {
    const one = reading(60_000);
    const hung = ask(one, 'hang').catch((error: unknown) => error);
    const waiting = Array.from({ length: 512 }, (_, at) => ask(one, `a${at}`).catch((error: unknown) => error));
    await expect(ask(one, 'more')).rejects.toEqual(problem(503, /more than 512 reads are waiting/));
    await one.close();
    for (const answer of await Promise.all([hung, ...waiting]))
      expect(answer).toEqual(problem(503, /the inspector ends/));
  });
});

describe('the list of calls as it changes', () => {
  /** Answers as a test says; each has a mark. */
  const listed = () => {
    const state = { answer: 'one', asked: [] as number[], problem: undefined as RequestProblem | undefined };
    const reading = {
      ask: async (asked: ReadAsk): Promise<ReadAnswer> => {
        state.asked.push(performance.now());
        await sleep(1);
        if (state.problem) throw state.problem;
        const isSame = asked.kind === 'calls' && asked.mark === state.answer;
        return { json: new TextEncoder().encode(isSame ? '' : JSON.stringify(state.answer)), mark: state.answer };
      },
    };
    return { state, feeds: openCallsFeeds(reading, 50) };
  };
  const here = new AbortController().signal;
  const textOf = (message: Buffer | undefined) => /data: (.*)/.exec(message?.toString() ?? '')?.[1];

  it('is sent when it is another, and only then; one who is slow gets the newest', async () => {
    const { state, feeds } = listed();
    const watch = feeds.watch('{}');
    /** Until the list was read twice more: the first of the two may have begun before the answer was another. */
    const readTwice = async () => {
      const before = state.asked.length;
      await expect.poll(() => state.asked.length, { timeout: 10_000 }).toBeGreaterThan(before + 2);
    };
    expect(textOf(await watch.next(here))).toBe('"one"');
    let second: Buffer | undefined;
    void watch.next(here).then((message) => (second = message));
    await readTwice();
    expect(second).toBeUndefined();
    state.answer = 'two';
    await readTwice();
    expect(textOf(second)).toBe('"two"');
    state.answer = 'three';
    await readTwice();
    state.answer = 'four';
    await readTwice();
    expect(textOf(await watch.next(here))).toBe('"four"');
    watch.close();
  });

  it('is looked at once for however many watch, and by nobody when the last has left', async () => {
    const { state, feeds } = listed();
    const watches = Array.from({ length: 100 }, () => feeds.watch('{}'));
    await Promise.all(watches.map((watch) => watch.next(here)));
    await sleep(300);
    expect(state.asked.length).toBeLessThan(10);
    for (const watch of watches) watch.close();
    const before = state.asked.length;
    await sleep(200);
    expect(state.asked.length).toBeLessThanOrEqual(before + 1);
  });

  it('a question that is none is refused before anything is sent', async () => {
    const { state, feeds } = listed();
    state.problem = new RequestProblem(400, 'calls.sort: expected another');
    const watch = feeds.watch('{"sort":1}');
    await expect(watch.ready()).rejects.toThrow(/calls\.sort/);
    watch.close();
    feeds.close();
  });

  it('no more than 64 different lists are kept up to date', () => {
    const { feeds } = listed();
    for (let at = 0; at < 64; at += 1) feeds.watch(`{"limit":${at}}`);
    expect(() => feeds.watch('{"limit":64}')).toThrow(/expected at most 64 lists/);
    feeds.close();
  });

  it('a silence that goes on is the same silence; one that began anew is another', () => {
    const list = (silentMs: number | null) => ({ rows: [{ session: 'a', silentMs }] });
    expect(callsMark(list(500), 10_500)).toBe(callsMark(list(1_500), 11_500));
    expect(callsMark(list(500), 10_500)).not.toBe(callsMark(list(500), 11_500));
    expect(callsMark(list(null), 10_500)).toBe(callsMark(list(null), 11_500));
  });
});
