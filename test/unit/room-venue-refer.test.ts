/** A SIP caller who leaves in the middle of a REFER: the room is a stand-in, and so is the server that is asked. */
import { DisconnectReason, ParticipantKind, RoomEvent } from '@livekit/rtc-node';
import { expect, test, vi } from 'vitest';
import { defaultPolicy } from '../../machines/index.ts';
import { standInRoom, venueIn } from './stand-in-room.ts';
import { startStandIn, type Misbehaviour } from './twirp-stand-in.ts';

/** The caller is on the line; `refer` asks for the transfer, `leaves` is their departure. */
async function onTheLine(...answers: Misbehaviour[]) {
  const server = await startStandIn();
  server.rooms.set('room', [{ identity: 'phone', sid: 'PA_1', kind: 'SIP' }]);
  server.next('TransferSIPParticipant', ...answers);
  const phone = {
    identity: 'phone',
    sid: 'PA_1',
    info: { kind: ParticipantKind.SIP },
    attributes: { 'sip.callStatus': 'active' },
    metadata: '',
    trackPublications: new Map(),
    disconnectReason: DisconnectReason.CLIENT_INITIATED,
  };
  const room = standInRoom([phone], {});
  const sent: string[] = [];
  const venue = await venueIn(room, {
    send: (event) => sent.push('end' in event ? `${event.type} ${event.end.reason}` : event.type),
    url: server.url,
  });
  return {
    sent,
    refer: (graceMs = defaultPolicy.callerGraceMs) =>
      venue.refer('tel:+15550100', { graceMs }, AbortSignal.timeout(5000)),
    leaves: () => {
      room.remoteParticipants.delete('phone');
      room.emit(RoomEvent.ParticipantDisconnected, phone);
    },
    vanishes: () => {
      room.remoteParticipants.delete('phone');
      room.emit(RoomEvent.ParticipantDisconnected, { ...phone, disconnectReason: DisconnectReason.CONNECTION_TIMEOUT });
    },
    closes: () => room.emit(RoomEvent.Disconnected, DisconnectReason.ROOM_CLOSED),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

test('D8 the caller goes where they were referred to: lost meanwhile, and never a hang-up of theirs', async () => {
  await using line = await onTheLine();
  const referral = line.refer();
  line.leaves();
  expect(line.sent).toEqual(['caller.lost']);
  expect(await referral).toEqual({ outcome: 'transferred' });
  expect(line.sent).toEqual(['caller.lost']);
});

test('D8 the caller hangs up while the destination refuses: it was a hang-up, told once that is known', async () => {
  await using line = await onTheLine({ status: 503, message: 'planted', meta: { sip_status_code: '486' } });
  const referral = line.refer();
  line.leaves();
  expect(line.sent).toEqual(['caller.lost']);
  expect((await referral).outcome).toBe('busy');
  expect(line.sent).toEqual(['caller.lost', 'caller.left caller_hung_up']);
});

test.each([defaultPolicy.callerGraceMs, 2000])(
  'D8 the caller hangs up while the destination rings on and on: a hang-up, told before their grace of %i ms is over',
  async (graceMs) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      await using line = await onTheLine('hang');
      void line.refer(graceMs);
      line.leaves();
      vi.advanceTimersByTime(graceMs - 1);
      expect(line.sent).toEqual(['caller.lost', 'caller.left caller_hung_up']);
    } finally {
      vi.useRealTimers();
    }
  },
);

test('D8 without a transfer a departure is a hang-up at once', async () => {
  await using line = await onTheLine();
  line.leaves();
  expect(line.sent).toEqual(['caller.left caller_hung_up']);
});

test('D1 T31 the caller vanishes and LiveKit closes the empty room before their grace is over: the caller was lost', async () => {
  await using line = await onTheLine();
  line.vanishes();
  line.closes();
  expect(line.sent).toEqual(['caller.lost', 'caller.left caller_lost']);
});
