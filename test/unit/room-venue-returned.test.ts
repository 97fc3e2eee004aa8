/** An agent that is back after a reconnect: is it heard again? The room is a stand-in. */
import { RoomEvent } from '@livekit/rtc-node';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { standInRoom, venueIn } from './stand-in-room.ts';

/** The bound that is promised in tracks.ts. */
const LIMIT_MS = 9000;
const sending = { publisherStats: [{ stats: { case: 'outboundRtp' } }], subscriberStats: [] };
const silent = { publisherStats: [{ stats: { case: 'transport' } }], subscriberStats: [] };

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** @param stats what the client says after the reconnect, look by look; the last one stays */
async function reconnected(stats: (() => Promise<object>)[], { hasPublished = true } = {}) {
  const room = standInRoom([], {
    localParticipant: { publishTrack: async () => {}, trackPublications: new Map(hasPublished ? [['TR_1', {}]] : []) },
    getRtcStats: async () => (stats.length > 1 ? stats.shift() : stats[0])?.(),
  });
  const sent: object[] = [];
  const noted: object[] = [];
  await venueIn(room, {
    send: (event) => sent.push(event),
    append: (kind, data) => (kind === 'error' ? noted.push(data) : 0),
  });
  room.emit(RoomEvent.Reconnected);
  return { room, sent, noted };
}
const message = 'after the reconnect the audio of the agent was not published again';

test('T58 an agent that is back and sends nothing any more lets its caller go, by the fault of the platform', async () => {
  const { sent, noted } = await reconnected([async () => silent]);
  await vi.advanceTimersByTimeAsync(LIMIT_MS);
  const end = { by: 'system', reason: 'caller_lost', fault: 'platform', detail: message };
  expect(sent).toEqual([{ type: 'caller.left', end }]);
  expect(noted).toEqual([{ component: 'track', message, recoverable: false }]);
});

test.each([
  ['whose audio comes with the third look', [async () => silent, async () => silent, async () => sending], {}],
  ['that publishes nothing, or no more', [async () => silent], { hasPublished: false }],
  ['whose client fails when it is asked', [async () => Promise.reject(new Error('no statistics'))], {}],
  ['whose client never answers', [() => new Promise<object>(() => {})], {}],
])('T58 an agent %s goes on', async (_, stats, wish) => {
  const { sent, noted } = await reconnected(stats, wish);
  await vi.advanceTimersByTimeAsync(2 * LIMIT_MS);
  expect([sent, noted]).toEqual([[], []]);
});

test('T58 an agent that loses the room meanwhile has that reason, and no second one', async () => {
  const { room, sent } = await reconnected([async () => silent]);
  room.isConnected = false;
  await vi.advanceTimersByTimeAsync(2 * LIMIT_MS);
  expect(sent).toEqual([]);
});

test('T58 the agent joins with one connection for each way, and with all that the SDK asks for', async () => {
  const asked: unknown[] = [];
  const room = standInRoom([], { connect: async (...given: unknown[]) => void asked.push(...given) });
  const connect = () => room.connect('ws://there', 'token', { autoSubscribe: true, dynacast: false });
  await venueIn(room, { send: () => {}, connect });
  expect(asked).toEqual(['ws://there', 'token', { autoSubscribe: true, dynacast: false, singlePeerConnection: false }]);
});
