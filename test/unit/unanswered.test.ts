/** Callers whom no job took, on a virtual clock; LiveKit is a stand-in of a few lines. */
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Unanswered, watchUnanswered } from '../../src/keeper/unanswered.ts';
import type { WaitingRoom } from '../../src/rooms/waiting-rooms.ts';

const one: WaitingRoom = { room: 'one', sid: 'RM_1', dispatches: [{ id: 'AD_1', metadata: '{"for":"Sam"}' }] };
let waiting: WaitingRoom[];
let asked: string[];
let lines: string[];
let isTakingCalls: boolean;
let served: Set<string>;
let trouble: Error | undefined;
let agentName: string;
let watch: Unanswered;

beforeEach(() => {
  vi.useFakeTimers();
  [waiting, asked, lines, isTakingCalls, served, trouble, agentName] = [
    [one],
    [],
    [],
    true,
    new Set(),
    undefined,
    'ada',
  ];
  const log = pino({}, { write: (line: string) => void lines.push((JSON.parse(line) as { msg: string }).msg) });
  watch = watchUnanswered({
    livekit: () => ({
      agentName,
      find: async (_, isServed) => {
        asked.push('find');
        if (trouble) throw trouble;
        return waiting.filter(({ room }) => !isServed(room));
      },
      rooms: {
        dispatch: async (room, agent, metadata) => {
          asked.push(`dispatch ${room} ${agent} ${metadata}`);
          waiting = [{ ...one, dispatches: [...one.dispatches, { id: 'AD_2', metadata }] }];
          return 'AD_2';
        },
        undispatch: async (_room, dispatch) => void asked.push(`undispatch ${dispatch}`),
      },
    }),
    isTakingCalls: () => isTakingCalls,
    isServed: (room) => served.has(room),
    log,
    now: () => Date.now(),
  });
});
afterEach(() => {
  watch.stop();
  vi.useRealTimers();
});
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const acts = () => asked.filter((each) => each !== 'find');

test('C6 who waits for twelve seconds is called for again, with what they were called for with, and the old dispatch goes', async () => {
  await pass(16_000);
  expect(acts()).toEqual([]);
  await pass(3_000);
  expect(acts()).toEqual(['dispatch one ada {"for":"Sam"}', 'undispatch AD_1']);
  expect(lines).toEqual(['a caller waits and no job took the call; the agent is called for again']);
  await pass(9_000);
  expect(acts()).toHaveLength(2); // and its answer is waited for as long
  await pass(4_000);
  expect(acts()).toHaveLength(5);
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
  expect(acts()[0]).toMatch(/^dispatch one/);
});

test('C6 whom the application refused, and whom a session serves by now, is not called for', async () => {
  watch.refused('RM_1');
  await pass(60_000);
  waiting = [{ ...one, room: 'two', sid: 'RM_2' }];
  await pass(10_000);
  served.add('two');
  await pass(60_000);
  expect(acts()).toEqual([]);
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
  expect(acts()[0]).toMatch(/^dispatch one/);
});

test('C6 stopped, it asks nobody any more', async () => {
  await pass(10_000);
  watch.stop();
  const before = asked.length;
  await pass(60_000);
  expect(asked).toHaveLength(before);
});
