/**
 * A short-lived process that says one sentence: joins a room, plays a WAV file, leaves. The keeper forks it when no
 * agent is left to speak, and kills it when it is late; so there are no deadlines here but the one for a listener.
 *
 * It imports only what it needs to be heard 0.35 s after its birth. Keys come by message: a command line can be read
 * by every user of the machine.
 */
/* oxlint-disable no-restricted-imports -- the keeper itself holds no WebRTC: this is a process of its own */
import {
  AudioFrame,
  AudioSource,
  dispose,
  LocalAudioTrack,
  Room,
  TrackPublishOptions,
  TrackSource,
} from '@livekit/rtc-node';
import { AccessToken } from 'livekit-server-sdk';
import type { LiveKitAccess } from '../link/messages.ts';
import { dropNativeLog } from '../output/drop-native-log.ts';
import { readWav } from '../sound/wav.ts';
import { messageOf } from '../errors/thrown.ts';

export type ApologistRequest = { access: LiveKitAccess; room: string; audio: string; subscriptionMs: number };
export type ApologistReport =
  | { type: 'audible' }
  | { type: 'played'; heardMs: number }
  | { type: 'failed'; message: string };

dropNativeLog();

const FRAME_MS = 20;
/** What the caller's buffers still hold when the last frame is out; less clips the last syllable. */
const TAIL_MS = 120;

const say = (report: ApologistReport) =>
  new Promise<void>((resolve) => {
    if (!process.send) return resolve();
    process.send(report, () => resolve());
  });
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

async function speak({ access, room: name, audio, subscriptionMs }: ApologistRequest): Promise<number> {
  const { sampleRate, samples } = readWav(audio);
  const token = new AccessToken(access.apiKey, access.apiSecret, { identity: `lastword-${process.pid}`, ttl: 60 });
  token.addGrant({ room: name, roomJoin: true, roomCreate: false, canPublish: true, canSubscribe: false });
  const room = new Room();
  await room.connect(access.url, await token.toJwt(), { autoSubscribe: false, dynacast: false });
  try {
    const source = new AudioSource(sampleRate, 1);
    const publication = await room.localParticipant?.publishTrack(
      LocalAudioTrack.createAudioTrack('apology', source),
      new TrackPublishOptions({ source: TrackSource.SOURCE_MICROPHONE }),
    );
    // What plays before somebody listens is lost; what waits for nobody keeps the room open.
    const isHeard = await Promise.race([
      publication?.waitForSubscription().then(() => true),
      pause(subscriptionMs).then(() => false),
    ]);
    if (isHeard !== true) throw new Error(`nobody subscribed within ${subscriptionMs} ms`);
    const perFrame = (sampleRate * FRAME_MS) / 1_000;
    for (let at = 0; at < samples.length; at += perFrame) {
      const frame = samples.slice(at, at + perFrame); // a view is sent from the start of its buffer: silence
      await source.captureFrame(new AudioFrame(frame, sampleRate, 1, frame.length));
      if (at === 0) await say({ type: 'audible' });
    }
    await source.waitForPlayout();
    await pause(TAIL_MS);
    return Math.round((samples.length * 1_000) / sampleRate);
  } finally {
    await room.disconnect().catch(() => undefined);
  }
}

process.once('disconnect', () => process.exit(1)); // the keeper is dead: nobody would end this
process.once('message', (request) => {
  void (async () => {
    try {
      await say({ type: 'played', heardMs: await speak(request as ApologistRequest) });
    } catch (error) {
      await say({ type: 'failed', message: messageOf(error) });
    }
    await dispose().catch(() => undefined);
    process.exit(0);
  })();
});
