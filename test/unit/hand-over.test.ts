/** One call for each warm process. */
import { beforeEach, expect, test } from 'vitest';
import { sessionIdOf, type SessionId } from '../../src/journal/ids.ts';
import { HandOver } from '../../src/keeper/hand-over.ts';

const [one, two, three] = ['one', 'two', 'three'].map(sessionIdOf) as [SessionId, SessionId, SessionId];
const [GONE, NEXT] = [7, 8];
let told: SessionId[];
let stayed: SessionId[];
let over: Set<SessionId>;
let handOver: HandOver;
beforeEach(() => {
  told = [];
  stayed = [];
  over = new Set();
  handOver = new HandOver({
    handOver: (session) => told.push(session),
    keep: (session) => stayed.push(session),
    isOpen: (session) => !over.has(session),
  });
  handOver.workerHere(NEXT);
});

test('H3b a call waits for a warm process, and each process is for one call', () => {
  for (const session of [one, two, three]) handOver.orphaned(session, GONE);
  expect(told).toEqual([]);
  handOver.warm(1);
  expect(told).toEqual([one]);
  handOver.warm(2); // one of them is for the first, who has not left yet
  expect(told).toEqual([one, two]);
  handOver.taken(one);
  expect(told).toEqual([one, two]);
  handOver.taken(two);
  handOver.warm(1);
  expect(told).toEqual([one, two, three]);
});

test('H3b a process that a new caller got is none for it, nor is one of a worker that is gone', () => {
  handOver.warm(1);
  handOver.taken();
  handOver.orphaned(one, GONE);
  expect(told).toEqual([]);
  handOver.warm(1);
  expect(told).toEqual([one]);
  handOver.warm(2);
  handOver.workerGone();
  handOver.orphaned(two, GONE);
  expect(told).toEqual([one]);
});

test('H3b what is warm in a worker is warm for none of its own calls: its job knows first that it is gone', () => {
  handOver.warm(3);
  handOver.orphaned(one, NEXT);
  expect(told).toEqual([]);
  handOver.workerHere(9);
  handOver.orphaned(one, NEXT); // to a keeper that it has found again
  expect(told).toEqual([]);
  handOver.warm(1);
  expect(told).toEqual([one]);
});

test('H3b who calls while a call waits for its calm moment may have the process: the call stays, and has the next one', () => {
  handOver.orphaned(one, GONE);
  handOver.orphaned(two, GONE);
  handOver.warm(2);
  handOver.taken();
  expect([told, stayed]).toEqual([[one, two], [two]]);
  handOver.taken();
  expect(stayed).toEqual([two, one]);
  handOver.warm(1);
  expect(told).toEqual([one, two, two]);
});

test('H3b a call that ends while it waits for its calm moment holds no process for itself', () => {
  handOver.orphaned(one, GONE);
  handOver.warm(1);
  over.add(one);
  handOver.orphaned(two, GONE);
  expect(told).toEqual([one, two]);
});

test('G7 a call whose own session is over goes to another process of the same worker, at once', () => {
  handOver.warm(1);
  handOver.orphaned(one, undefined);
  handOver.orphaned(two, undefined);
  expect(told).toEqual([one]);
  handOver.taken(one);
  handOver.warm(1);
  expect(told).toEqual([one, two]);
});
