/** The track of our own, with real audio sources; a room that publishes at once stands in for LiveKit's. */
import type { Room } from '@livekit/rtc-node';
import { expect, test } from 'vitest';
import { ownTrack } from '../../src/livekit/own-track.ts';
import type { Pcm } from '../../src/livekit/venue.ts';

const RATE = 24_000;
const room = {
  isConnected: true,
  localParticipant: { publishTrack: async () => ({ waitForSubscription: async () => {} }) },
} as unknown as Room;

async function* loud(ms: number): AsyncIterable<Pcm> {
  yield { sampleRate: RATE, samples: new Int16Array((RATE * ms) / 1000).fill(8000) };
}
const never = new AbortController().signal;

test.each([0, 100, 200, 300, 500, 700])(
  'a line that cuts another one is heard whole, whatever waits in the queue (after %d ms)',
  async (afterMs) => {
    const track = ownTrack(room);
    const first = track.play(loud(2000), never, () => {});
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    const [cut, whole] = await Promise.all([first, track.play(loud(300), never, () => {})]);
    expect(cut.heardMs).toBeLessThan(1500);
    expect(whole).toMatchObject({ heardMs: 300, plannedMs: 300 });
    await track.close();
  },
);

test('a line that begins when another one was hushed is heard whole', async () => {
  const track = ownTrack(room);
  for (let round = 0; round < 10; round += 1) {
    const first = track.play(loud(2000), never, () => {});
    await new Promise((resolve) => setTimeout(resolve, 450 + round));
    track.hush();
    await first;
    expect(await track.play(loud(100), never, () => {})).toMatchObject({ heardMs: 100, plannedMs: 100 });
  }
  await track.close();
});
