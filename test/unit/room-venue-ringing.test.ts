/** A telephone that rings in a room, and what becomes of the call when it stops: the room is a stand-in. */
import { EventEmitter } from 'node:events';
import type { JobContext } from '@livekit/agents';
import { DisconnectReason, ParticipantKind, RoomEvent } from '@livekit/rtc-node';
import { expect, test } from 'vitest';
import { roomVenue } from '../../src/livekit/room-venue.ts';

const telephone = (identity: string) => ({
  identity,
  sid: `PA_${identity}`,
  info: { kind: ParticipantKind.SIP },
  attributes: { 'sip.callStatus': 'ringing' } as Record<string, string>,
  metadata: '',
  disconnectReason: DisconnectReason.CLIENT_INITIATED,
});

async function ringing(...identities: string[]) {
  const telephones = identities.map(telephone);
  const room = Object.assign(new EventEmitter(), {
    name: 'room',
    isConnected: true,
    metadata: '',
    remoteParticipants: new Map(telephones.map((each) => [each.identity, each])),
    getSid: async () => 'RM_1',
  });
  const sent: string[] = [];
  const noted: object[] = [];
  const context = {
    room,
    job: { room: { name: 'room', sid: 'RM_1' } },
    info: { url: 'ws://127.0.0.1:1', apiKey: 'key', apiSecret: 'secret-of-at-least-thirty-two-bytes' },
    connect: async () => {},
  };
  const venue = roomVenue(context as unknown as JobContext, {
    send: (event) => sent.push('end' in event ? `${event.end.by} ${event.end.reason} ${event.end.fault}` : event.type),
    recorder: { append: (kind, data) => noted.push({ kind, data }), durable: async () => {} },
  });
  await venue.connect(AbortSignal.timeout(5000));
  const there = (identity: string) => room.remoteParticipants.get(identity) ?? telephone(identity);
  return {
    sent,
    noted,
    venue,
    stops: (identity: string, disconnectReason: DisconnectReason) => {
      const gone = { ...there(identity), disconnectReason };
      room.remoteParticipants.delete(identity);
      room.emit(RoomEvent.ParticipantDisconnected, gone);
    },
    picksUp: (identity: string) => {
      const attributes = { 'sip.callStatus': 'active' };
      Object.assign(there(identity).attributes, attributes);
      room.emit(RoomEvent.ParticipantAttributesChanged, attributes, there(identity));
    },
  };
}

test.each([
  ['is not answered', DisconnectReason.USER_UNAVAILABLE, 'caller never_joined caller'],
  ['is refused', DisconnectReason.USER_REJECTED, 'caller caller_hung_up none'],
  ['cannot be reached', DisconnectReason.SIP_TRUNK_FAILURE, 'system caller_lost platform'],
])('A6 C13 a telephone that %s: the call is over at once, with the reason that LiveKit gives', async (_, why, end) => {
  const { stops, sent } = await ringing('phone');
  stops('phone', why);
  expect(sent).toEqual([end]);
});

test('C13 G5 one of two telephones stops ringing: the other may still be picked up', async () => {
  const { stops, picksUp, sent, venue } = await ringing('desk', 'mobile');
  stops('desk', DisconnectReason.USER_UNAVAILABLE);
  expect(sent).toEqual([]);
  picksUp('mobile');
  expect(venue.caller()?.identity).toBe('mobile');
});

test('C13 a telephone whose connection is lost while it rings may come back', async () => {
  const { stops, sent } = await ringing('phone');
  stops('phone', DisconnectReason.CONNECTION_TIMEOUT);
  expect(sent).toEqual([]);
});

test('G9 a telephone is the caller from the moment it is picked up, and the journal says when', async () => {
  const { picksUp, noted, venue } = await ringing('phone');
  const about = () => noted.map((entry) => (entry as { data: { change?: string; isCaller?: boolean } }).data);
  expect(venue.isCallerThere()).toBe(false);
  expect(about()).toContainEqual(expect.objectContaining({ change: 'joined', isCaller: false }));
  picksUp('phone');
  expect(venue.isCallerThere()).toBe(true);
  expect(about().at(-1)).toMatchObject({ change: 'attributes', identity: 'phone', kind: 'sip', isCaller: true });
});
