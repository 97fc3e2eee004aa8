/**
 * An audio output without a loudspeaker: frames count as played at the pace of real time. What the session, the
 * goodbye and the report learn from it is what they would learn from a room.
 */
import { voice } from '@livekit/agents';
import type { AudioFrame } from '@livekit/rtc-node';
import type { Pcm } from '../venue.ts';

/** For whoever listens: sound as it comes, which is quicker than it plays; `hush`: the rest of it is cut. */
export type Hear = (sound: Pcm | 'hush') => void;

export class PacedOutput extends voice.AudioOutput {
  readonly #hear: Hear;
  #startedAt = 0;
  #pushedMs = 0;
  #end: NodeJS.Timeout | undefined;

  constructor(hear: Hear = () => {}) {
    super(24_000, undefined, { pause: false });
    this.#hear = hear;
  }

  override async captureFrame(frame: AudioFrame): Promise<void> {
    await super.captureFrame(frame);
    this.#hear({ samples: frame.data, sampleRate: frame.sampleRate });
    if (this.#pushedMs === 0) {
      this.#startedAt = Date.now();
      this.onPlaybackStarted(this.#startedAt);
    }
    this.#pushedMs += (frame.samplesPerChannel * 1000) / frame.sampleRate;
  }

  override flush(): void {
    super.flush();
    if (this.#pushedMs === 0 || this.#end) return;
    this.#end = setTimeout(
      () => this.#finish(this.#pushedMs, false),
      Math.max(0, this.#startedAt + this.#pushedMs - Date.now()),
    );
  }

  override clearBuffer(): void {
    if (this.#pushedMs === 0) return;
    super.flush();
    this.#hear('hush');
    clearTimeout(this.#end);
    this.#finish(Math.min(this.#pushedMs, Date.now() - this.#startedAt), true);
  }

  #finish(playedMs: number, interrupted: boolean): void {
    this.#end = undefined;
    this.#pushedMs = 0;
    this.onPlaybackFinished({ playbackPosition: playedMs / 1000, interrupted });
  }
}
