/** Whose line was lost: the agent's, or its caller's. The room is a stand-in; its order of events is the client's. */
import { DisconnectReason, RoomEvent } from '@livekit/rtc-node';
import { expect, test } from 'vitest';
import { standInRoom, venueIn } from './stand-in-room.ts';

const somebody = (sid: string, disconnectReason?: DisconnectReason) => ({
  identity: 'caller',
  sid,
  info: {},
  attributes: {},
  trackPublications: new Map(),
  disconnectReason,
});

async function call() {
  const room = standInRoom([somebody('PA_1')], {});
  const sent: object[] = [];
  await venueIn(room, { send: (event) => sent.push(event) });
  const lose = (reason?: DisconnectReason) => room.emit(RoomEvent.ParticipantDisconnected, somebody('PA_1', reason));
  return { room, sent, lose };
}

test('D9 T32 an agent that has to join anew has lost its caller by its own line', async () => {
  const { room, sent, lose } = await call();
  room.emit(RoomEvent.Reconnecting);
  lose();
  room.emit(RoomEvent.ParticipantConnected, somebody('PA_2'));
  room.emit(RoomEvent.Reconnected);
  expect(sent).toEqual([{ type: 'caller.lost', isOwnLine: true }, { type: 'caller.returned' }]);
});

test('D9 T32 an agent that is back before its caller waits for the caller’s line from then on', async () => {
  const { room, sent, lose } = await call();
  room.emit(RoomEvent.Reconnecting);
  lose();
  room.emit(RoomEvent.Reconnected);
  room.emit(RoomEvent.ParticipantConnected, somebody('PA_2'));
  expect(sent).toEqual([
    { type: 'caller.lost', isOwnLine: true },
    { type: 'caller.lost' },
    { type: 'caller.returned' },
  ]);
});

test('D9 a caller who is lost after a reconnect of the agent was lost by a line of their own', async () => {
  const { room, sent, lose } = await call();
  room.emit(RoomEvent.Reconnecting);
  room.emit(RoomEvent.Reconnected);
  lose(DisconnectReason.SIGNAL_CLOSE);
  expect(sent).toEqual([{ type: 'caller.lost' }]);
});
