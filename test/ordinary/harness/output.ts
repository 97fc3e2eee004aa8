/**
 * What a session speaks through in a room: played at the pace of real time, and it can be held and go on (the SDK does
 * that while it finds out whether an interruption was one). Everything that comes out is on the soundtrack.
 */
import { voice } from '@livekit/agents';
import type { AudioFrame } from '@livekit/rtc-node';
import { SAMPLE_RATE, textOf } from '../../faults/models.ts';
import { addedTo, type Sound, type Soundtrack } from './soundtrack.ts';
import { SPOKEN_MS } from './voice.ts';

export class RoomLikeOutput extends voice.AudioOutput {
  readonly #soundtrack: Soundtrack;
  #sound: Sound | undefined;
  #pushedMs = 0;
  /** Played before the last resumption, and since when it plays. */
  #playedMs = 0;
  #playingSince: number | undefined;
  #isHeld = false;
  #isFlushed = false;
  #end: NodeJS.Timeout | undefined;

  constructor(soundtrack: Soundtrack) {
    super(SAMPLE_RATE, undefined, { pause: true });
    this.#soundtrack = soundtrack;
  }

  override async captureFrame(frame: AudioFrame): Promise<void> {
    while (this.#isHeld) await this.#soundtrack.until('the output goes on', () => !this.#isHeld, 60_000);
    await super.captureFrame(frame);
    if (!this.#sound) {
      this.#sound = this.#soundtrack.begin('agent', textOf(frame.data));
      this.#playingSince = Date.now();
      this.onPlaybackStarted(this.#playingSince);
    } else this.#sound.text = addedTo(this.#sound.text, frame.data);
    this.#pushedMs += (frame.samplesPerChannel * 1000) / frame.sampleRate;
  }

  override pause(): void {
    super.pause();
    if (this.#isHeld) return;
    this.#isHeld = true;
    this.#playedMs = this.#heardMs();
    this.#playingSince = undefined;
    clearTimeout(this.#end);
    this.#sound?.pauses.push({ from: Date.now() });
  }

  override resume(): void {
    super.resume();
    if (!this.#isHeld) return;
    this.#isHeld = false;
    const pause = this.#sound?.pauses.at(-1);
    if (pause) pause.to = Date.now();
    if (this.#sound) this.#playingSince = Date.now();
    this.#soundtrack.changed();
    if (this.#isFlushed) this.#endLater();
  }

  override flush(): void {
    super.flush();
    if (!this.#sound || this.#isFlushed) return;
    this.#isFlushed = true;
    if (!this.#isHeld) this.#endLater();
  }

  override clearBuffer(): void {
    if (!this.#sound) return;
    super.flush();
    this.#finish(true);
  }

  #heardMs(): number {
    const since = this.#playingSince === undefined ? 0 : Date.now() - this.#playingSince;
    return Math.min(this.#pushedMs, this.#playedMs + since);
  }

  #endLater(): void {
    this.#end = setTimeout(() => this.#finish(false), Math.max(0, this.#pushedMs - this.#heardMs()));
  }

  #finish(interrupted: boolean): void {
    const heardMs = this.#heardMs();
    const sound = this.#sound as Sound;
    clearTimeout(this.#end);
    this.#sound = undefined;
    this.#isFlushed = false;
    this.#pushedMs = 0;
    this.#playedMs = 0;
    this.#playingSince = undefined;
    this.#soundtrack.end(sound, interrupted);
    // A room's output knows how much of the text was heard.
    const synchronizedTranscript = sound.text.slice(0, Math.round(heardMs / SPOKEN_MS));
    this.onPlaybackFinished({
      playbackPosition: heardMs / 1000,
      interrupted,
      ...(interrupted && { synchronizedTranscript }),
    });
  }
}
