/**
 * One audio output, followed for as long as it lives: what was pushed into it, what of that has begun, stands still,
 * has ended.
 *
 *   F1  Nobody notices: the same object, the same return values and exceptions, no listener of ours among its own
 *       (the SDK's tests count them).
 *   F2  The end of a chain is where sound is made, and only there every frame, pause and event arrives.
 *   F3  A playback is heard from its first loud sample; frames are looked at until then, and no further.
 *   F4  Some avatars never say that they began. What the output took is presumed to play a little later, or at the
 *       latest when it ends. An output that has always confirmed so far is given longer.
 *   F5  Some never say that they ended, and some voices stop in the middle. What has been over for `rungMs` is over.
 *   F6  The output counts a segment when it takes the first frame, if it takes one at all. Of two with the same number
 *       the first was never taken, and no end of it will come.
 */
import type { voice } from '@livekit/agents';
import { isLoud } from '../../sound/loudness.ts';
import { replaceMethod } from './replace-method.ts';
import { Segment } from './segment.ts';

type Finished = { playbackPosition: number; interrupted: boolean };
type Frame = { data: Int16Array; samplesPerChannel: number; sampleRate: number };

export type OutputEvents = {
  /** Who speaks at this instant. */
  speaking(): voice.SpeechHandle | undefined;
  /** Its words are this handle's; asked until it has begun, for a frame may wait longer than the speech it is of. */
  assigned(segment: Segment): void;
  /** First loud sound. */
  audible(segment: Segment): void;
  /** It is heard, or it is not any more. */
  sounding(segment: Segment, isSounding: boolean): void;
  /** The output said so. `ms` were played; nothing of it may have been loud. */
  ended(segment: Segment, ms: number): void;
  failed(error: unknown): void;
};

const names = { started: 'playbackStarted', finished: 'playbackFinished' } as const;
const monotonic = () => performance.now();

/** F2. */
export function endOfChain(output: voice.AudioOutput): voice.AudioOutput {
  const seen = new Set([output]);
  for (let end = output; ;) {
    const { nextInChain } = end as unknown as { nextInChain?: voice.AudioOutput };
    if (!nextInChain || seen.has(nextInChain)) return end;
    seen.add((end = nextInChain));
  }
}

export class FollowedOutput {
  readonly output: voice.AudioOutput;
  readonly #events: OutputEvents;
  readonly #rungMs: number;
  /** In the order in which they were pushed; each until it has ended. */
  #segments: Segment[] = [];
  #open: Segment | undefined;
  #isPaused = false;
  /** F4: does it say when it begins? */
  #confirms: 'always' | 'never' | 'unknown' = 'unknown';

  constructor(output: voice.AudioOutput, rungMs: number, events: OutputEvents) {
    this.output = output;
    this.#rungMs = rungMs;
    this.#events = events;
    replaceMethod(output, 'captureFrame', ([frame], call) => this.#captured(frame as Frame, call));
    replaceMethod(output, 'flush', (_given, call) => {
      if (this.#open) this.#open.isWhole = true;
      this.#open = undefined;
      return call();
    });
    replaceMethod(output, 'pause', (_given, call) => {
      const outcome = call();
      this.#safely(() => this.#pause());
      return outcome;
    });
    replaceMethod(output, 'resume', (_given, call) => {
      this.#safely(() => this.#resume());
      return call();
    });
    replaceMethod(output, 'emit', ([event, given], call) => {
      if (event === names.started) this.#safely(() => this.#started());
      if (event === names.finished) this.#safely(() => this.#finished(given as Finished));
      return call();
    });
  }

  /** Something that it took has not ended. */
  isPlaying(): boolean {
    return this.#segments.some((each) => !each.isDry && this.#isTaken(each));
  }

  #safely(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#events.failed(error);
    }
  }

  #captured(frame: Frame, call: () => unknown): unknown {
    let segment: Segment | undefined;
    this.#safely(() => (segment = this.#push(frame)));
    const taken = call();
    const { isAudible, takenAt } = segment ?? { isAudible: true };
    if (segment?.isLoud && !isAudible && takenAt === undefined) {
      const pushed = segment;
      void Promise.resolve(taken).then(
        () => this.#safely(() => this.#taken(pushed)),
        () => {}, // whoever pushed it is told
      );
    }
    return taken;
  }

  #push(frame: Frame): Segment {
    const segment = (this.#open ??= this.#opened());
    const handle = segment.isAudible ? segment.handle : this.#events.speaking();
    if (handle && handle !== segment.handle) {
      segment.handle = handle;
      this.#events.assigned(segment);
    }
    const wasDry = segment.isDry;
    segment.push((frame.samplesPerChannel * 1000) / frame.sampleRate || 0, monotonic());
    if (wasDry) this.#sound(segment);
    if (!segment.isLoud) segment.isLoud = isLoud(frame.data); // F3
    return segment;
  }

  #opened(): Segment {
    const segment = new Segment(this.output.capturedPlayoutSegments + 1);
    this.#forget(({ ordinal }) => ordinal === segment.ordinal); // F6
    this.#segments.push(segment);
    return segment;
  }

  /** No end of these will come. */
  #forget(isLost: (segment: Segment) => boolean): void {
    const lost = this.#segments.filter(isLost);
    this.#segments = this.#segments.filter((each) => !lost.includes(each));
    for (const each of lost) this.#end(each, each.positionMs(monotonic()), true);
  }

  #isTaken = ({ ordinal }: Segment): boolean => ordinal <= this.output.capturedPlayoutSegments;

  /** The output has taken a loud frame. */
  #taken(segment: Segment): void {
    if (segment.ended || !this.#isTaken(segment)) return;
    segment.takenAt ??= monotonic();
    if (segment.start === 'awaited') this.#presumeSoon(segment);
    else if (!this.#isPaused) this.#tell(segment);
  }

  /** F4. */
  #presumeSoon(segment: Segment): void {
    const presume = () => {
      const { takenAt } = segment;
      if (segment.start !== 'awaited' || segment.ended || this.#isPaused || takenAt === undefined) return;
      segment.begin('presumed', takenAt);
      this.#tell(segment);
    };
    if (this.#confirms === 'never') return presume();
    const ms = this.#confirms === 'always' ? this.#rungMs : this.#rungMs / 3;
    setTimeout(() => this.#safely(presume), ms).unref();
  }

  #started(): void {
    const segment = this.#segments.find(({ start }) => start !== 'confirmed');
    if (!segment) return; // nothing that was pushed
    this.#confirms = 'always';
    segment.begin('confirmed', monotonic());
    if (this.#isPaused) segment.pause(monotonic());
    else if (segment.isLoud) this.#tell(segment);
  }

  /** Once for each segment, as soon as it has begun and is loud. */
  #tell(segment: Segment): void {
    if (segment.isAudible) return;
    segment.isAudible = true;
    this.#events.audible(segment);
    this.#sound(segment);
  }

  #pause(): void {
    if (!this.output.canPause) return; // it plays on
    this.#isPaused = true;
    for (const segment of this.#segments) {
      segment.pause(monotonic());
      this.#sound(segment);
    }
  }

  #resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    for (const segment of this.#segments) {
      segment.resume(monotonic());
      this.#sound(segment);
      if (segment.takenAt === undefined) continue;
      if (segment.start === 'awaited') segment.takenAt = monotonic();
      this.#taken(segment);
    }
  }

  #finished({ playbackPosition, interrupted }: Finished): void {
    const finished = this.output.capturedPlayoutSegments - this.output.pendingPlayoutSegments;
    this.#forget(({ ordinal }) => ordinal < finished);
    const segment = this.#segments.find(({ ordinal }) => ordinal === finished);
    if (!segment) return; // pushed before we followed
    this.#segments = this.#segments.filter((each) => each !== segment);
    if (this.#open === segment) this.#open = undefined; // cut: nothing flushes the rest of it
    const toldMs = playbackPosition * 1000 || 0;
    // One that was played to its end and is said to be of no length: then the clock's word counts.
    const playedMs = toldMs > 0 || interrupted ? toldMs : segment.positionMs(monotonic());
    if (segment.start !== 'confirmed' && this.#confirms === 'unknown') this.#confirms = 'never';
    if (segment.isLoud && (!interrupted || playedMs > 0)) {
      if (segment.start === 'awaited') segment.start = 'presumed'; // F4
      this.#tell(segment);
    }
    this.#end(segment, Math.max(0, playedMs), interrupted);
  }

  #end(segment: Segment, playedMs: number, isInterrupted: boolean): void {
    const ms = Math.round(Math.min(segment.pushedMs, playedMs));
    segment.ended = { heardMs: segment.isAudible ? ms : 0, isInterrupted };
    this.#sound(segment);
    this.#events.ended(segment, ms);
  }

  #sound(segment: Segment): void {
    const isSounding = segment.isAudible && !segment.ended && !this.#isPaused && !segment.isDry;
    this.#events.sounding(segment, isSounding);
    if (isSounding) this.#watch(segment);
  }

  readonly #watched = new WeakSet<Segment>();

  /** F5. One timer for each that sounds, which looks again as long as there is more to come. */
  #watch(segment: Segment): void {
    if (this.#watched.has(segment)) return;
    this.#watched.add(segment);
    const look = () => {
      this.#watched.delete(segment);
      if (segment.ended || this.#isPaused) return;
      segment.isDry = segment.overdueMs(monotonic()) >= this.#rungMs;
      this.#sound(segment);
    };
    const ms = this.#rungMs - segment.overdueMs(monotonic());
    setTimeout(() => this.#safely(look), Math.max(1, Math.ceil(ms))).unref();
  }
}
