/** A job whose worker is gone, or replaced, on a virtual clock; what is beside it (machine, room, keeper) is a stand-in of a few lines. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { defaultPolicy, lastWordsMs, type SessionEvent, type Tag } from '../../machines/index.ts';
import { TenureWatch } from '../../src/job/tenure-watch.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';
import type { ToKeeper } from '../../src/link/messages.ts';
import type { LiveJob } from '../../src/livekit/live-job.ts';

const session = sessionIdOf('one');
const BUDGET_MS = 20_000;
let tags: Set<Tag>;
let tools: Set<unknown>;
let isCallerThere: boolean;
let happened: string[];
let told: ToKeeper[];
/** LiveKit has a worker for the next job, at once. */
let isOffered: boolean;
const pings: unknown[] = [];
const onPing = (message: unknown) => pings.push(message);

function watched(resume = 2): TenureWatch {
  const job = {
    definition: { resume, policy: { ...defaultPolicy, shutdownBudgetMs: BUDGET_MS } },
    log: { warn: () => {}, info: () => {} },
    recorder: {
      append: (kind: string, { isCalm, why }: { isCalm: boolean; why?: string }) =>
        happened.push(`${kind} ${why ?? (isCalm ? 'calm' : 'late')}`),
    },
    run: {
      hasTag: (tag: Tag) => tags.has(tag),
      send: (event: SessionEvent) =>
        event.type === 'shutdown.requested' && happened.push(`${event.end.reason} within ${event.graceMs}`),
    },
    tools,
    venue: { isCallerThere: () => isCallerThere },
  } as unknown as LiveJob;
  const tenure = new TenureWatch(job, {
    session,
    tell: (message) => {
      told.push(message);
      if (message.type === 'job.leaving' && isOffered) tenure.nextHere();
    },
    leave: () => happened.push('left'),
  });
  return tenure;
}
function orphaned(resume?: number): TenureWatch {
  const tenure = watched(resume);
  tenure.workerLost();
  return tenure;
}

beforeEach(() => {
  vi.useFakeTimers();
  [tags, tools, isCallerThere, happened, told, isOffered] = [new Set(['calm']), new Set(), true, [], [], true];
  pings.length = 0;
  process.on('message', onPing);
});
afterEach(() => {
  process.off('message', onPing);
  vi.useRealTimers();
});

test('H3b it tells its keeper and every later one, and leaves after a second of calm once a process is warm for it', () => {
  const tenure = orphaned();
  tenure.workerLost(); // told by the keeper as well
  expect(told).toEqual([{ type: 'job.orphaned', session, worker: process.ppid }]);
  expect(tenure.hello()).toEqual(told);
  vi.advanceTimersByTime(5_000);
  expect(happened).toEqual([]);
  tenure.handOver();
  vi.advanceTimersByTime(900);
  expect(happened).toEqual([]);
  vi.advanceTimersByTime(100);
  expect(happened).toEqual(['handed.over calm', 'left']);
  expect(tenure.hello()).toEqual([]);
  vi.advanceTimersByTime(60_000);
  expect(happened).toHaveLength(2);
});

test('H3b who speaks, waits for an answer or for a tool is not left in the middle of it', () => {
  const tenure = orphaned();
  tenure.handOver();
  vi.advanceTimersByTime(900);
  tags.delete('calm'); // somebody speaks
  vi.advanceTimersByTime(3_000);
  tags.add('calm');
  tools.add({});
  vi.advanceTimersByTime(3_000);
  expect(happened).toEqual([]);
  tools.clear();
  vi.advanceTimersByTime(1_000);
  expect(happened).toEqual(['handed.over calm', 'left']);
});

test('H3b its next job is called for while it still listens, and is taken back when somebody speaks', () => {
  const tenure = orphaned();
  tenure.handOver();
  isOffered = false;
  told.length = 0;
  vi.advanceTimersByTime(600);
  expect(told).toEqual([]);
  vi.advanceTimersByTime(100);
  expect(told).toEqual([{ type: 'job.leaving', session }]);
  tags.delete('calm');
  vi.advanceTimersByTime(100);
  expect(told.slice(1)).toEqual([{ type: 'job.staying', session }]);
  tenure.nextHere(); // on its way when it stayed
  tags.add('calm');
  vi.advanceTimersByTime(900);
  expect(happened).toEqual([]);
  tenure.nextHere();
  vi.advanceTimersByTime(100);
  expect(happened).toEqual(['handed.over calm', 'left']);
});

test('H3b where no job is offered it leaves two seconds later, and is followed as after a crash', () => {
  isOffered = false;
  orphaned().handOver();
  vi.advanceTimersByTime(2_900);
  expect(happened).toEqual([]);
  vi.advanceTimersByTime(100);
  expect(happened).toEqual(['handed.over calm', 'left']);
});

test('H3b at the end of its budget it leaves in any case', () => {
  tags.clear();
  orphaned().handOver();
  vi.advanceTimersByTime(BUDGET_MS - 100);
  expect(happened).toEqual([]);
  vi.advanceTimersByTime(100);
  expect(happened).toEqual(['handed.over late', 'left']);
});

const unfit: [string, () => void, boolean][] = [
  ['no process gets warm', () => {}, false],
  ['its caller is away', () => void (isCallerThere = false), true],
  ['it is being transferred', () => void tags.add('transferring'), true],
];
test.each(unfit)('H3b when %s it says goodbye, within its budget once more', (_, happens, isTold) => {
  happens();
  const tenure = orphaned();
  if (isTold) tenure.handOver();
  vi.advanceTimersByTime(60_000);
  expect(happened).toEqual([`worker_lost within ${BUDGET_MS}`]);
  tenure.handOver(); // too late
  vi.advanceTimersByTime(60_000);
  expect(happened).toHaveLength(1);
});

test('H3b without resume it says goodbye at once, with all of its budget', () => {
  const tenure = orphaned(0);
  expect(happened).toEqual([`worker_lost within ${BUDGET_MS}`]);
  expect([told, tenure.hello()]).toEqual([[], []]);
});

test('H3b the SDK gets the pings that its worker sent, until the call is over', () => {
  const tenure = orphaned(0);
  vi.advanceTimersByTime(10_000);
  expect(pings).toHaveLength(4);
  tenure.stop();
  vi.advanceTimersByTime(10_000);
  expect(pings).toHaveLength(4);
});

test('of a worker that is replaced it hears nothing more: it leaves when it can, and stays for as long as it cannot', () => {
  const tenure = watched();
  tenure.workerReplaced(process.ppid + 1, undefined); // another one
  expect(told).toEqual([]);
  tenure.workerReplaced(process.ppid, undefined);
  expect(told).toEqual([{ type: 'job.orphaned', session, worker: process.ppid }]);
  vi.advanceTimersByTime(600_000);
  expect([happened, pings]).toEqual([[], []]);
  tenure.handOver();
  vi.advanceTimersByTime(1_000);
  expect(happened).toEqual(['handed.over calm', 'left']);
});

test('where the worker has a time, a call that nobody takes over says goodbye at its end', () => {
  const GRACE_MS = 120_000;
  const lastMs = lastWordsMs({ ...defaultPolicy, shutdownBudgetMs: BUDGET_MS });
  watched(0).workerReplaced(process.ppid, GRACE_MS);
  vi.advanceTimersByTime(GRACE_MS - lastMs - 1);
  expect([happened, told]).toEqual([[], []]);
  vi.advanceTimersByTime(1);
  expect(happened).toEqual([`worker_shutdown within ${lastMs}`]);
});

test('whom somebody else tells to end is not left any more', () => {
  const tenure = watched();
  tenure.workerReplaced(process.ppid, 60_000);
  tenure.handOver();
  tenure.ended();
  vi.advanceTimersByTime(120_000);
  expect(happened).toEqual([]);
});

test('H3b a process that another call has got is waited for anew, and so is one that a dead keeper had promised', () => {
  const tenure = orphaned();
  tenure.handOver();
  vi.advanceTimersByTime(900);
  tenure.stay();
  vi.advanceTimersByTime(5_000);
  tenure.handOver();
  vi.advanceTimersByTime(900);
  expect(tenure.hello()).toEqual([{ type: 'job.orphaned', session, worker: process.ppid }]);
  vi.advanceTimersByTime(5_000);
  expect(happened).toEqual([]);
  tenure.handOver();
  vi.advanceTimersByTime(1_000);
  expect(happened).toEqual(['handed.over calm', 'left']);
});

test('G7 a session that is over asks for another job, and leaves at once when one is warm, whoever speaks', async () => {
  const tenure = watched();
  const asked = tenure.sessionLost(new AbortController().signal);
  expect(told).toEqual([{ type: 'job.orphaned', session }]); // its worker lives
  tags.delete('calm');
  tenure.handOver();
  vi.advanceTimersByTime(100);
  expect(happened).toEqual(['handed.over session_lost', 'left']);
  expect(await Promise.race([asked, Promise.resolve('the process is gone')])).toBe('the process is gone');
});

test('G7 a session that is over, and nobody has its call in time: the job keeps it, and does not leave later', async () => {
  const tenure = watched();
  const late = new AbortController();
  const asked = tenure.sessionLost(late.signal);
  late.abort();
  await expect(asked).rejects.toThrow('no other job could have this call in time');
  tenure.handOver();
  vi.advanceTimersByTime(5_000);
  expect(happened).toEqual([]);
});

test('G7 a session that is over is nobody else’s with `resume: 0`, without its caller, or while it is transferred', async () => {
  const { signal } = new AbortController();
  await expect(watched(0).sessionLost(signal)).rejects.toThrow('no other job may have this call');
  isCallerThere = false;
  await expect(watched().sessionLost(signal)).rejects.toThrow('no other job may have this call');
  [isCallerThere, tags] = [true, new Set<Tag>(['transferring'])];
  await expect(watched().sessionLost(signal)).rejects.toThrow('no other job may have this call');
  expect(told).toEqual([]);
});
