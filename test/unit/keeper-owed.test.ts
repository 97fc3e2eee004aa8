import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { defaultPolicy, ends } from '../../machines/index.ts';
import type { Entry, EntryData, EntryKind, SessionJournal } from '../../src/journal/entry.ts';
import { firstJob, jobIdOf, sessionIdOf } from '../../src/journal/ids.ts';
import { owedBy, pauseAfter, startOwed } from '../../src/keeper/owed.ts';
import { whatIsKnown } from '../../src/keeper/reading.ts';
import type { HangUpRequest, HangUpResult, Occupant, Rooms } from '../../src/rooms/rooms.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import type { NewHangUp, Store } from '../../src/store/store.ts';
import { newHangUp } from '../contract/store-rows.ts';

const BEGUN = 1_000_000_000_000;
const HOUR = 3_600_000;
const server = 'wss://one.example';
const caller: Occupant = { identity: 'caller', sid: 'PA_1', kind: 'standard', joinedAt: BEGUN - 60_000 };
const ours: Occupant = { identity: 'agent', sid: 'PA_2', kind: 'agent', joinedAt: BEGUN - 60_000 };

class FakeRooms implements Rooms {
  readonly hangUps: HangUpRequest[] = [];
  list: Occupant[] = [caller, ours];
  sid: string | undefined = 'RM_one';
  isAway = false;
  answer: HangUpResult = { verified: true, attempts: 1, left: [] };
  occupants = () => Promise.resolve(this.list);
  hangUp(request: HangUpRequest) {
    this.hangUps.push(request);
    return Promise.resolve(this.answer);
  }
  remove = () => Promise.resolve();
  dispatch = () => Promise.reject(new Error('nothing is dispatched here'));
  undispatch = () => Promise.resolve(true);
  tell = () => Promise.resolve();
  sidOf = () => (this.isAway ? Promise.reject(new Error('ECONNREFUSED')) : Promise.resolve(this.sid));
}

let store: Store;
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: BEGUN });
  store = await openSqlite(':memory:');
});
afterEach(async () => {
  vi.useRealTimers();
  await store.close();
});

const begin = (
  rooms = new FakeRooms(),
  livekit: () => { server: string; rooms: Rooms } | undefined = () => ({ server, rooms }),
) => {
  const lines: { level: number; msg: string; [field: string]: unknown }[] = [];
  const log = pino({}, { write: (line: string) => void lines.push(JSON.parse(line) as (typeof lines)[number]) });
  const owed = startOwed({ store, log, livekit });
  return { owed, rooms, lines, said: () => lines.map(({ msg }) => msg) };
};
const owe = (more: Partial<NewHangUp> = {}) =>
  store.owe(newHangUp(sessionIdOf('one'), { since: BEGUN, nextAt: BEGUN + 2_000, ...more }));
const row = async () => (await store.hangUps({ limit: 1 }))[0];
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

describe('an owed hang-up', () => {
  test('C3 an owed hang-up is tried again with growing pauses until LiveKit confirms it', async () => {
    await owe();
    const { owed, rooms, said } = begin();
    rooms.answer = { verified: false, attempts: 1, left: ['caller'], error: 'still there' };
    await pass(1_990);
    expect(rooms.hangUps).toHaveLength(0); // a request of the job's may still be under way
    await pass(20);
    expect(rooms.hangUps).toHaveLength(1);
    await pass(2_000 + 4_000 + 8_000 + 100);
    expect(rooms.hangUps).toHaveLength(4);
    expect(await row()).toMatchObject({ state: 'owed', attempts: 4, lastError: 'still there' });
    rooms.answer = { verified: true, attempts: 1, left: [] };
    await pass(17_000);
    expect(await row()).toMatchObject({ state: 'done', attempts: 5 });
    expect(said().at(-1)).toBe('the caller was released, late');
    await pass(HOUR);
    expect(rooms.hangUps).toHaveLength(5);
    expect(rooms.hangUps[0]).toMatchObject({
      room: 'room-one',
      roomSid: 'RM_one',
      caller: 'caller',
      agent: 'agent',
      sip: [],
    });
    await owed.stop();
  });

  test('C4 an owed hang-up of a room that is gone is done, without a deletion', async () => {
    await owe();
    const { owed, rooms } = begin();
    rooms.sid = undefined;
    await pass(2_100);
    expect(await row()).toMatchObject({ state: 'done' });
    expect(rooms.hangUps).toEqual([]);
    await owed.stop();
  });

  const later = { ...ours, identity: 'agent-2', joinedAt: BEGUN + 1_000 };
  test.each<[string, boolean, string, Occupant[]]>([
    ['C5 leaves a new room of the same name alone', true, 'RM_two', [caller, ours]],
    ['C5 leaves an agent alone that joined after the call', true, 'RM_one', [caller, later]],
    ['C5 of a job that never began leaves any agent alone', false, 'RM_one', [caller, ours]],
  ])('%s', async (_, hasBegun, sid, list) => {
    const { agent, ...rest } = newHangUp(sessionIdOf('one'), { since: BEGUN, nextAt: BEGUN });
    await store.owe({ ...rest, ...(hasBegun && agent !== undefined && { agent }) });
    const rooms = new FakeRooms();
    Object.assign(rooms, { sid, list });
    const { owed } = begin(rooms);
    await pass(100);
    expect(rooms.hangUps).toEqual([]);
    expect(await row()).toMatchObject({ state: 'done' });
    await owed.stop();
  });

  test('C3 an owed hang-up is done in spite of other agents that were there during the call', async () => {
    await owe({ nextAt: BEGUN });
    const { owed, rooms } = begin();
    rooms.list = [caller, { ...ours, identity: 'avatar' }];
    await pass(100);
    expect(await row()).toMatchObject({ state: 'done' });
    expect(rooms.hangUps).toHaveLength(1);
    await owed.stop();
  });

  test('C3 an owed hang-up is given up after 24 hours, once and loudly, and stays visible', async () => {
    await owe();
    const { owed, rooms, lines } = begin();
    rooms.isAway = true;
    await pass(23 * HOUR);
    expect(await row()).toMatchObject({ state: 'owed', lastError: 'ECONNREFUSED' });
    await pass(2 * HOUR);
    expect(await row()).toMatchObject({ state: 'given-up', lastError: 'ECONNREFUSED' });
    const loud = lines.filter(({ level }) => level >= 50);
    expect(lines.filter(({ level }) => level === 40).length).toBeLessThan(60); // nor is the log filled with it
    expect(loud.map(({ msg }) => msg)).toEqual([
      'not hung up within 1440 minutes, given up; the caller may still be in the room: delete it by hand',
    ]);
    await owed.stop();
  }, 60_000); // 25 hours, minute by minute: 2 s, and ten times as much beside other files

  test('C5 an owed hang-up of a room without a known sid is given up after five minutes: a later room could not be told from it', async () => {
    await owe({ roomSid: '' });
    const { owed, rooms } = begin();
    rooms.isAway = true;
    await pass(6 * 60_000);
    expect(await row()).toMatchObject({ state: 'given-up' });
    await owed.stop();
  });

  test('of another LiveKit server is left to a keeper that talks to it', async () => {
    await owe({ server: 'wss://two.example', nextAt: BEGUN });
    const { owed, rooms } = begin();
    rooms.sid = undefined; // it would look as if it were done
    await pass(60_000);
    expect(await row()).toMatchObject({ state: 'owed', attempts: 0 });
    await owed.stop();
  });

  test('waits for the worker that knows LiveKit, and is done by the keeper after this one', async () => {
    await owe({ nextAt: BEGUN });
    const first = begin(new FakeRooms(), () => undefined);
    await pass(60_000);
    expect(await row()).toMatchObject({ attempts: 0 });
    await first.owed.stop();
    const second = begin();
    await pass(100);
    expect(await row()).toMatchObject({ state: 'done', attempts: 1 });
    await second.owed.stop();
  });

  test('survives a store that fails for a while', async () => {
    await owe({ nextAt: BEGUN });
    const fails = vi.spyOn(store, 'nextOwed').mockRejectedValueOnce(new Error('planted: disk full'));
    const { owed } = begin();
    await pass(25_000);
    expect(fails).toHaveBeenCalled();
    expect(await row()).toMatchObject({ state: 'done' });
    await owed.stop();
  });

  test('is tried once more when the keeper ends, due or not', async () => {
    await owe({ nextAt: BEGUN + HOUR });
    const { owed } = begin();
    await pass(100);
    expect(await owed.lastTry()).toBe(0);
    expect(await row()).toMatchObject({ state: 'done' });
    await owed.stop();
  });
});

test('pauses double from two seconds to a minute', () => {
  const pauses = [1, 2, 3, 5, 6, 50, 1_500].map((attempts) => pauseAfter(attempts, 0));
  expect(pauses).toEqual([2_000, 4_000, 8_000, 32_000, 60_000, 60_000, 60_000]);
  expect([0, 0.5, 1].map((chance) => pauseAfter(1, chance))).toEqual([2_000, 1_800, 1_600]);
});

describe('a session owes a hang-up', () => {
  const entry = <Kind extends EntryKind>(kind: Kind, data: EntryData[Kind], seq = 1) =>
    ({ seq, at: seq, kind, data }) as Entry;
  const hangUp = { normal: 'remove-caller', failure: 'delete-room', transfer: 'leave' } as const;
  const opened = (sid = 'RM_1') =>
    entry('session.opened', {
      ...firstJob(jobIdOf('AJ_1')),
      agentName: 'ada',
      room: { name: 'room', sid },
      metadata: '',
      owner: { host: 'h', bootId: 'b', pidNamespace: '1', pid: 1, startTicks: '1' },
      identity: 'agent-1',
      policy: defaultPolicy,
      policyHash: 'p',
      machineHash: 'm',
      hangUp,
      versions: {},
    });
  const effect = (phase: 'requested' | 'settled' | 'late', output?: { verified: boolean }) =>
    entry('effect', { machine: 'session', id: 'hangUp#1', name: 'hangUp', phase, ...(output && { output }) });
  const hung = (verified: boolean) => entry('hangup', { strategy: 'delete-room', attempts: 1, verified, ms: 1 });
  const closed = entry('session.closed', { end: ends.idle, alsoTriggered: [], stage: 'conversing' });
  const journal = (entries: Entry[], keeper: Entry[] = []): SessionJournal => ({
    session: sessionIdOf('AJ_1'),
    epochs: [{ epoch: 1, entries, torn: false }],
    keeper,
  });
  const owes = (entries: Entry[], keeper: Entry[] = []) => whatIsKnown(journal(entries, keeper)).isHangUpOwed;

  test('C3 T11 a session owes its hang-up when LiveKit did not confirm it, and when its deadline cut it', () => {
    expect(owes([opened(), effect('requested'), hung(false), closed])).toBe(true);
    expect(owes([opened(), effect('requested'), closed])).toBe(true);
    expect(owes([opened(), effect('requested'), effect('late', { verified: false }), closed])).toBe(true);
  });
  test('not when it was confirmed, by whomever, when nobody asked for one, and when the room was somebody else’s', () => {
    expect(owes([opened(), effect('requested'), hung(false), hung(true), closed])).toBe(false);
    expect(owes([opened(), effect('requested'), hung(false)], [hung(true)])).toBe(false);
    expect(owes([opened(), closed])).toBe(false);
    expect(owes([opened(), effect('requested'), effect('settled', { verified: true }), closed])).toBe(false);
  });
  test('in the way that its end calls for, in the room that it had', () => {
    const known = whatIsKnown(journal([opened(), effect('requested'), hung(false), closed]));
    expect(owedBy(sessionIdOf('AJ_1'), known, server, 5)).toEqual({
      session: 'AJ_1',
      server,
      room: 'room',
      roomSid: 'RM_1',
      strategy: 'remove-caller',
      agent: 'agent-1',
      since: 5,
      nextAt: 2_005,
    });
  });
  test('in the room that it found, when the dispatch did not name its sid', () => {
    const known = whatIsKnown(
      journal([opened(''), entry('room', { change: 'connected', sid: 'RM_found' }), effect('requested')]),
    );
    expect(owedBy(sessionIdOf('AJ_1'), known, server, 5)?.roomSid).toBe('RM_found');
  });
});
