/** A telephone that rings in a room, and what becomes of the call when it stops: the room is a stand-in. */
import { DisconnectReason, ParticipantKind, RoomEvent } from '@livekit/rtc-node';
import { expect, test } from 'vitest';
import { standInRoom, venueIn } from './stand-in-room.ts';

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
  const room = standInRoom(telephones, {});
  const sent: string[] = [];
  const noted: object[] = [];
  const venue = await venueIn(room, {
    send: (event) => sent.push('end' in event ? `${event.end.by} ${event.end.reason} ${event.end.fault}` : event.type),
    append: (kind, data) => noted.push({ kind, data }),
  });
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
