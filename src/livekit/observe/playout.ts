/**
 * Who is heard, told from the audio outputs: the promise of a speech handle says it was spoken also when nobody heard
 * it (a dead TTS, a forced interrupt), and events of the session say what it means to do.
 *
 *   P1  Each output that the session ever had is followed until its last segment has ended.
 *   P2  A segment belongs to the speech that is current while it is pushed; ours are the handles we asked for.
 *   P3  A line is heard for as long as its output says, without pauses, and never for longer than it is.
 *   P4  A session without an audio output, or with one that is switched off, writes: its words are out with the first
 *       text, and nobody hears them.
 */
import type { voice } from '@livekit/agents';
import { endOfChain, FollowedOutput } from './output.ts';
import type { Segment } from './segment.ts';
import { watchSessionOutput } from './session-output.ts';

type Ended = { heardMs: number; interrupted: boolean; /** P4 */ isWritten: boolean };

export type OurSpeech = {
  /** First audio, or first text where there is no audio. Never rejects; pending when it never comes. */
  audible: Promise<void>;
  /** Milliseconds heard so far: no pause counts, and no more than `plannedMs`. */
  heardMs(): number;
  /** Milliseconds of audio that were made of it so far, heard or not. */
  plannedMs(): number;
  /** The line is over, and its last playback with it. */
  readonly finished: Promise<Ended>;
};

export type FirstSound = {
  /** Of a line that the machine asked for. */
  isOurs: boolean;
  handle: voice.SpeechHandle | undefined;
  /** The output did not say that it began. */
  isPresumed: boolean;
};

export type PlayoutEvents = {
  /** First loud sound of a playback; not again after a pause. */
  audible(first: FirstSound): void;
  /** Somebody begins to be heard, or nobody is heard any more: at an end, at a pause, and when the audio runs out. */
  heard(isHeard: boolean): void;
  /** The same of one playback. */
  sounding(segment: Segment, isSounding: boolean): void;
  /** A playback went through from beginning to end, and nothing in it could be heard. */
  silent(ms: number): void;
  /** P4: the first text of a speech that nobody will hear. */
  written(first: Pick<FirstSound, 'isOurs' | 'handle'>): void;
  /** Can anything be heard now? Told once at first, and when it changes. */
  switched(canBeHeard: boolean): void;
  /** Of ours; told once. */
  failed(error: unknown): void;
};

type Line = {
  segments: Map<Segment, FollowedOutput>;
  isWritten: boolean;
  isDone: boolean;
  hear: () => void;
  finish: (ended: Ended) => void;
};

export class Playout {
  /** True while a line of ours is being asked for. */
  isAsking = false;
  readonly #session: voice.AgentSession;
  readonly #events: PlayoutEvents;
  readonly #rungMs: number;
  readonly #lines = new Map<voice.SpeechHandle, Line>();
  readonly #followed = new WeakMap<voice.AudioOutput, FollowedOutput>();
  /** P1: the one that is there now, and those before it that still play. */
  #outputs: FollowedOutput[] = [];
  readonly #sounding = new Set<Segment>();
  #canBeHeard: boolean | undefined;
  #hasFailed = false;

  /** `rungMs`: how long an output may take that does not say what it does. */
  constructor(session: voice.AgentSession, rungMs: number, events: PlayoutEvents) {
    this.#session = session;
    this.#events = events;
    this.#rungMs = rungMs;
    watchSessionOutput(session.output, () => this.#changed());
    this.#changed();
  }

  /** Does the session speak to anybody's ears? */
  get canBeHeard(): boolean {
    return this.#session.output.audio !== null && this.#session.output.audioEnabled;
  }

  get isHeard(): boolean {
    return this.#sounding.size > 0;
  }

  /** Follows a speech that we asked for. */
  follow(handle: voice.SpeechHandle): OurSpeech {
    let hear = () => {};
    let finish: (ended: Ended) => void = () => {};
    const audible = new Promise<void>((resolve) => (hear = resolve));
    const finished = new Promise<Ended>((resolve) => (finish = resolve));
    const line: Line = { segments: new Map(), isWritten: false, isDone: false, hear, finish };
    this.#lines.set(handle, line);
    handle.addDoneCallback(() => {
      line.isDone = true;
      this.#settle(handle, line);
    });
    return { audible, finished, heardMs: () => heardMsOf(line), plannedMs: () => plannedMsOf(line) };
  }

  /** P4: the session says that it speaks. Does nothing where it can be heard. */
  spoke(): void {
    if (this.canBeHeard) return;
    const handle = this.speaking();
    const line = handle && this.#lines.get(handle);
    if (line) line.isWritten = true;
    line?.hear();
    this.#events.written({ isOurs: line !== undefined, handle });
  }

  /** Settles when nothing plays any more, in any output. Rejects when one of them does. */
  async over(): Promise<void> {
    const { audio } = this.#session.output;
    const end = audio && endOfChain(audio);
    const others = this.#outputs.filter((each) => each.output !== end && each.isPlaying()).map(({ output }) => output);
    await Promise.all([...(audio ? [audio] : []), ...others].map((each) => each.waitForPlayout()));
  }

  #changed(): void {
    try {
      const { audio } = this.#session.output;
      if (audio) this.#followEnd(endOfChain(audio));
      if (this.#canBeHeard === this.canBeHeard) return;
      this.#events.switched((this.#canBeHeard = this.canBeHeard));
    } catch (error) {
      this.#failed(error);
    }
  }

  #followEnd(output: voice.AudioOutput): void {
    const known = this.#followed.get(output);
    const followed: FollowedOutput =
      known ??
      new FollowedOutput(output, this.#rungMs, {
        speaking: () => this.speaking(),
        assigned: (segment) => {
          for (const line of this.#lines.values()) line.segments.delete(segment);
          if (segment.handle) this.#lines.get(segment.handle)?.segments.set(segment, followed);
        },
        audible: (segment) => this.#audible(segment),
        sounding: (segment, isSounding) => this.#sound(segment, isSounding),
        ended: (segment, ms) => this.#ended(segment, ms),
        failed: (error) => this.#failed(error),
      });
    this.#followed.set(output, followed);
    this.#outputs = [...this.#outputs.filter((each) => each !== followed && each.isPlaying()), followed];
  }

  #audible({ handle, start }: Segment): void {
    const line = handle && this.#lines.get(handle);
    line?.hear();
    this.#events.audible({ isOurs: line !== undefined, handle, isPresumed: start === 'presumed' });
  }

  #sound(segment: Segment, isSounding: boolean): void {
    const wasHeard = this.isHeard;
    const wasSounding = this.#sounding.has(segment);
    if (isSounding) this.#sounding.add(segment);
    else this.#sounding.delete(segment);
    if (isSounding !== wasSounding) this.#events.sounding(segment, isSounding);
    if (this.isHeard !== wasHeard) this.#events.heard(this.isHeard);
    if (segment.isDry) this.#settleOf(segment);
  }

  #ended(segment: Segment, ms: number): void {
    const isSilent = !segment.isAudible && !segment.ended?.isInterrupted && ms > 0;
    if (isSilent) this.#events.silent(ms);
    this.#settleOf(segment);
  }

  #settleOf({ handle }: Segment): void {
    const line = handle && this.#lines.get(handle);
    if (line) this.#settle(handle, line);
  }

  /** A line is done before its playback when it is cut by force. */
  #settle(handle: voice.SpeechHandle, line: Line): void {
    const heard = [...line.segments.keys()].filter(({ isAudible }) => isAudible);
    if (!line.isDone || heard.some(({ ended, isDry }) => !ended && !isDry)) return;
    this.#lines.delete(handle);
    const last = heard.at(-1)?.ended;
    line.finish({
      heardMs: heardMsOf(line),
      interrupted: last?.isInterrupted ?? handle.interrupted,
      isWritten: line.isWritten && heard.length === 0,
    });
  }

  #failed(error: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#events.failed(error);
  }

  /** Who speaks at this instant, heard or not yet. */
  speaking(): voice.SpeechHandle | undefined {
    try {
      return this.#session.currentAgent?.getActivityOrThrow().currentSpeech;
    } catch {
      // Between two agents: the one who leaves still speaks, and the goodbye may be what it says.
      const { activity } = this.#session as unknown as { activity?: { currentSpeech?: voice.SpeechHandle } };
      return activity?.currentSpeech;
    }
  }
}

const heardMsOf = (line: Line): number => {
  const now = performance.now();
  return measured(line, (segment) => (segment.isAudible ? segment.positionMs(now) : 0));
};
const plannedMsOf = (line: Line): number => measured(line, ({ pushedMs }) => pushedMs);

/** An output may push what it is given into another one that is followed too; nothing is heard twice for that. */
const measured = ({ segments }: Line, measure: (segment: Segment) => number): number => {
  const sums = new Map<FollowedOutput, number>();
  for (const [segment, output] of segments) sums.set(output, (sums.get(output) ?? 0) + measure(segment));
  return Math.round(Math.max(0, ...sums.values()));
};
