/** Who the caller is, in a room: the venue, RoomIO and the journal mean the same person. The room is a stand-in. */
import { EventEmitter } from 'node:events';
import type { voice } from '@livekit/agents';
import { DisconnectReason, ParticipantKind, RoomEvent, TrackKind, TrackSource } from '@livekit/rtc-node';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { standInRoom, venueIn } from './stand-in-room.ts';

const person = (identity: string, kind = ParticipantKind.STANDARD, attributes: Record<string, string> = {}) => ({
  identity,
  sid: `PA_${identity}`,
  info: { kind },
  attributes,
  metadata: '',
  trackPublications: new Map<string, object>(),
  disconnectReason: DisconnectReason.CLIENT_INITIATED,
});
type Person = ReturnType<typeof person>;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

async function roomWith(there: Person[], { isCallerNamed = false } = {}) {
  const published: string[] = [];
  const room = standInRoom(there, {
    localParticipant: {
      identity: 'agent',
      trackPublications: new Map(),
      publishTrack: async (track: { name: string }) => {
        published.push(track.name);
        return { waitForSubscription: async () => {} };
      },
    },
  });
  const sent: string[] = [];
  const noted: { kind: string; data: Record<string, unknown> }[] = [];
  const venue = await venueIn(room, {
    send: (event) => sent.push('end' in event ? `${event.type} ${event.end.reason}` : event.type),
    append: (kind, data) => noted.push({ kind, data: data as Record<string, unknown> }),
    isCallerNamed,
  });
  return {
    room,
    venue,
    sent,
    noted,
    published,
    comes: (one: Person) => {
      room.remoteParticipants.set(one.identity, one);
      room.emit(RoomEvent.ParticipantConnected, one);
    },
    goes: (one: Person) => {
      room.remoteParticipants.delete(one.identity);
      room.emit(RoomEvent.ParticipantDisconnected, one);
    },
    speaks: (one: Person) => {
      one.trackPublications.set('TR', { kind: TrackKind.KIND_AUDIO, source: TrackSource.SOURCE_MICROPHONE });
      room.emit(RoomEvent.TrackPublished, one.trackPublications.get('TR'), one);
    },
    callers: () => noted.filter(({ data }) => data['isCaller'] === true).map(({ data }) => data['identity']),
  };
}

/** RoomIO, as far as it is told whom to listen to. */
const standInSession = () => {
  const told: string[] = [];
  const io = Object.assign(new EventEmitter(), {
    isParticipantAvailable: false,
    onParticipantConnected: ({ identity }: Person) => {
      told.push(`linked ${identity}`);
      io.isParticipantAvailable = true;
    },
    setParticipant: (identity: string) => told.push(`listens to ${identity}`),
  });
  return { told, session: { _roomIO: io } as unknown as voice.AgentSession };
};
const identityIn = ({ inputOptions }: { inputOptions?: Partial<voice.RoomInputOptions> }) =>
  inputOptions?.participantIdentity;

describe('nobody is named', () => {
  test('O-C2 an observer is linked first, the caller speaks half a second later: the call is theirs, for RoomIO too', async () => {
    const observer = person('observer');
    const { venue, comes, speaks, callers, goes, sent, noted } = await roomWith([observer]);
    const { session, told } = standInSession();
    expect(identityIn(venue.wire(session, {}))).toBe('observer');
    const caller = person('caller');
    comes(caller);
    expect(venue.caller()?.identity).toBe('observer');
    speaks(caller);
    expect(venue.caller()?.identity).toBe('caller');
    expect(told).toEqual(['linked caller', 'listens to caller']);
    expect(callers()).toEqual(['observer', 'caller']);
    expect(noted.at(-1)?.data).toMatchObject({ change: 'linked', identity: 'caller', isCaller: true });
    goes(observer);
    expect(sent).toEqual([]);
    goes(caller);
    expect(sent).toEqual(['caller.left caller_hung_up']);
  });

  test('O-C2 an observer who leaves leaves the call to who is there; the last one to leave ends it', async () => {
    const [one, two] = [person('one'), person('two')];
    const { venue, goes, sent } = await roomWith([one, two]);
    goes(one);
    expect(venue.caller()?.identity).toBe('two');
    expect(venue.isCallerThere()).toBe(true);
    goes(two);
    expect(sent).toEqual(['caller.left caller_hung_up']);
  });

  test('O-C2 a caller who spoke and hangs up ends the call, whoever else is there', async () => {
    const caller = person('caller');
    const { speaks, goes, sent } = await roomWith([caller, person('colleague')]);
    speaks(caller);
    goes(caller);
    expect(sent).toEqual(['caller.left caller_hung_up']);
  });

  test('O-C2 a caller who is lost and has spoken is waited for, whoever speaks meanwhile', async () => {
    const [caller, colleague] = [person('caller'), person('colleague')];
    const { venue, speaks, goes, comes, sent } = await roomWith([caller, colleague]);
    speaks(caller);
    goes({ ...caller, disconnectReason: DisconnectReason.CONNECTION_TIMEOUT });
    speaks(colleague);
    expect(venue.isCallerThere()).toBe(false);
    comes({ ...caller, sid: 'PA_2' });
    expect(sent).toEqual(['caller.lost', 'caller.returned']);
  });

  test('O-C2 RoomIO is made before anybody is there: it links nobody by itself, and then whom we link', async () => {
    const { venue, comes } = await roomWith([]);
    const { session, told } = standInSession();
    const wired = venue.wire(session, {});
    expect(identityIn(wired)).toMatch(/^nobody yet /);
    comes(person('agent-2', ParticipantKind.AGENT));
    expect(told).toEqual([]);
    comes(person('caller'));
    expect(told).toEqual(['linked caller', 'listens to caller']);
    expect(identityIn(wired)).toBe('caller');
  });
});

describe('the options name somebody, and are known a moment later', () => {
  test('O-C2 who is linked meanwhile is said to be the caller nowhere, and ends nothing when they leave', async () => {
    const colleague = person('colleague');
    const { venue, comes, goes, sent, callers, noted } = await roomWith([colleague], { isCallerNamed: true });
    expect(venue.caller()?.identity).toBe('colleague'); // for the user's code to look at
    expect(callers()).toEqual([]);
    goes(colleague);
    comes(colleague);
    venue.expectCaller({ identity: 'caller' });
    expect(venue.caller()).toBeUndefined();
    goes(colleague);
    comes(person('caller'));
    expect(venue.caller()?.identity).toBe('caller');
    expect(callers()).toEqual(['caller']);
    await vi.advanceTimersByTimeAsync(5000);
    expect(sent).toEqual([]);
    expect(noted.filter(({ data }) => data['change'] === 'linked')).toEqual([]);
  });

  test('O-C2 it was the caller who was linked: they are, from the moment that this is known', async () => {
    const { venue, callers, noted } = await roomWith([person('caller')], { isCallerNamed: true });
    venue.expectCaller({ identity: 'caller' });
    expect(callers()).toEqual(['caller']);
    expect(noted.at(-1)?.data).toMatchObject({ change: 'linked', identity: 'caller' });
  });

  test('C8 O-C2 the caller hangs up before it is known whom the options name: told then, or after a second', async () => {
    for (const know of [true, false]) {
      const caller = person('caller');
      const { venue, goes, sent } = await roomWith([caller], { isCallerNamed: true });
      goes(caller);
      expect(sent).toEqual([]);
      if (know) venue.expectCaller({});
      else await vi.advanceTimersByTimeAsync(1000);
      expect(sent).toEqual(['caller.left caller_hung_up']);
      venue.expectCaller({});
      await vi.advanceTimersByTimeAsync(1000);
      expect(sent).toHaveLength(1);
    }
  });

  test('O-C2 the kinds are named: an agent is the caller, a person is not', async () => {
    const { venue } = await roomWith([person('colleague'), person('tester', ParticipantKind.AGENT)], {
      isCallerNamed: true,
    });
    venue.expectCaller({ kinds: [ParticipantKind.AGENT] });
    expect(venue.caller()?.identity).toBe('tester');
    expect(venue.isCallerThere()).toBe(true);
    expect(venue.whoIsThere()).toContain('expected one of the kinds agent');
  });
});

describe('a telephone', () => {
  const telephone = (status: string) => person('phone', ParticipantKind.SIP, { 'sip.callStatus': status });
  const picksUp = (room: EventEmitter, phone: Person) => {
    phone.attributes['sip.callStatus'] = 'active';
    room.emit(RoomEvent.ParticipantAttributesChanged, { 'sip.callStatus': 'active' }, phone);
  };

  test('O-C1 rings: whoever waits for it publishes a track, and goes on when it is picked up', async () => {
    const phone = telephone('ringing');
    const { venue, published, room } = await roomWith([phone]);
    expect(published).toEqual([]);
    const awaited = venue.awaitCaller(AbortSignal.timeout(60_000));
    await vi.waitFor(() => expect(published).toEqual(['lastword']));
    expect(venue.isCallerThere()).toBe(false);
    picksUp(room, phone);
    expect((await awaited).identity).toBe('phone');
  });

  test('O-C1 rings, and the session has a track of its own: a second one is not needed', async () => {
    const { venue, published, room } = await roomWith([telephone('ringing')]);
    await Reflect.get(room, 'localParticipant').publishTrack({ name: 'roomio_audio' });
    venue.awaitCaller(AbortSignal.timeout(60_000)).catch(() => {});
    await vi.advanceTimersByTimeAsync(1000);
    expect(published).toEqual(['roomio_audio']);
  });

  test('O-C1 was dialled: nothing is published for it, and it is there when it is picked up', async () => {
    const phone = telephone('dialing');
    const { venue, published, room, speaks } = await roomWith([phone]);
    const awaited = venue.awaitCaller(AbortSignal.timeout(60_000));
    speaks(phone); // gateways publish early
    phone.attributes['sip.callStatus'] = 'ringing';
    room.emit(RoomEvent.ParticipantAttributesChanged, { 'sip.callStatus': 'ringing' }, phone);
    await vi.advanceTimersByTimeAsync(1000);
    expect([published, venue.caller()]).toEqual([[], undefined]);
    picksUp(room, phone);
    expect((await awaited).identity).toBe('phone');
  });
});

describe('signs of life', () => {
  const digit = (room: EventEmitter, key: string, of?: Person) => room.emit(RoomEvent.DtmfReceived, 1, key, of);

  test('O-D1 each key of the caller is one; the journal says that there was a key, and which one only under pii', async () => {
    const [caller, other] = [person('caller'), person('other')];
    const { room, sent, noted, speaks } = await roomWith([caller, other]);
    speaks(caller);
    for (const key of ['4', '2', '#']) digit(room, key, caller);
    digit(room, '9', other);
    digit(room, '9'); // of somebody who is gone
    expect(sent).toEqual(['caller.acts', 'caller.acts', 'caller.acts']);
    const keys = noted.filter(({ kind }) => kind === 'key').map(({ data }) => data);
    expect(keys).toEqual(['4', '2', '#'].map((key) => ({ identity: 'caller', pii: { digit: key } })));
  });

  test('O-D1 data and attributes of the caller are; those of others, of servers and of LiveKit itself are not', async () => {
    const [caller, other] = [person('caller'), person('other', ParticipantKind.AGENT)];
    const { room, sent } = await roomWith([caller, other]);
    const payload = new Uint8Array(1);
    room.emit(RoomEvent.DataReceived, payload, caller, 0, 'form');
    room.emit(RoomEvent.DataReceived, payload, caller, 0);
    room.emit(RoomEvent.ParticipantAttributesChanged, { page: '2' }, caller);
    expect(sent).toHaveLength(3);
    room.emit(RoomEvent.DataReceived, payload, other, 0, 'form');
    room.emit(RoomEvent.DataReceived, payload, undefined, 0, 'form');
    room.emit(RoomEvent.DataReceived, payload, caller, 0, 'lk.transcription');
    room.emit(RoomEvent.ParticipantAttributesChanged, { page: '2' }, other);
    room.emit(RoomEvent.ParticipantAttributesChanged, { 'lk.state': 'x' }, caller);
    expect(sent).toEqual(['caller.acts', 'caller.acts', 'caller.acts']);
  });

  test('O-D1 streams and calls of methods are, and whoever handles them is handed them as before', async () => {
    const handlers = new Map<string, (reader: unknown, from: { identity: string }) => void>();
    const invoked: unknown[][] = [];
    const caller = person('caller');
    const room = standInRoom([caller], {
      registerTextStreamHandler: (topic: string, handle: () => void) => handlers.set(topic, handle),
      registerByteStreamHandler: (topic: string, handle: () => void) => handlers.set(topic, handle),
      localParticipant: {
        trackPublications: new Map(),
        publishTrack: async () => {},
        handleRpcMethodInvocation: async (...given: unknown[]) => void invoked.push(given),
      },
    });
    const sent: string[] = [];
    await venueIn(room, { send: ({ type }) => sent.push(type) });
    const handled: unknown[] = [];
    room.registerTextStreamHandler('lk.chat', (...given: unknown[]) => handled.push(given));
    room.registerByteStreamHandler('lk.agent.pre-connect-audio-buffer', (...given: unknown[]) => handled.push(given));
    for (const handle of handlers.values()) handle('reader', caller);
    expect(handled).toEqual([
      ['reader', caller],
      ['reader', caller],
    ]);
    await room.localParticipant.handleRpcMethodInvocation(1n, 'next', 'id', 'caller', '{}', 5);
    await room.localParticipant.handleRpcMethodInvocation(2n, 'next', 'id', 'agent-2', '{}', 5);
    expect(invoked.map((each) => each[0])).toEqual([1n, 2n]);
    expect(sent).toEqual(['caller.acts', 'caller.acts']);
  });
});
