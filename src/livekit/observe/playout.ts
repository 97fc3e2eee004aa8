/**
 * What is really played, told from the audio output itself: the promise of a speech handle says it was spoken also
 * when nobody heard it (a dead TTS, a forced interrupt).
 *
 *   P1  A playback belongs to the speech that the activity plays at that instant; ours are the handles we asked for.
 *   P2  A line is heard for as long as its playback says, and for no longer than the output was ours.
 */
import { voice } from '@livekit/agents';

type Started = { createdAt: number };
type Finished = { playbackPosition: number; interrupted: boolean };

export type OurSpeech = {
  /** First audio. Never rejects; pending when it never comes. */
  audible: Promise<void>;
  /** Milliseconds played so far. */
  heardMs(): number;
  /** The playback ended (the last one, when a line is played in pieces). */
  readonly finished: Promise<{ heardMs: number; interrupted: boolean }>;
};

type Expected = {
  handle: voice.SpeechHandle;
  heardMs: number;
  startedAt: number | undefined;
  onAudible: () => void;
  onFinished: (finished: Finished) => void;
};

export class Playout {
  /** True while a line of ours is being asked for. */
  isAsking = false;
  readonly #session: voice.AgentSession;
  readonly #onAudible: (isOurs: boolean) => void;
  readonly #expected = new Set<Expected>();
  #current: Expected | undefined;

  constructor(session: voice.AgentSession, output: voice.AudioOutput, onAudible: (isOurs: boolean) => void) {
    this.#session = session;
    this.#onAudible = onAudible;
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

  #started({ createdAt }: Started): void {
    const playing = this.#playing();
    this.#current = [...this.#expected].find((each) => each.handle === playing); // P1
    if (this.#current) {
      this.#current.startedAt = createdAt;
      this.#current.onAudible();
    }
    this.#onAudible(this.#current !== undefined);
  }

  #finished(finished: Finished): void {
    this.#current?.onFinished(finished);
    this.#current = undefined;
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
