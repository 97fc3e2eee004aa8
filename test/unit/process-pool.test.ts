/** W1 to W5 with processes that are stand-ins and a clock that is moved by hand. */
import { setImmediate as tick } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ProcessPool, type PoolProcess } from '../../src/worker/process-pool.ts';

type Stand = PoolProcess<string> & {
  imported(): void;
  warm(): void;
  fail(): void;
  die(): void;
  begun(): void;
  job?: string;
  isAbandoned?: true;
};
let made: Stand[];
let idle: number;
let pool: ProcessPool<string>;

function standIn(): Stand {
  let warm = () => {};
  let fail: (error: Error) => void = () => {};
  let die = () => {};
  let imported = () => {};
  let begun = () => {};
  const gone = new Promise<void>((resolve) => (die = resolve));
  const stand: Stand = {
    warmUp: (onImported) => {
      imported = onImported;
      return new Promise((resolve, reject) => {
        warm = resolve;
        fail = reject;
      });
    },
    launchJob: async (job, onBegun) => {
      stand.job = job;
      begun = onBegun;
    },
    gone: () => gone,
    abandon: () => void (stand.isAbandoned = true),
    imported: () => imported(),
    warm: () => warm(),
    fail: () => fail(new Error('planted: the import throws')),
    die: () => die(),
    begun: () => begun(),
  };
  made.push(stand);
  return stand;
}
/** Everything that is started gets warm, again and again, until nothing new is started. */
async function warmAll(): Promise<void> {
  for (let seen = -1; seen !== made.length;) {
    seen = made.length;
    for (const stand of made) {
      stand.imported();
      stand.warm();
    }
    await tick();
  }
}
const launched = () => made.flatMap(({ job }) => job ?? []);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  made = [];
  idle = 3;
  pool = new ProcessPool<string>({ make: standIn, idle: () => idle, cores: 2 });
});
afterEach(() => {
  pool.close();
  vi.useRealTimers();
});

test('O-A6 warm-ups go on beside each other, one a core while they import, and prewarm holds nobody up', async () => {
  pool.fill();
  expect(made).toHaveLength(2);
  made[0]?.imported();
  expect(made).toHaveLength(3);
  await warmAll();
  expect(pool.warmCount).toBe(3);
});

test('H3b each process that gets warm and that nobody waits for is told of', async () => {
  const counts: number[] = [];
  pool = new ProcessPool<string>({ make: standIn, idle: () => idle, cores: 2, onWarm: (count) => counts.push(count) });
  const call = pool.launch('a');
  await warmAll();
  await call;
  expect(counts).toEqual([1, 2, 3]);
});

test('O-A6 who finds no warm process gets one of their own: so many are started as calls wait', async () => {
  idle = 0;
  const calls = ['a', 'b', 'c', 'd'].map((call) => pool.launch(call));
  await tick();
  expect(made).toHaveLength(2);
  for (const stand of made.slice(0, 2)) stand.imported();
  expect(made).toHaveLength(4); // all of them in prewarm, or importing
  await warmAll();
  for (const stand of made) stand.begun();
  await tick();
  for (const stand of made) stand.begun();
  await Promise.all(calls);
  expect(launched().sort()).toEqual(['a', 'b', 'c', 'd']);
  expect(made).toHaveLength(4);
});

test('O-A6 with warm processes for all, calls begin two by two on two cores; who takes long holds nobody up for ever', async () => {
  idle = 4;
  pool.fill();
  await warmAll();
  const calls = ['a', 'b', 'c', 'd'].map((call) => pool.launch(call));
  await tick();
  expect(launched()).toEqual(['a', 'b']);
  made[0]?.begun();
  await tick();
  expect(launched()).toEqual(['a', 'b', 'c']);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(launched()).toEqual(['a', 'b', 'c', 'd']);
  await Promise.all(calls);
});

test('a process for later is not started while a call begins, and does not wait for ever', async () => {
  idle = 1;
  pool.fill();
  await warmAll();
  await pool.launch('a');
  expect(made).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(2_900);
  expect(made).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(200);
  expect(made).toHaveLength(2);
  await warmAll();
  for (let at = 0; at < 3; at += 1) {
    void pool.launch(`again ${at}`);
    await vi.advanceTimersByTimeAsync(2_000); // a call every other second: never three seconds of quiet
    await warmAll();
  }
  expect(launched()).toHaveLength(4);
});

test('a process for later is started as soon as every caller is being greeted: by their first turn it is done', async () => {
  idle = 2;
  pool.fill();
  await warmAll();
  const calls = Promise.all(['a', 'b'].map((call) => pool.launch(call)));
  await calls;
  made[0]?.begun();
  await tick();
  expect(made).toHaveLength(2); // the other still waits for a first word
  made[1]?.begun();
  await tick();
  expect(made).toHaveLength(3); // one import beside the calls
});

test('what cannot begin in time is known beforehand, from what the last warm-ups took', async () => {
  idle = 1;
  pool.fill();
  expect(pool.expectedMs(0)).toBe(0); // nothing is known yet
  await vi.advanceTimersByTimeAsync(1_000);
  made[0]?.imported();
  await vi.advanceTimersByTimeAsync(3_000);
  made[0]?.warm();
  await tick();
  expect(pool.expectedMs(0)).toBe(0);
  expect(pool.expectedMs(1)).toBe(4_000);
  expect(pool.expectedMs(2)).toBe(4_000);
  expect(pool.expectedMs(3)).toBe(5_000);
  expect(pool.expectedMs(21)).toBe(14_000);
});

test('a process that fails is tried again after a pause; when none works, whoever waits is told at once', async () => {
  idle = 0;
  const call = pool.launch('a');
  const refused = expect(call).rejects.toThrow('no job process can be started: planted: the import throws');
  await tick();
  made[0]?.fail();
  await tick();
  expect(made).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(500);
  expect(made).toHaveLength(2);
  made[1]?.fail();
  await refused;
});

test('a warm process that dies is replaced', async () => {
  idle = 1;
  pool.fill();
  await warmAll();
  made[0]?.die();
  await tick();
  expect(made).toHaveLength(2);
  await warmAll();
  expect(pool.warmCount).toBe(1);
});

test('a pool that is closed ends what is not warm, and tells whoever waits', async () => {
  idle = 0;
  const refused = expect(pool.launch('a')).rejects.toThrow('the worker is stopping');
  await tick();
  pool.close();
  await refused;
  expect(made[0]?.isAbandoned).toBe(true);
  await expect(pool.launch('b')).rejects.toThrow('the worker is stopping');
});
