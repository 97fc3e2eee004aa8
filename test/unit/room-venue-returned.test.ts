/** An agent that is back after a reconnect: is it heard again? The room is a stand-in. */
import { EventEmitter } from 'node:events';
import type { JobContext } from '@livekit/agents';
import { RoomEvent } from '@livekit/rtc-node';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { roomVenue } from '../../src/livekit/room-venue.ts';

/** The bound that is promised in tracks.ts. */
const LIMIT_MS = 9000;
const sending = { publisherStats: [{ stats: { case: 'outboundRtp' } }], subscriberStats: [] };
const silent = { publisherStats: [{ stats: { case: 'transport' } }], subscriberStats: [] };

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** @param stats what the client says after the reconnect, look by look; the last one stays */
async function reconnected(stats: (() => Promise<object>)[], { hasPublished = true } = {}) {
  const publication = { waitForSubscription: async () => {} };
  const room = Object.assign(new EventEmitter(), {
    name: 'room',
    isConnected: true,
    metadata: '',
    remoteParticipants: new Map(),
    localParticipant: { publishTrack: async ({ name }: { name: string }) => ({ ...publication, name }) },
    getSid: async () => 'RM_1',
    getRtcStats: async () => (stats.length > 1 ? stats.shift() : stats[0])?.(),
  });
  const sent: object[] = [];
  const noted: object[] = [];
  const context = {
    room,
    job: { room: { name: 'room', sid: 'RM_1' } },
    info: { url: 'ws://127.0.0.1:1', apiKey: 'key', apiSecret: 'secret-of-at-least-thirty-two-bytes' },
    connect: async () => {},
  };
  const venue = roomVenue(context as unknown as JobContext, {
    send: (event) => sent.push(event),
    recorder: { append: (kind, data) => (kind === 'error' ? noted.push(data) : 0), durable: async () => {} },
  });
  await venue.connect(AbortSignal.timeout(5000));
  if (hasPublished) await room.localParticipant.publishTrack({ name: 'roomio_audio' });
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
  ['that has published nothing so far', [async () => silent], { hasPublished: false }],
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
