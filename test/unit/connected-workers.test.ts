/** Who takes the calls, and who is told what, while one worker replaces another. */
import { beforeEach, expect, test } from 'vitest';
import { defaultPolicy } from '../../machines/index.ts';
import { jobIdOf, type SessionId, sessionIdOf } from '../../src/journal/ids.ts';
import { ConnectedWorkers } from '../../src/keeper/connected-workers.ts';
import type { Standing } from '../../src/keeper/worker-process.ts';
import type { FromKeeper, WorkerHello } from '../../src/link/messages.ts';
import type { Peer } from '../../src/link/server.ts';

const [BEFORE, NEXT] = [7, 8];
const one = sessionIdOf('one');
let standings: Map<number, Standing>;
let told: string[];
let leaving: SessionId[];
let toJobs: FromKeeper[];
let isEnding: boolean;
let workers: ConnectedWorkers;
const peerOf = (name: string): Peer => ({
  id: 1,
  send: (message) => void told.push(`${name}: ${message.type}`),
  close: () => {},
});
const helloOf = (pid: number, more: Partial<WorkerHello> = {}) =>
  ({ type: 'hello.worker', pid, policy: defaultPolicy, ...more }) as WorkerHello;

beforeEach(() => {
  [standings, told, leaving, toJobs, isEnding] = [new Map([[BEFORE, 'serving']]), [], [], [], false];
  workers = new ConnectedWorkers({
    process: {
      pid: BEFORE,
      standingOf: (pid) => standings.get(pid),
      ready: (pid) => {
        if (standings.get(pid) !== 'next') return undefined;
        standings = new Map([
          [BEFORE, 'replaced'],
          [pid, 'serving'],
        ]);
        return BEFORE;
      },
      leftBy: (pid) => standings.get(pid) === 'serving',
      replace: () => Promise.resolve('it cannot'),
    },
    calls: {
      handOver: (session) => leaving.push(session),
      keep: (session) => told.push(`${session} stays`),
      isOpen: () => true,
      warm: () => {},
    },
    tellJobs: (message) => toJobs.push(message),
    isEnding: () => isEnding,
    onDraining: () => told.push('the calls are told to end'),
  });
});
function served(more?: Partial<WorkerHello>): Peer {
  const peer = peerOf('before');
  workers.hello(peer, helloOf(BEFORE, more));
  workers.ready(peer);
  workers.warm(peer, 3);
  return peer;
}
function next(): Peer {
  standings.set(NEXT, 'next');
  const peer = peerOf('next');
  workers.hello(peer, helloOf(NEXT));
  return peer;
}

test('the one that serves gives up its port for the next one, and its calls when that one takes calls', () => {
  const before = served();
  const peer = next();
  expect([told, toJobs, workers.isReady]).toEqual([['before: port.wanted'], [], true]);
  workers.warm(peer, 1);
  workers.ready(peer);
  expect(told).toEqual(['before: port.wanted', 'before: worker.retire']);
  expect(toJobs).toEqual([{ type: 'worker.replaced', worker: BEFORE }]);
  expect(workers.news()).toEqual(toJobs); // for a job that has just begun
  workers.draining(before); // by our own word
  workers.gone(before);
  expect([workers.isReady, told.length]).toEqual([true, 2]);
  expect(workers.news()).toEqual([]); // its pid may be another's
});

test('a call moves to a process of the next worker, never to one of the one that it has', () => {
  const before = served();
  const peer = next();
  workers.ready(peer);
  workers.orphaned(one, BEFORE);
  workers.warm(before, 5);
  expect(leaving).toEqual([]);
  workers.warm(peer, 1);
  expect(leaving).toEqual([one]);
});

test('a call that waits for its calm moment stays when somebody else has the process, and leaves for the next one', () => {
  served();
  const peer = next();
  workers.ready(peer);
  workers.warm(peer, 1);
  workers.orphaned(one, BEFORE);
  told.length = 0;
  const [caller, heir] = [jobIdOf('new'), jobIdOf('heir')];
  workers.taken(peer, caller, undefined);
  expect(told).toEqual(['one stays']);
  workers.unstarted(caller); // declined after all
  expect(leaving).toEqual([one, one]);
  workers.taken(peer, heir, one);
  workers.launched(heir);
  workers.unstarted(heir); // its process has ended, with its call
  expect([told, leaving]).toEqual([['one stays'], [one, one]]);
});

test('what the next worker said of itself before it took calls still holds', () => {
  served();
  const peer = next();
  workers.warm(peer, 1);
  workers.ready(peer);
  workers.orphaned(one, BEFORE);
  expect(leaving).toEqual([one]);
});

test('H1 SIGTERM to the worker alone: with `finish` it is replaced and its calls have its budget, with `end` they are told to end', () => {
  const finishing = served({ shutdown: 'finish' });
  workers.draining(finishing);
  const { shutdownBudgetMs: graceMs } = defaultPolicy;
  expect([told, toJobs]).toEqual([['before: worker.retire'], [{ type: 'worker.replaced', worker: BEFORE, graceMs }]]);
  expect(workers.isReady).toBe(false);
  [told.length, toJobs.length] = [0, 0];
  workers.draining(served({ shutdown: 'end' }));
  expect([told, toJobs]).toEqual([['the calls are told to end'], []]);
});

test('a keeper that ends replaces nobody', () => {
  const peer = served({ shutdown: 'finish' });
  isEnding = true;
  workers.draining(peer);
  expect([told, toJobs]).toEqual([['the calls are told to end'], []]);
});

test('one that was replaced and did not hear of it is told when it is back; one that says so itself is believed', () => {
  standings.set(BEFORE, 'replaced');
  expect(workers.hello(peerOf('before'), helloOf(BEFORE))).toBe('replaced');
  expect(told).toEqual(['before: worker.retire']);
  const leftMs = 5_000;
  expect(workers.hello(peerOf('other'), helloOf(9, { retiring: { leftMs } }))).toBe('replaced');
  expect([told.length, workers.isReady]).toEqual([1, false]);
  expect(workers.news()).toMatchObject([{ type: 'worker.replaced', worker: 9 }]);
});

test('why a worker was not replaced is handed on', async () => {
  expect(await workers.replace()).toEqual({ why: 'it cannot' });
});
