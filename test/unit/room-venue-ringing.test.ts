/** A telephone that rings in a room, and what becomes of the call when it stops: the room is a stand-in. */
import { DisconnectReason, ParticipantKind, RoomEvent } from '@livekit/rtc-node';
import { expect, test } from 'vitest';
import { standInRoom, venueIn } from './stand-in-room.ts';

const telephone = (status: string, identity: string) => ({
  identity,
  sid: `PA_${identity}`,
  info: { kind: ParticipantKind.SIP },
  attributes: { 'sip.callStatus': status } as Record<string, string>,
  metadata: '',
  trackPublications: new Map(),
  disconnectReason: DisconnectReason.CLIENT_INITIATED,
});

async function ringing(status: 'ringing' | 'dialing', ...identities: string[]) {
  const telephones = identities.map((identity) => telephone(status, identity));
  const room = standInRoom(telephones, {});
  const sent: string[] = [];
  const noted: object[] = [];
  const venue = await venueIn(room, {
    send: (event) => sent.push('end' in event ? `${event.end.by} ${event.end.reason} ${event.end.fault}` : event.type),
    append: (kind, data) => noted.push({ kind, data }),
  });
  const there = (identity: string) => room.remoteParticipants.get(identity) ?? telephone(status, identity);
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

const ways = ['dialing', 'ringing'] as const;

test.each(
  ways.flatMap((way) => [
    [way, 'is not answered', DisconnectReason.USER_UNAVAILABLE, 'caller never_joined caller'] as const,
    [way, 'is refused', DisconnectReason.USER_REJECTED, 'caller caller_hung_up none'] as const,
    [way, 'cannot be reached', DisconnectReason.SIP_TRUNK_FAILURE, 'system caller_lost platform'] as const,
  ]),
)(
  'A6 C13 a telephone (%s) that %s: the call is over at once, with the reason that LiveKit gives',
  async (way, _, why, end) => {
    const { stops, sent } = await ringing(way, 'phone');
    stops('phone', why);
    expect(sent).toEqual([end]);
  },
);

test.each(ways)('C13 G5 one of two telephones (%s) stops: the other may still be picked up', async (way) => {
  const { stops, picksUp, sent, venue } = await ringing(way, 'desk', 'mobile');
  stops('desk', DisconnectReason.USER_UNAVAILABLE);
  expect(sent).toEqual([]);
  picksUp('mobile');
  expect(venue.caller()?.identity).toBe('mobile');
});

test.each(ways)('C13 a telephone (%s) whose connection is lost before it is picked up may come back', async (way) => {
  const { stops, sent } = await ringing(way, 'phone');
  stops('phone', DisconnectReason.CONNECTION_TIMEOUT);
  expect(sent).toEqual([]);
});

test('G9 a telephone that was dialled is the caller from the moment it is picked up, and the journal says when', async () => {
  const { picksUp, noted, venue } = await ringing('dialing', 'phone');
  const about = () => noted.map((entry) => (entry as { data: { change?: string; isCaller?: boolean } }).data);
  expect(venue.isCallerThere()).toBe(false);
  expect(about()).toContainEqual(expect.objectContaining({ change: 'joined', isCaller: false }));
  picksUp('phone');
  expect(venue.isCallerThere()).toBe(true);
  expect(about().at(-1)).toMatchObject({ change: 'attributes', identity: 'phone', kind: 'sip', isCaller: true });
});

test('G9 O-C1 an inbound telephone is the caller from the moment it rings, and there from the moment it is picked up', async () => {
  const { picksUp, noted, venue } = await ringing('ringing', 'phone');
  const about = () => noted.map((entry) => (entry as { data: object }).data);
  expect(venue.caller()?.identity).toBe('phone');
  expect(venue.isCallerThere()).toBe(false);
  expect(about()).toContainEqual(expect.objectContaining({ change: 'joined', isCaller: true, isRinging: true }));
  picksUp('phone');
  expect(venue.isCallerThere()).toBe(true);
  expect(about().at(-1)).toMatchObject({ change: 'attributes', identity: 'phone', isCaller: true });
  expect(about().at(-1)).not.toHaveProperty('isRinging');
});
