/**
 * What is pushed into an output from one flush to the next, and played as one: how long it is, and how far it has been
 * played by the clock. No output can be asked; a pause stands the clock still, and so does audio that is not there yet.
 */
import type { voice } from '@livekit/agents';

export class Segment {
  /** The how manieth of its output it is, as the output counts those that it took. */
  readonly ordinal: number;
  /** Whose words they are, as far as is known. */
  handle: voice.SpeechHandle | undefined;
  isLoud = false;
  /** Its first loud sound was played: told once. */
  isAudible = false;
  start: 'awaited' | 'presumed' | 'confirmed' = 'awaited';
  /** When the output had taken the first loud frame of it. */
  takenAt: number | undefined;
  /** The output said that it has ended, and how much of it was heard. */
  ended: { heardMs: number; isInterrupted: boolean } | undefined;
  /** Flushed: nothing more is pushed into it. */
  isWhole = false;
  /** What was pushed is over for so long that nobody waits for the output to say so. */
  isDry = false;
  pushedMs = 0;
  #playedMs = 0;
  #since: number | undefined;

  constructor(ordinal: number) {
    this.ordinal = ordinal;
  }

  push(ms: number, now: number): void {
    if (this.#since !== undefined && this.overdueMs(now) > 0) this.#moveTo(this.pushedMs, now);
    this.pushedMs += ms;
    this.isDry = false;
  }

  begin(start: 'presumed' | 'confirmed', at: number): void {
    this.start = start;
    this.#moveTo(0, at);
  }

  pause(now: number): void {
    this.#playedMs = this.positionMs(now);
    this.#since = undefined;
  }

  resume(now: number): void {
    if (this.start !== 'awaited') this.#since ??= now;
  }

  /** Of what was pushed, and never more. */
  positionMs(now: number): number {
    return this.ended?.heardMs ?? Math.min(this.pushedMs, this.#elapsedMs(now));
  }

  /** For how long all that was pushed should be over; negative while some of it is left. */
  overdueMs(now: number): number {
    return this.#elapsedMs(now) - this.pushedMs;
  }

  #elapsedMs(now: number): number {
    return this.#playedMs + (this.#since === undefined ? 0 : now - this.#since);
  }

  #moveTo(playedMs: number, now: number): void {
    this.#playedMs = playedMs;
    this.#since = now;
  }
}
