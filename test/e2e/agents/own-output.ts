/**
 * What an avatar's worker is to a session: an audio output of the user's that publishes a track of its own, takes what
 * it is given at once, and never says that it began; only, in the end, how much was played.
 */
import { voice } from '@livekit/agents';
import {
  type AudioFrame,
  AudioSource,
  LocalAudioTrack,
  type Room,
  TrackPublishOptions,
  TrackSource,
} from '@livekit/rtc-node';

const SAMPLE_RATE = 24_000;
/** Whole lines fit. */
const QUEUE_MS = 60_000;

export class OwnOutput extends voice.AudioOutput {
  readonly #source = new AudioSource(SAMPLE_RATE, 1, QUEUE_MS);
  #pushedMs = 0;

  constructor() {
    super(SAMPLE_RATE, undefined, { pause: false });
  }

  async publish(room: Room): Promise<void> {
    const track = LocalAudioTrack.createAudioTrack('avatar', this.#source);
    const options = new TrackPublishOptions({ source: TrackSource.SOURCE_MICROPHONE });
    await room.localParticipant?.publishTrack(track, options);
  }

  override async captureFrame(frame: AudioFrame): Promise<void> {
    await super.captureFrame(frame);
    this.#pushedMs += (frame.samplesPerChannel * 1000) / frame.sampleRate;
    await this.#source.captureFrame(frame);
  }

  override flush(): void {
    super.flush();
    if (this.#pushedMs === 0) return;
    void this.#source.waitForPlayout().then(() => this.#finish(false));
  }

  override clearBuffer(): void {
    if (this.#pushedMs === 0) return;
    super.flush();
    this.#finish(true);
  }

  #finish(interrupted: boolean): void {
    const pushedMs = this.#pushedMs;
    if (pushedMs === 0) return; // cut, and waited for as well
    this.#pushedMs = 0;
    const playedMs = interrupted ? pushedMs - this.#source.queuedDuration : pushedMs;
    if (interrupted) this.#source.clearQueue();
    this.onPlaybackFinished({ playbackPosition: Math.max(0, playedMs) / 1000, interrupted });
  }
}
