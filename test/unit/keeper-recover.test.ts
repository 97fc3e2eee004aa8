import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { defaultPolicy, type End } from '../../machines/index.ts';
import type { Entry, EntryData, EntryKind } from '../../src/journal/entry.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';
import { recover, type Apologize, type RecoveryRequest } from '../../src/keeper/recover.ts';
import type { HangUpRequest, HangUpResult, Occupant, Rooms } from '../../src/rooms/rooms.ts';

const log = pino({ level: 'silent' });
const policy = { ...defaultPolicy, probeMs: 40, apologistMs: 60, apologyMs: 200, hangUpMs: 60 };
const caller: Occupant = { identity: 'caller', sid: 'PA_1', kind: 'standard' };
const ghost: Occupant = { identity: 'agent-1', sid: 'PA_2', kind: 'agent' };
const end = (by: End['by'], reason: string): End => ({ by, reason, fault: 'none' });
const never = <Value>(signal: AbortSignal) =>
  new Promise<Value>((_, reject) => signal.addEventListener('abort', () => reject(new Error('stopped'))));

class FakeRooms implements Rooms {
  readonly hangUps: HangUpRequest[] = [];
  list: Occupant[] = [caller, ghost];
  isHung = false;
  answer: HangUpResult = { verified: true, attempts: 1, left: [] };
  /** The first answer does not come. */
  isLateOnce = false;
  async occupants(_room: string, signal: AbortSignal) {
    const isLate = this.isLateOnce;
    this.isLateOnce = false;
    return this.isHung || isLate ? await never<Occupant[]>(signal) : this.list;
  }
  async hangUp(request: HangUpRequest) {
    this.hangUps.push(request);
    if (!this.isHung) return this.answer;
    await never(request.signal).catch(() => undefined);
    return { verified: false, attempts: 3, left: ['caller'], error: 'stopped' };
  }
  readonly removed: string[] = [];
  remove = (_room: string, identity: string) => Promise.resolve(void this.removed.push(identity));
  dispatch = () => Promise.reject(new Error('nothing is dispatched here'));
  undispatch = () => Promise.resolve(true);
  tell = () => Promise.resolve();
  sid: string | undefined = 'RM_1';
  sidOf = () => Promise.resolve(this.sid);
}

const run = async (wish: Partial<RecoveryRequest> & { rooms?: Rooms | null } = {}) => {
  const rooms = new FakeRooms();
  const entries: Entry[] = [];
  const request: RecoveryRequest = {
    session: sessionIdOf('one'),
    room: 'room',
    roomSid: 'RM_1',
    agent: 'agent-1',
    caller: 'caller',
    policy,
    hangUp: { normal: 'remove-caller', failure: 'delete-room', transfer: 'leave' },
    end: null,
    isReleased: false,
    isUnopened: false,
    isCallerAwaited: false,
    rooms,
    apologize: undefined,
    resumesLeft: 0,
    wasSeenAtOnce: true,
    takeOver: () => Promise.reject(new Error('nobody takes it over here')),
    signal: new AbortController().signal,
    notes: {
      append: <Kind extends EntryKind>(kind: Kind, data: EntryData[Kind]) =>
        void entries.push({ seq: entries.length + 1, at: Date.now(), kind, data } as Entry),
    },
    log,
    ...wish,
  };
  const result = await recover(request);
  const states = entries
    .flatMap((entry) => (entry.kind === 'transition' ? entry.data.to : []))
    .filter((state) => state !== 'done');
  const of = <Kind extends EntryKind>(kind: Kind) =>
    entries.filter((entry) => entry.kind === kind).map((entry) => entry.data as EntryData[Kind]);
  return { ...result, rooms, entries, states, of };
};

describe('a dead session', () => {
  test('is hung up on as failures are, verified, and all of it is noted', async () => {
    const { rooms, states, isHangUpOwed, of } = await run();
    expect(rooms.hangUps).toMatchObject([
      { room: 'room', strategy: 'delete-room', caller: 'caller', agent: 'agent-1' },
    ]);
    expect(states).toEqual(['probing', 'hangingUp']);
    expect(isHangUpOwed).toBe(false);
    expect(of('hangup')).toMatchObject([{ strategy: 'delete-room', verified: true }]);
    expect(of('effect').map(({ name, phase }) => `${name} ${phase}`)).toEqual([
      'probe requested',
      'probe settled',
      'hangUp requested',
      'hangUp settled',
    ]);
  });

  test.each([
    ['agent', 'agent_ended', 'remove-caller'],
    ['limit', 'max_duration', 'remove-caller'],
    ['agent', 'transferred', 'leave'],
    ['system', 'model_failed', 'delete-room'],
  ] as const)('that was ending (by %s, %s) is hung up on by %s', async (by, reason, strategy) => {
    const fault = by === 'system' ? 'provider' : 'none';
    const { rooms } = await run({
      end: { ...end(by, reason), fault },
      apologize: () => Promise.reject(new Error('not now')),
    });
    expect(rooms.hangUps).toMatchObject([{ strategy }]);
  });

  test('C6 whose caller has not come yet is followed by another job, in the room that they will come to', async () => {
    const awaited = { isCallerAwaited: true, resumesLeft: 1, takeOver: () => Promise.resolve() };
    const rooms = new FakeRooms();
    rooms.list = [ghost];
    const followed = await run({ ...awaited, rooms });
    expect([followed.outcome, rooms.hangUps]).toEqual(['resumed', []]);
    const spent = await run({ ...awaited, rooms, resumesLeft: 0 });
    expect([spent.outcome, spent.states]).toEqual(['released', ['probing', 'hangingUp']]);
    rooms.sid = undefined; // deleted by whoever made it
    expect((await run({ ...awaited, rooms })).outcome).toBe('released');
  });

  test('G7 the avatar of the dead agent goes before the next job is called for, and no other one', async () => {
    const rooms = new FakeRooms();
    const avatarOf = (onBehalfOf: string): Occupant => ({
      identity: `avatar of ${onBehalfOf}`,
      sid: 'PA_3',
      kind: 'agent',
      onBehalfOf,
    });
    rooms.list = [caller, ghost, avatarOf('agent-1'), avatarOf('agent-2')];
    let before: string[] = [];
    const takeOver = () => Promise.resolve(void (before = [...rooms.removed]));
    const { outcome } = await run({ rooms, resumesLeft: 1, takeOver });
    expect([outcome, before]).toEqual(['resumed', ['avatar of agent-1']]);
  });

  test('C6 whose caller has left is not followed by anybody', async () => {
    const rooms = new FakeRooms();
    rooms.list = [ghost];
    const { outcome } = await run({ rooms, resumesLeft: 1, takeOver: () => Promise.resolve() });
    expect(outcome).toBe('released');
  });

  test('whose caller was released already is left alone', async () => {
    const { rooms, states } = await run({ isReleased: true });
    expect(rooms.hangUps).toEqual([]);
    expect(states).toEqual(['probing']);
  });

  test('without LiveKit has nobody to be hung up on', async () => {
    const { states, of, isHangUpOwed } = await run({ rooms: null });
    expect(states).toEqual(['probing']);
    expect(of('hangup')).toEqual([]);
    expect(isHangUpOwed).toBe(false);
  });

  test('C3 a dead session is hung up on within the limits when LiveKit does not answer, and the hang-up is owed', async () => {
    const rooms = new FakeRooms();
    rooms.isHung = true;
    const begun = performance.now();
    const { states, isHangUpOwed } = await run({ rooms });
    expect(performance.now() - begun).toBeLessThan(2_000);
    expect(states).toEqual(['probing', 'hangingUp']);
    expect(isHangUpOwed).toBe(true);
  });

  test('C3 a hang-up of a dead session that LiveKit does not confirm is owed', async () => {
    const rooms = new FakeRooms();
    rooms.answer = { verified: false, attempts: 2, left: ['caller'] };
    const { isHangUpOwed, of } = await run({ rooms });
    expect(isHangUpOwed).toBe(true);
    expect(of('hangup')).toMatchObject([{ verified: false, left: ['caller'] }]);
  });

  test('whose probe was late is looked at before it is hung up on: a room made anew is left alone', async () => {
    const rooms = new FakeRooms();
    rooms.sid = 'RM_2';
    rooms.isLateOnce = true;
    const { isHangUpOwed, states } = await run({ rooms });
    expect(states).toEqual(['probing', 'hangingUp']);
    expect(rooms.hangUps).toEqual([]);
    expect(isHangUpOwed).toBe(false);
  });

  test('whose probe was late, in its own room, is hung up on all the same', async () => {
    const rooms = new FakeRooms();
    rooms.isLateOnce = true;
    const { isHangUpOwed } = await run({ rooms });
    expect(rooms.hangUps).toMatchObject([{ strategy: 'delete-room', roomSid: 'RM_1', sip: [] }]);
    expect(isHangUpOwed).toBe(false);
  });

  test('that is left by its supervision stops what it does, and the hang-up is owed', async () => {
    const rooms = new FakeRooms();
    rooms.isHung = true;
    const { isHangUpOwed } = await run({ rooms, policy: defaultPolicy, signal: AbortSignal.timeout(20) });
    expect(isHangUpOwed).toBe(true);
    expect(rooms.hangUps).toEqual([]);
  });

  test('A25 a dead session with a telephone in its room has it removed first, and LiveKit is asked for it once', async () => {
    const rooms = new FakeRooms();
    rooms.list = [{ ...caller, identity: 'phone', kind: 'sip' }, ghost];
    await run({ rooms });
    expect(rooms.hangUps).toMatchObject([{ strategy: 'delete-room', roomSid: 'RM_1', sip: ['phone'] }]);
  });

  test('C5 a session that never opened leaves a room alone in which another agent speaks', async () => {
    const { rooms, isHangUpOwed } = await run({ isUnopened: true });
    expect(rooms.hangUps).toEqual([]);
    expect(isHangUpOwed).toBe(false);
  });
});

describe('a room that was made anew', () => {
  test('C5 a room that was made anew under the same name is another call, and is left alone', async () => {
    const rooms = new FakeRooms();
    rooms.sid = 'RM_2';
    const { isHangUpOwed } = await run({ rooms });
    expect(rooms.hangUps).toEqual([]);
    expect(isHangUpOwed).toBe(false);
  });
});

describe('the apology', () => {
  const apology =
    (script: (onAudible: () => void, signal: AbortSignal) => Promise<{ heardMs: number }>): Apologize =>
    ({ onAudible, signal }) =>
      script(onAudible, signal);

  test('is played before the hang-up, and noted with what was heard', async () => {
    const { states, of } = await run({
      apologize: apology(async (onAudible) => {
        onAudible();
        return { heardMs: 1_500 };
      }),
    });
    expect(states).toEqual(['probing', 'apologizing.unheard', 'apologizing.playing', 'hangingUp']);
    expect(of('spoken')).toMatchObject([{ line: 'apology', rung: 'bundled', outcome: 'played', heardMs: 1_500 }]);
  });

  test('is not said when nobody is there', async () => {
    const rooms = new FakeRooms();
    rooms.list = [ghost];
    const { states } = await run({ rooms, apologize: apology(() => Promise.reject(new Error('not to be asked'))) });
    expect(states).toEqual(['probing', 'hangingUp']);
  });

  test('that is not heard in time is given up, and its child is told', async () => {
    let isStopped = false;
    const { states, of } = await run({
      apologize: apology((_, signal) => never<{ heardMs: number }>(signal).finally(() => (isStopped = true))),
    });
    expect(states).toEqual(['probing', 'apologizing.unheard', 'hangingUp']);
    expect(isStopped).toBe(true);
    expect(of('spoken')).toMatchObject([{ outcome: 'failed', heardMs: 0 }]);
  });

  test('that never ends is cut', async () => {
    const { states, of } = await run({
      apologize: apology((onAudible, signal) => {
        onAudible();
        return never(signal);
      }),
    });
    expect(states.at(-1)).toBe('hangingUp');
    expect(of('spoken')).toMatchObject([{ outcome: 'cut' }]);
  });
});
