/** One caller is told that nobody answers: what is looked at before, what is written down, who is left alone. */
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { defaultPolicy, type HangUpStrategy } from '../../machines/index.ts';
import type { Apologize } from '../../src/keeper/recover.ts';
import { tellCaller, type TellReach } from '../../src/keeper/tell-caller.ts';
import type { Occupant } from '../../src/rooms/rooms.ts';
import type { WaitingRoom } from '../../src/rooms/waiting-rooms.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';
import { sessionRow } from '../contract/store-rows.ts';

const sam = { identity: 'sam', sid: 'PA_1' };
const waiting: WaitingRoom = {
  room: 'one',
  sid: 'RM_1',
  dispatches: [
    { id: 'AD_1', metadata: '' },
    { id: 'AD_2', metadata: '{"for":"Sam"}' },
  ],
  alone: sam,
};
const asked = { ...waiting, waitedMs: 46_000, isCalledAgain: true };
const caller: Occupant = { ...sam, kind: 'standard' };
const agent: Occupant = { identity: 'agent', sid: 'PA_2', kind: 'agent' };

let store: Awaited<ReturnType<typeof openSqlite>>;
let acts: string[];
let lines: string[];
let there: WaitingRoom | undefined;
let occupants: Occupant[];
let sid: string | undefined;
let deletable: Set<string>;
let isServed: boolean;
let isConfirmed: boolean;
let apologize: Apologize | undefined;
let strategy: HangUpStrategy;

const log = () => pino({}, { write: (line: string) => void lines.push((JSON.parse(line) as { msg: string }).msg) });
const tell = (
  signal = new AbortController().signal,
  storeThere: Parameters<typeof tellCaller>[0]['store'] = store,
  now = () => 100_000,
) => {
  const reached: TellReach = {
    server: 'wss://one.example',
    agentName: 'ada',
    policy: defaultPolicy,
    waitsForTracks: false,
    strategy,
    apologize,
    waiting: { find: async () => [], look: async () => there },
    rooms: {
      dispatch: async () => 'AD_9',
      undispatch: async (_room, dispatch) => {
        acts.push(`undispatch ${dispatch}`);
        return deletable.delete(dispatch);
      },
      occupants: async () => occupants,
      sidOf: async () => sid,
      hangUp: async (request) => {
        acts.push(`hang up ${request.strategy} ${request.roomSid} ${request.caller}`);
        return { verified: isConfirmed, attempts: 1, left: [] };
      },
    },
  };
  return tellCaller({
    store: storeThere,
    isServed: () => isServed,
    isTakingCalls: () => false,
    alert: async ({ session, room, message, detail, metadata }) =>
      void acts.push(`alert ${session} ${room} ${message}; ${detail} ${metadata}`),
    onOwed: () => void acts.push('wake'),
    log: log(),
    now,
  })(asked, reached, signal);
};
const rows = async () =>
  (await store.hangUps({ limit: 10 })).map(({ session, state, nextAt }) => [session, state, nextAt]);

beforeEach(async () => {
  store = await openSqlite(':memory:');
  [acts, lines, there, occupants, sid] = [[], [], waiting, [caller], 'RM_1'];
  [deletable, isServed, isConfirmed, strategy] = [new Set(['AD_1', 'AD_2']), false, true, 'delete-room'];
  apologize = async ({ room, onAudible }) => {
    acts.push(`apologize ${room}`);
    onAudible();
    return { heardMs: 4_000 };
  };
});
afterEach(async () => {
  vi.useRealTimers();
  await store.close();
});

const claim = ['undispatch AD_1', 'undispatch AD_2'];
const alert =
  'alert RM_1 one Nobody answered a caller, who is let go; waited for 46 s; the agent was called for again; no worker takes calls {"for":"Sam"}';
const letGo = 'hang up delete-room RM_1 sam';

test('C6 the dispatches go, the operator hears of it, the caller hears the apology and is let go', async () => {
  expect(await tell()).toBe('done');
  expect(acts).toEqual([...claim, alert, 'apologize one', letGo, 'wake']);
  expect(await rows()).toEqual([['RM_1.100000', 'done', expect.any(Number)]]);
  expect(lines).toEqual(['nobody answered a caller; they are told, and let go', 'the caller was released']);
});

test('C6 the hang-up is owed before the dispatches go: a keeper that dies in the middle leaves it to the next one', async () => {
  apologize = async () => {
    acts.push(`owed: ${JSON.stringify(await rows())}`);
    return { heardMs: 4_000 };
  };
  await tell();
  const { apologistMs, apologyMs, hangUpMs } = defaultPolicy;
  const earliest = 100_000 + apologistMs + apologyMs + hangUpMs;
  const [[, state, nextAt] = []] = JSON.parse(acts.find((each) => each.startsWith('owed'))!.slice(6)) as unknown[][];
  expect(state).toBe('owed');
  expect(Number(nextAt)).toBeGreaterThan(earliest); // and nobody else hangs up while the words are said
});

test('C6 whose claim was lost once has a row of their own the next time', async () => {
  deletable.delete('AD_1');
  await tell(undefined, store, () => 1);
  [deletable, isConfirmed] = [new Set(['AD_1', 'AD_2']), false];
  await tell(undefined, store, () => 2);
  expect((await rows()).map(([row, state]) => `${row} ${state}`).sort()).toEqual(['RM_1.1 done', 'RM_1.2 owed']);
});

test('C6 a room in which a session of ours ever was is never entered: it was left to others on purpose', async () => {
  await store.putSession(sessionRow(sessionIdOf('AJ_1'), { room: 'one', roomSid: 'RM_1' }));
  expect(await tell()).toBe('done');
  expect(acts).toEqual([]);
});

test('C6 a session in an earlier room of the same name is no reason', async () => {
  await store.putSession(sessionRow(sessionIdOf('AJ_1'), { room: 'one', roomSid: 'RM_0' }));
  await tell();
  expect(acts).toContain(letGo);
});

test.each<[string, () => void]>([
  ['a worker has taken the call', () => (there = undefined)],
  ['another caller waits there', () => (there = { ...waiting, alone: { identity: 'kim', sid: 'PA_3' } })],
  ['somebody has joined them', () => (there = { ...waiting, alone: undefined })],
  [
    'another keeper has called for the agent again',
    () => (there = { ...waiting, dispatches: [{ id: 'AD_3', metadata: '' }] }),
  ],
  ['a session here has them', () => (isServed = true)],
])('C6 right before it is looked once more: %s, and they are left alone', async (_, happens) => {
  happens();
  expect(await tell()).toBe('not now');
  expect(acts).toEqual([]);
  expect(await rows()).toEqual([]);
});

test('C6 of two keepers who tell the same caller one does: whose deletion came second says nothing, and owes nothing', async () => {
  deletable.delete('AD_1');
  expect(await tell()).toBe('not now');
  expect(acts).toEqual(['undispatch AD_1']);
  expect(await rows()).toMatchObject([['RM_1.100000', 'done', expect.any(Number)]]);
});

test.each<[string, () => void]>([
  ['an agent is there', () => (occupants = [caller, agent])],
  ['the room is gone', () => (sid = undefined)],
  ['the room is another one of its name', () => (sid = 'RM_2')],
])('C6 taken in the very moment in which the dispatches went: %s, and nothing is said', async (_, happens) => {
  happens();
  expect(await tell()).toBe('done');
  expect(acts).toEqual(claim);
  expect(await rows()).toMatchObject([['RM_1.100000', 'done', expect.any(Number)]]);
});

test('C6 an agent that comes during the words has the caller', async () => {
  apologize = async () => {
    occupants = [caller, agent];
    return { heardMs: 4_000 };
  };
  await tell();
  expect(acts).toEqual([...claim, alert]);
});

test('C6 `onCrash: { apologize: false }`: no words, and they are let go', async () => {
  apologize = undefined;
  await tell();
  expect(acts).toEqual([...claim, alert, letGo, 'wake']);
});

test('C6 words that nobody hears, and words without an end, keep no caller', async () => {
  apologize = () => Promise.reject(new Error('nobody subscribed'));
  await tell();
  expect(acts).toContain(letGo);
  vi.useFakeTimers();
  [acts, deletable] = [[], new Set(['AD_1', 'AD_2'])];
  apologize = () => new Promise(() => undefined);
  const telling = tell();
  await vi.advanceTimersByTimeAsync(4_900); // more than `apologistMs`: they have waited for long
  expect(acts).not.toContain(letGo);
  await vi.advanceTimersByTimeAsync(200);
  await telling;
  expect(acts).toContain(letGo);
});

test('C6 cut by the end of the keeper they are let go at once', async () => {
  const over = new AbortController();
  apologize = ({ onAudible }) => {
    onAudible();
    over.abort();
    return new Promise(() => undefined);
  };
  await tell(over.signal);
  expect(acts).toContain(letGo);
});

test('C6 `leave`: nothing of ours is in the room, so it is told, and nothing is hung up or owed', async () => {
  strategy = 'leave';
  await tell();
  expect(acts).toEqual([...claim, alert, 'apologize one']);
  expect(lines.at(-1)).toMatch(/the caller stays in the room/);
  expect(await rows()).toEqual([]);
});

test('C6 a hang-up that LiveKit does not confirm is owed', async () => {
  isConfirmed = false;
  await tell();
  expect(await rows()).toEqual([['RM_1.100000', 'owed', 102_000]]);
  expect(acts.at(-1)).toBe('wake');
});

test('C6 a store that takes nothing keeps nobody; one that does not say who was there, does', async () => {
  const planted = () => Promise.reject(new Error('planted: the disk is full'));
  const full = { wasServed: async () => false, owe: planted, settleHangUp: planted };
  await tell(undefined, full);
  expect(acts).toContain(letGo);
  await expect(tell(undefined, { ...full, wasServed: planted })).rejects.toThrow('planted');
});
