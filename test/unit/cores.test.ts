/** O-A7: a machine short of cores is no fault of a provider. The system's word for it is planted here. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { waitedForCoreMs } from '../../src/journal/owner.ts';
import { observeCores } from '../../src/livekit/observe/cores.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const watched = (waitedMs: () => Promise<number | undefined>) => {
  const sent: unknown[] = [];
  const job = { run: { send: (event: unknown) => void sent.push(event) }, log: { warn: vi.fn() } };
  const end = observeCores(job as unknown as Parameters<typeof observeCores>[0], waitedMs);
  return { sent, end, log: job.log };
};

test('O-A7 a job that waits for a core a third of its time says so once, and takes it back when it has one again', async () => {
  let waited = 0;
  let share = 0.33;
  const { sent, end, log } = watched(async () => (waited += 1000 * share));
  await vi.advanceTimersByTimeAsync(12_000);
  expect(sent).toEqual([{ type: 'cores.switched', areShort: true }]);
  expect(log.warn).toHaveBeenCalledOnce();
  share = 0.02;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(sent).toEqual([
    { type: 'cores.switched', areShort: true },
    { type: 'cores.switched', areShort: false },
  ]);
  end();
});

test('a start beside others, in which it waits for half of two seconds, is no want of cores', async () => {
  let waited = 0;
  let looks = 0;
  const { sent, end } = watched(async () => (waited += (looks += 1) <= 3 ? 500 : 20));
  await vi.advanceTimersByTimeAsync(60_000);
  expect(sent).toEqual([]);
  end();
});

test('a job with room says nothing, and nothing is said where the system does not tell', async () => {
  let waited = 0;
  const roomy = watched(async () => (waited += 20));
  const silent = watched(async () => undefined);
  await vi.advanceTimersByTimeAsync(60_000);
  expect([...roomy.sent, ...silent.sent]).toEqual([]);
  expect(vi.getTimerCount()).toBe(1); // who is told nothing does not ask again
  roomy.end();
});

test('the system tells of this process', async () => {
  expect(await waitedForCoreMs({ pid: process.pid })).toBeGreaterThanOrEqual(0);
});
