import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { defaultPolicy, type End } from '../../machines/index.ts';
import type { Entry, EntryData, EntryKind } from '../../src/journal/entry.ts';
import { recover, type Apologize, type RecoveryRequest } from '../../src/keeper/recover.ts';
import type { HangUpRequest, HangUpResult, Occupant, Rooms } from '../../src/rooms/rooms.ts';

const log = pino({ level: 'silent' });
const policy = { ...defaultPolicy, probeMs: 40, apologistMs: 60, apologyMs: 200, hangUpMs: 60, sealMs: 60 };
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
  async occupants(_room: string, signal: AbortSignal) {
    return this.isHung ? await never<Occupant[]>(signal) : this.list;
  }
  async hangUp(request: HangUpRequest) {
    this.hangUps.push(request);
    if (!this.isHung) return this.answer;
    await never(request.signal).catch(() => undefined);
    return { verified: false, attempts: 3, left: ['caller'], error: 'stopped' };
  }
  remove = () => Promise.resolve();
  dispatch = () => Promise.reject(new Error('nothing is dispatched here'));
  sid: string | undefined = 'RM_1';
  sidOf = () => Promise.resolve(this.sid);
}

const run = async (wish: Partial<RecoveryRequest> & { rooms?: Rooms | null } = {}) => {
  const rooms = new FakeRooms();
  const entries: Entry[] = [];
  const seals: boolean[] = [];
  const request: RecoveryRequest = {
    room: 'room',
    roomSid: 'RM_1',
    agent: 'agent-1',
    caller: 'caller',
    policy,
    hangUp: { normal: 'remove-caller', failure: 'delete-room', transfer: 'leave' },
    end: null,
    isReleased: false,
    isUnopened: false,
    rooms,
    apologize: undefined,
    seal: async (isHangUpOwed) => void seals.push(isHangUpOwed),
    notes: {
      append: <Kind extends EntryKind>(kind: Kind, data: EntryData[Kind]) =>
        void entries.push({ seq: entries.length + 1, at: Date.now(), kind, data } as Entry),
    },
    log,
    ...wish,
  };
  const result = await recover(request);
  const states = entries.flatMap((entry) => (entry.kind === 'transition' ? entry.data.to : []));
  const of = <Kind extends EntryKind>(kind: Kind) =>
    entries.filter((entry) => entry.kind === kind).map((entry) => entry.data as EntryData[Kind]);
  return { ...result, rooms, entries, states, seals: seals.length, sealedOwing: seals[0], of };
};

describe('a dead session', () => {
  test('is hung up on as failures are, verified and sealed, and all of it is noted', async () => {
    const { rooms, states, seals, isHangUpOwed, of } = await run();
    expect(rooms.hangUps).toMatchObject([
      { room: 'room', strategy: 'delete-room', caller: 'caller', agent: 'agent-1' },
    ]);
    expect(states).toEqual(['probing', 'hangingUp', 'sealing']);
    expect(seals).toBe(1);
    expect(isHangUpOwed).toBe(false);
    expect(of('hangup')).toMatchObject([{ strategy: 'delete-room', verified: true }]);
    expect(of('effect').map(({ name, phase }) => `${name} ${phase}`)).toEqual([
      'probe requested',
      'probe settled',
      'hangUp requested',
      'hangUp settled',
      'seal requested',
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

  test('whose caller was released already is only sealed', async () => {
    const { rooms, states, seals } = await run({ isReleased: true });
    expect(rooms.hangUps).toEqual([]);
    expect(states).toEqual(['probing', 'sealing']);
    expect(seals).toBe(1);
  });

  test('without LiveKit is only sealed', async () => {
    const { states, of, isHangUpOwed } = await run({ rooms: null });
    expect(states).toEqual(['probing', 'sealing']);
    expect(of('hangup')).toEqual([]);
    expect(isHangUpOwed).toBe(false);
  });

  test('C3 a dead session is hung up on and sealed within the limits when LiveKit does not answer, and the hang-up is owed', async () => {
    const rooms = new FakeRooms();
    rooms.isHung = true;
    const begun = performance.now();
    const { states, seals, isHangUpOwed } = await run({ rooms });
    expect(performance.now() - begun).toBeLessThan(2_000);
    expect(states).toEqual(['probing', 'hangingUp', 'sealing']);
    expect(seals).toBe(1);
    expect(isHangUpOwed).toBe(true);
  });

  test('C3 a hang-up of a dead session that LiveKit does not confirm is owed', async () => {
    const rooms = new FakeRooms();
    rooms.answer = { verified: false, attempts: 2, left: ['caller'] };
    const { isHangUpOwed, sealedOwing, of } = await run({ rooms });
    expect(isHangUpOwed).toBe(true);
    expect(sealedOwing).toBe(true); // whoever seals writes it down first
    expect(of('hangup')).toMatchObject([{ verified: false, left: ['caller'] }]);
  });

  test('does not wait for a seal that is late', async () => {
    const { states } = await run({ seal: () => new Promise(() => undefined) });
    expect(states.at(-1)).toBe('sealing');
  });

  test('A25 a dead session with a telephone in its room has it removed first, and LiveKit is asked for it once', async () => {
    const rooms = new FakeRooms();
    rooms.list = [{ ...caller, identity: 'phone', kind: 'sip' }, ghost];
    await run({ rooms });
    expect(rooms.hangUps).toMatchObject([{ strategy: 'delete-room', roomSid: 'RM_1', sip: ['phone'] }]);
  });

  test('C5 a session that never opened leaves a room alone in which another agent speaks', async () => {
    const { rooms, seals, isHangUpOwed } = await run({ isUnopened: true });
    expect(rooms.hangUps).toEqual([]);
    expect(seals).toBe(1);
    expect(isHangUpOwed).toBe(false);
  });
});

describe('a room that was made anew', () => {
  test('C5 a room that was made anew under the same name is another call, and is left alone', async () => {
    const rooms = new FakeRooms();
    rooms.sid = 'RM_2';
    const { seals, isHangUpOwed } = await run({ rooms });
    expect(rooms.hangUps).toEqual([]);
    expect(seals).toBe(1);
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
    expect(states).toEqual(['probing', 'apologizing.unheard', 'apologizing.playing', 'hangingUp', 'sealing']);
    expect(of('spoken')).toMatchObject([{ line: 'apology', rung: 'bundled', outcome: 'played', heardMs: 1_500 }]);
  });

  test('is not said when nobody is there', async () => {
    const rooms = new FakeRooms();
    rooms.list = [ghost];
    const { states } = await run({ rooms, apologize: apology(() => Promise.reject(new Error('not to be asked'))) });
    expect(states).toEqual(['probing', 'hangingUp', 'sealing']);
  });

  test('that is not heard in time is given up, and its child is told', async () => {
    let isStopped = false;
    const { states, of } = await run({
      apologize: apology((_, signal) => never<{ heardMs: number }>(signal).finally(() => (isStopped = true))),
    });
    expect(states).toEqual(['probing', 'apologizing.unheard', 'hangingUp', 'sealing']);
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
    expect(states.at(-2)).toBe('hangingUp');
    expect(of('spoken')).toMatchObject([{ outcome: 'cut' }]);
  });
});
