/**
 * Many callers in one process: they join at the same moment, and say when each heard the first sound. A caller of the
 * end-to-end lane decodes what it hears and takes a sixth of a core, so ten of them would measure each other; for the
 * same reason these have no microphone.
 *
 * Started by burst.ts with `{ url, tokens, patienceMs }`; answers `{ greetedMs }` when all have heard something or the
 * patience is over, NaN (as null) for who has not.
 */
import { AudioStream, type RemoteTrack, Room, RoomEvent, TrackKind } from '@livekit/rtc-node';
import { setTimeout as sleep } from 'node:timers/promises';

export type Burst = { url: string; tokens: string[]; patienceMs: number };
export type Greeted = { greetedMs: (number | null)[] };

const RATE = 16_000;
/** Of 32,768: speech and coded tones are far above it, what a codec makes of silence far below. */
const LOUD = 1_000;

async function hear(track: RemoteTrack): Promise<void> {
  const frames = new AudioStream(track, { sampleRate: RATE, numChannels: 1, frameSizeMs: 20 });
  for await (const { data } of frames) if (data.some((sample) => Math.abs(sample) > LOUD)) return;
}

async function call(url: string, token: string): Promise<number> {
  const room = new Room();
  const first = new Promise<void>((resolve) => {
    room.on(RoomEvent.TrackSubscribed, (track) => {
      if (track.kind === TrackKind.KIND_AUDIO) void hear(track).then(resolve);
    });
  });
  await room.connect(url, token, { autoSubscribe: true, dynacast: false });
  const joinedAt = performance.now();
  await first;
  return performance.now() - joinedAt;
}

process.once('message', (burst: Burst) => {
  const patience = sleep(burst.patienceMs, null);
  const calls = burst.tokens.map((token) =>
    Promise.race([
      call(burst.url, token).catch((error: unknown) => {
        console.error(error);
        return null;
      }),
      patience,
    ]),
  );
  void Promise.all(calls).then((greetedMs) => process.send?.({ greetedMs } satisfies Greeted, () => process.exit(0)));
});
process.send?.('ready');
