/** An audio output like those that users bring: it plays at the pace of real time, and tells of it what it wants. */
import { voice } from '@livekit/agents';
import type { AudioFrame } from '@livekit/rtc-node';

const TICK_MS = 5;

export type Habits = {
  canPause?: boolean;
  /** Says when it begins (default), so long after it did, or never. */
  tellsStart?: boolean;
  startLagMs?: number;
  /** Says when it has ended (default), or never. */
  tellsEnd?: boolean;
  /** What it says of how much was played, instead of what is true. */
  claimsMs?: number;
};

export class Speaker extends voice.AudioOutput {
  readonly #habits: Habits;
  #pushedMs = 0;
  #playedMs = 0;
  #isFlushed = false;
  #isPaused = false;
  #hasBegun = false;
  readonly #clock: NodeJS.Timeout;

  constructor(habits: Habits = {}) {
    super(24_000, undefined, { pause: habits.canPause ?? true });
    this.#habits = habits;
    let last = performance.now();
    this.#clock = setInterval(() => {
      const now = performance.now();
      this.#play(now - last);
      last = now;
    }, TICK_MS);
    this.#clock.unref();
  }

  override async captureFrame(frame: AudioFrame): Promise<void> {
    await super.captureFrame(frame);
    this.#pushedMs += (frame.samplesPerChannel * 1000) / frame.sampleRate;
  }

  override flush(): void {
    super.flush();
    this.#isFlushed = this.#pushedMs > 0;
  }

  override clearBuffer(): void {
    if (this.#pushedMs === 0) return;
    super.flush();
    this.#finish(true);
  }

  override pause(): void {
    this.#isPaused = true;
  }

  override resume(): void {
    this.#isPaused = false;
  }

  #play(ms: number): void {
    if (this.#isPaused || this.#pushedMs === 0) return;
    if (!this.#hasBegun) {
      this.#hasBegun = true;
      const { tellsStart = true, startLagMs = 0 } = this.#habits;
      if (tellsStart && startLagMs === 0) this.onPlaybackStarted(Date.now());
      else if (tellsStart) setTimeout(() => this.onPlaybackStarted(Date.now()), startLagMs);
    }
    this.#playedMs = Math.min(this.#pushedMs, this.#playedMs + ms);
    if (this.#isFlushed && this.#playedMs === this.#pushedMs) this.#finish(false);
  }

  #finish(interrupted: boolean): void {
    const { claimsMs = this.#playedMs, tellsEnd = true } = this.#habits;
    this.#pushedMs = 0;
    this.#playedMs = 0;
    this.#isFlushed = false;
    this.#hasBegun = false;
    if (tellsEnd) this.onPlaybackFinished({ playbackPosition: claimsMs / 1000, interrupted });
  }
}
