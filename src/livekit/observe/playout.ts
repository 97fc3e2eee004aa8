/**
 * What is really played, told from the audio output itself: the promise of a speech handle says it was spoken also
 * when nobody heard it (a dead TTS, a forced interrupt).
 *
 *   P1  A playback belongs to the speech that the activity plays at that instant; ours are the handles we asked for.
 *   P2  A line is heard for as long as its playback says, and for no longer than the output was ours.
 *   P3  Heard is what is loud: a playback of silence was none, from its first sample to its last. Frames are looked at
 *       until the first loud one, and no further.
 */
import { voice } from '@livekit/agents';
import { isLoud } from '../loudness.ts';

type Started = { createdAt: number };
type Finished = { playbackPosition: number; interrupted: boolean };
type Output = Pick<voice.AudioOutput, 'on' | 'captureFrame' | 'flush'>;

export type OurSpeech = {
  /** First audio. Never rejects; pending when it never comes. */
  audible: Promise<void>;
  /** Milliseconds played so far. */
  heardMs(): number;
  /** The playback ended (the last one, when a line is played in pieces). */
  readonly finished: Promise<{ heardMs: number; interrupted: boolean }>;
};

export type PlayoutEvents = {
  /** First sound of a playback. `isOurs`: of a line that the machine asked for. */
  audible(isOurs: boolean): void;
  /** A playback went through from beginning to end, and nothing in it could be heard. */
  silent(ms: number): void;
};

type Expected = {
  handle: voice.SpeechHandle;
  heardMs: number;
  startedAt: number | undefined;
  onAudible: () => void;
  onFinished: (finished: Finished) => void;
};

/** What is pushed from one flush to the next, and played as one. */
type Playback = { isLoud: boolean; isHeard: boolean; startedAt?: number; line?: Expected };

export class Playout {
  /** True while a line of ours is being asked for. */
  isAsking = false;
  readonly #session: Pick<voice.AgentSession, 'currentAgent'>;
  readonly #events: PlayoutEvents;
  readonly #expected = new Set<Expected>();
  /** Being pushed, the last one that was, and being played; one and the same for most of the time. */
  #pushed: Playback | undefined;
  #latest: Playback | undefined;
  #played: Playback | undefined;

  constructor(session: Pick<voice.AgentSession, 'currentAgent'>, output: Output, events: PlayoutEvents) {
    this.#session = session;
    this.#events = events;
    this.#listenTo(output);
    output.on(voice.AudioOutput.EVENT_PLAYBACK_STARTED, (event: Started) => this.#started(event));
    output.on(voice.AudioOutput.EVENT_PLAYBACK_FINISHED, (event: Finished) => this.#finished(event));
  }

  /** Follows a speech that we asked for. */
  follow(handle: voice.SpeechHandle): OurSpeech {
    let hear = () => {};
    let finish: (finished: { heardMs: number; interrupted: boolean }) => void = () => {};
    const audible = new Promise<void>((resolve) => (hear = resolve));
    const finished = new Promise<{ heardMs: number; interrupted: boolean }>((resolve) => (finish = resolve));
    const expected: Expected = {
      handle,
      heardMs: 0,
      startedAt: undefined,
      onAudible: () => hear(),
      onFinished: ({ playbackPosition, interrupted }) => {
        expected.heardMs += Math.round(playbackPosition * 1000);
        expected.startedAt = undefined;
        finish({ heardMs: expected.heardMs, interrupted });
      },
    };
    this.#expected.add(expected);
    handle.addDoneCallback(() => this.#expected.delete(expected));
    return {
      audible,
      finished,
      heardMs: () => expected.heardMs + (expected.startedAt === undefined ? 0 : Date.now() - expected.startedAt),
    };
  }

  /** Is this handle one of ours? */
  isOurs(handle: voice.SpeechHandle): boolean {
    return [...this.#expected].some((each) => each.handle === handle);
  }

  /** P3. On the instance: the SDK pushes into the very object that the session holds. */
  #listenTo(output: Output): void {
    const capture = output.captureFrame.bind(output);
    const flush = output.flush.bind(output);
    output.captureFrame = async (frame) => {
      const playback = (this.#latest = this.#pushed ??= { isLoud: false, isHeard: false });
      if (playback.isLoud || !isLoud(frame.data)) return capture(frame);
      playback.isLoud = true; // the first frame of most: its playback starts inside of capture()
      await capture(frame);
      this.#heard(playback);
    };
    output.flush = () => {
      this.#pushed = undefined;
      flush();
    };
  }

  #started({ createdAt }: Started): void {
    const playing = this.#playing();
    // A distant output may begin to play what was pushed and flushed long ago; of what went past us nothing is known.
    const isWaiting = this.#latest !== undefined && this.#latest.startedAt === undefined;
    const playback = (isWaiting && this.#latest) || { isLoud: true, isHeard: false };
    this.#played = playback;
    const line = [...this.#expected].find((each) => each.handle === playing); // P1
    playback.startedAt = createdAt;
    if (line) playback.line = line;
    this.#heard(playback);
  }

  /** Once for each playback, as soon as it has begun and is loud. */
  #heard(playback: Playback): void {
    const { line, startedAt } = playback;
    if (playback.isHeard || !playback.isLoud || startedAt === undefined || playback !== this.#played) return;
    playback.isHeard = true;
    if (line) {
      line.startedAt = startedAt;
      line.onAudible();
    }
    this.#events.audible(line !== undefined);
  }

  #finished(finished: Finished): void {
    const playback = this.#played;
    this.#played = undefined;
    if (this.#pushed === playback) this.#pushed = undefined; // cut: nothing flushes the rest of it
    if (!playback) return;
    if (playback.isHeard) playback.line?.onFinished(finished);
    else if (!finished.interrupted) this.#events.silent(Math.round(finished.playbackPosition * 1000));
  }

  #playing(): voice.SpeechHandle | undefined {
    try {
      return this.#session.currentAgent?.getActivityOrThrow().currentSpeech;
    } catch {
      // Between two agents: the one who leaves still speaks, and the goodbye may be what it says.
      const { activity } = this.#session as unknown as { activity?: { currentSpeech?: voice.SpeechHandle } };
      return activity?.currentSpeech;
    }
  }
}
