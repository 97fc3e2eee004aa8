/** Callers whom no job took, on a virtual clock; LiveKit is a stand-in of a few lines. */
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import {
  type TellOutcome,
  type Unanswered,
  type UnansweredWatch,
  watchUnanswered,
} from '../../src/keeper/unanswered.ts';
import type { WaitingRoom } from '../../src/rooms/waiting-rooms.ts';

const sam = { identity: 'sam', sid: 'PA_1' };
const one: WaitingRoom = {
  room: 'one',
  sid: 'RM_1',
  dispatches: [{ id: 'AD_1', metadata: '{"for":"Sam"}' }],
  alone: sam,
};
let waiting: WaitingRoom[];
let asked: string[];
let lines: string[];
let told: Unanswered[];
let isTakingCalls: boolean;
let isEnding: boolean;
let served: Set<string>;
let left: Set<string>;
let trouble: Error | undefined;
let storeTrouble: Error | undefined;
let isAway: boolean;
let isTaken: boolean;
let agentName: string;
let waitsForTracks: boolean;
let outcome: () => Promise<TellOutcome>;
let watch: UnansweredWatch;

const start = () => {
  let dispatches = 1;
  const log = pino({}, { write: (line: string) => void lines.push((JSON.parse(line) as { msg: string }).msg) });
  return watchUnanswered({
    livekit: () => ({
      agentName,
      policy: { answerMs: 45_000 },
      waitsForTracks,
      waiting: {
        find: async (_, isServed) => {
          asked.push('find');
          if (trouble) throw trouble;
          return waiting.filter(({ room, dispatches }) => !isServed(room) && dispatches.length > 0);
        },
        look: async ({ sid }) => waiting.find((each) => each.sid === sid),
      },
      rooms: {
        dispatch: async (room, agent, metadata) => {
          asked.push(`dispatch ${room} ${agent} ${metadata}`);
          if (isAway) throw new Error('ECONNREFUSED');
          const id = `AD_${(dispatches += 1)}`;
          waiting = waiting.map((each) => (each.room === room ? { ...each, dispatches: [{ id, metadata }] } : each));
          return id;
        },
        undispatch: async (room, dispatch) => {
          asked.push(`undispatch ${dispatch}`);
          if (isTaken) return false;
          waiting = waiting.map((each) => (each.room === room ? { ...each, dispatches: [] } : each));
          return true;
        },
      },
    }),
    isTakingCalls: () => isTakingCalls,
    isEnding: () => isEnding,
    isServed: (room) => served.has(room),
    wasServed: async (_, sid) => {
      if (storeTrouble) throw storeTrouble;
      return left.has(sid);
    },
    tell: async (caller, _, signal) => {
      told.push(caller);
      AbortSignal.any([signal]).addEventListener('abort', () => asked.push('cut'));
      return outcome();
    },
    log,
    now: () => Date.now(),
  });
};
beforeEach(() => {
  vi.useFakeTimers();
  [waiting, asked, lines, told, served] = [[one], [], [], [], new Set()];
  [isTakingCalls, isEnding, isAway, isTaken, waitsForTracks] = [true, false, false, false, false];
  [trouble, storeTrouble, agentName, outcome, left] = [undefined, undefined, 'ada', async () => 'done', new Set()];
  watch = start();
});
afterEach(async () => {
  outcome = async () => 'done';
  await watch.stop();
  vi.useRealTimers();
});
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const acts = () => asked.filter((each) => each !== 'find');

test('C6 who waits for twelve seconds is called for again, with what they were called for with, when the old dispatch is ours to delete', async () => {
  await pass(16_000);
  expect(acts()).toEqual([]);
  await pass(3_000);
  expect(acts()).toEqual(['undispatch AD_1', 'dispatch one ada {"for":"Sam"}']);
  expect(lines).toEqual(['a caller waits and no job took the call; the agent is called for again']);
  await pass(9_000);
  expect(acts()).toHaveLength(2); // and its answer is waited for as long
  await pass(4_000);
  expect(acts().slice(2)).toEqual(['undispatch AD_2', 'dispatch one ada {"for":"Sam"}']);
});

test('C6 of two keepers who find the same caller one calls again: whose deletion came second does nothing', async () => {
  isTaken = true;
  await pass(19_000);
  expect(acts()).toEqual(['undispatch AD_1']);
});

test('C6 the answer to a dispatch of another host is waited for as long', async () => {
  await pass(14_000);
  waiting = [{ ...one, dispatches: [{ id: 'AD_9', metadata: '' }] }];
  await pass(12_000);
  expect(acts()).toEqual([]);
  await pass(4_000);
  expect(acts()[0]).toBe('undispatch AD_9');
});

test('C6 LiveKit goes away between the two: the agent is called for when it is back, and once', async () => {
  isAway = true;
  await pass(23_000);
  expect(acts().slice(0, 2)).toEqual(['undispatch AD_1', 'dispatch one ada {"for":"Sam"}']);
  isAway = false;
  const before = acts().length;
  await pass(6_000);
  expect(acts().slice(before)).toEqual(['dispatch one ada {"for":"Sam"}']);
});

test('C6 a call that was carried out without an answer is not made a second time', async () => {
  isAway = true;
  await pass(18_000);
  waiting = [{ ...one, dispatches: [{ id: 'AD_7', metadata: '' }] }];
  isAway = false;
  const before = acts().length;
  await pass(8_000);
  expect(acts().slice(before)).toEqual([]);
});

test('C6 who is answered meanwhile is left alone, and who comes back has their time once more', async () => {
  await pass(10_000);
  waiting = [];
  await pass(4_000);
  waiting = [one];
  await pass(12_000);
  expect(acts()).toEqual([]);
});

test('C6 without a worker that takes calls nobody is called for; the wait counts', async () => {
  isTakingCalls = false;
  await pass(30_000);
  expect(acts()).toEqual([]);
  isTakingCalls = true;
  await pass(2_000);
  expect(acts()[1]).toMatch(/^dispatch one/);
});

test('C6 whom the application refused is not called for and not told: their dispatch goes, so that no other keeper does', async () => {
  watch.refused('RM_1');
  await pass(80_000);
  expect(acts()).toEqual(['undispatch AD_1']);
  expect(told).toEqual([]);
});

test('C6 whom a session serves by now is not called for, and not told', async () => {
  await pass(10_000);
  served.add('one');
  await pass(80_000);
  expect(acts()).toEqual([]);
  expect(told).toEqual([]);
});

test('C6 a room in which a session of ours ever was is not called for again, and nobody in it is told', async () => {
  left.add('RM_1');
  await pass(120_000);
  expect(acts()).toEqual([]);
  expect(told).toEqual([]);
});

test('C6 while the store does not say whose room it was, nobody enters it', async () => {
  storeTrouble = new Error('planted: the disk hangs');
  await pass(60_000);
  expect([acts(), told]).toEqual([[], []]);
  storeTrouble = undefined;
  await pass(3_000);
  expect(acts()[1]).toMatch(/^dispatch one/);
});

test('C6 an agent without a name is not looked for', async () => {
  agentName = '';
  await pass(60_000);
  expect(asked).toEqual([]);
});

test('C6 while LiveKit is away that is said once, and it is looked again', async () => {
  trouble = new Error('ECONNREFUSED');
  await pass(30_000);
  expect(lines).toEqual(['callers without an agent could not be looked for; it is tried again']);
  trouble = undefined;
  await pass(22_000);
  expect(acts()[1]).toMatch(/^dispatch one/);
});

test('C6 who has waited for answerMs is told, once, after the agent was called for twice more and not in the last twelve seconds', async () => {
  const calls = () => acts().filter((each) => each.startsWith('dispatch')).length;
  await pass(49_000);
  expect([calls(), told.length]).toEqual([2, 0]); // known after 5 s
  await pass(3_000);
  expect(calls()).toBe(2);
  expect(told).toMatchObject([{ room: 'one', sid: 'RM_1', isCalledAgain: true, alone: sam }]);
  expect(told[0]?.waitedMs).toBeLessThanOrEqual(47_000);
  await pass(120_000);
  expect([calls(), told.length]).toEqual([2, 1]);
});

test('C6 with no worker that takes calls they are told, too', async () => {
  isTakingCalls = false;
  await pass(52_000);
  expect(acts()).toEqual([]);
  expect(told).toMatchObject([{ isCalledAgain: false }]);
});

test('C6 a worker that comes back after a long time is asked first', async () => {
  trouble = new Error('ECONNREFUSED');
  await pass(4_000);
  trouble = undefined;
  await pass(4_000);
  trouble = new Error('ECONNREFUSED'); // the network is away, of worker and keeper
  await pass(90_000);
  trouble = undefined;
  await pass(6_000);
  expect(acts()[1]).toMatch(/^dispatch one/);
  expect(told).toEqual([]);
  await pass(10_000);
  expect(told).toHaveLength(1);
});

test('C6 who has company is called for again and not told: they may be talking to each other', async () => {
  waiting = [{ ...one, alone: undefined }];
  await pass(120_000);
  expect(acts().length).toBeGreaterThan(8);
  expect(told).toEqual([]);
});

test('C6 another caller in the same room has their own time', async () => {
  isTakingCalls = false;
  await pass(40_000);
  waiting = [{ ...one, alone: { identity: 'kim', sid: 'PA_2' } }];
  await pass(40_000);
  expect(told).toEqual([]);
  await pass(10_000);
  expect(told).toMatchObject([{ alone: { identity: 'kim' } }]);
});

test('C6 a caller who is to publish something first is waited for', async () => {
  waitsForTracks = true;
  await pass(120_000);
  expect(told).toEqual([]);
});

test('C6 a keeper that is ending begins no words', async () => {
  [isTakingCalls, isEnding] = [false, true];
  await pass(120_000);
  expect(told).toEqual([]);
});

test('C6 five are told at a time, the others wait; who could not be told is tried again', async () => {
  isTakingCalls = false;
  waiting = Array.from({ length: 8 }, (_, at) => ({ ...one, room: `room-${at}`, sid: `RM_${at}` }));
  let go: () => void = () => undefined;
  const done = new Promise<TellOutcome>((resolve) => (go = () => resolve('not now')));
  outcome = () => done;
  await pass(60_000);
  expect(told).toHaveLength(5);
  outcome = async () => 'done';
  go();
  await pass(2_000);
  expect(new Set(told.map(({ room }) => room)).size).toBeGreaterThanOrEqual(5);
  await pass(6_000);
  expect(new Set(told.map(({ room }) => room)).size).toBe(8);
  expect(told).toHaveLength(13);
});

test('C6 a failure is said, and harms nobody else', async () => {
  isTakingCalls = false;
  outcome = () => Promise.reject(new Error('planted: the store hangs'));
  await pass(53_000);
  expect(lines[0]).toBe('a caller whom nobody answers could not be told; it is tried again');
  outcome = async () => 'done';
  const before = told.length;
  await pass(20_000);
  expect(told).toHaveLength(before + 1);
});

test('C6 stopped, it asks nobody any more, cuts the words and waits for the hang-up', async () => {
  isTakingCalls = false;
  let isReleased = false;
  outcome = () => new Promise((resolve) => setTimeout(() => resolve(((isReleased = true), 'done' as const)), 20_000));
  await pass(52_000);
  const stopping = watch.stop();
  expect(acts()).toEqual(['cut']);
  const before = asked.length;
  await pass(60_000);
  await stopping;
  expect(isReleased).toBe(true);
  expect(asked).toHaveLength(before);
});
