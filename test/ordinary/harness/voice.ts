/** A voice at human speed: a wait before the first byte, then faster than it is spoken. What it says is in its samples. */
import { setTimeout as sleep } from 'node:timers/promises';
import { APIConnectionError, tts } from '@livekit/agents';
import { AudioFrame } from '@livekit/rtc-node';
import type { Pace } from '../../../src/testing/lab/pace.ts';
import { numberOf, SAMPLE_RATE } from '../../faults/models.ts';

/** Fifteen characters a second, as people speak. */
export const SPOKEN_MS = 60;
const FRAME_MS = 50;

/** Pure. A text as audio, for whoever speaks it. */
export function framesOf(text: string): AudioFrame[] {
  const length = (SAMPLE_RATE * FRAME_MS) / 1000;
  const count = Math.ceil((text.length * SPOKEN_MS) / FRAME_MS);
  const value = numberOf(text);
  return Array.from(
    { length: count },
    () => new AudioFrame(new Int16Array(length).fill(value), SAMPLE_RATE, 1, length),
  );
}

/** The frames of a text as a voice makes them: after its first byte, and no faster than it can. */
export async function* paced(text: string, pace: Pace, firstMs = pace.next('tts')): AsyncGenerator<AudioFrame> {
  await sleep(firstMs);
  const began = Date.now();
  for (const [index, frame] of framesOf(text).entries()) {
    const due = began + (index * FRAME_MS) / pace.profile.timesRealTime;
    if (due > Date.now() + FRAME_MS) await sleep(due - Date.now());
    yield frame;
  }
}

type ConnectionOptions = tts.ChunkedStream['_connOptions'];

export class PacedTts extends tts.TTS {
  label: string;
  readonly pace: Pace;
  /** One of a pair: nothing comes of it, and it says so. */
  readonly isDead: boolean;
  /** Before the first byte of its first synthesis of all: a voice that is cold. */
  #coldMs: number | undefined;

  constructor(
    pace: Pace,
    { streaming = true, aligned = false, name = 'human voice', coldMs = 0, isDead = false } = {},
  ) {
    super(SAMPLE_RATE, 1, { streaming, alignedTranscript: aligned });
    this.pace = pace;
    this.label = name;
    this.#coldMs = coldMs;
    this.isDead = isDead;
  }

  firstByteMs(): number {
    const coldMs = this.#coldMs ?? 0;
    this.#coldMs = undefined;
    return coldMs + this.pace.next('tts');
  }

  synthesize(text: string, connOptions?: ConnectionOptions, signal?: AbortSignal): tts.ChunkedStream {
    return new Chunks(text, this, connOptions, signal);
  }

  stream(options?: { connOptions?: ConnectionOptions }): tts.SynthesizeStream {
    return new Sentences(this, options?.connOptions);
  }
}

class Chunks extends tts.ChunkedStream {
  label = 'human voice';
  readonly #text: string;
  readonly #voice: PacedTts;

  constructor(text: string, voice: PacedTts, connOptions?: ConnectionOptions, signal?: AbortSignal) {
    super(text, voice, connOptions, signal);
    this.#text = text;
    this.#voice = voice;
  }

  protected async run(): Promise<void> {
    if (this.#voice.isDead) throw new APIConnectionError({ message: 'out of order' });
    let last: AudioFrame | undefined;
    const put = (frame: AudioFrame, final: boolean) =>
      this.queue.put({ requestId: 'human', segmentId: 'human', frame, final });
    for await (const frame of paced(this.#text, this.#voice.pace, this.#voice.firstByteMs())) {
      if (this.closed) return;
      if (last) put(last, false);
      last = frame;
    }
    if (last) put(last, true);
    this.queue.close();
  }
}

const A_SENTENCE = /^[\s\S]*?[.!?…](?=\s)/;

class Sentences extends tts.SynthesizeStream {
  label = 'human voice';
  readonly #voice: PacedTts;

  constructor(voice: PacedTts, connOptions?: ConnectionOptions) {
    super(voice, connOptions);
    this.#voice = voice;
  }

  protected async run(): Promise<void> {
    if (this.#voice.isDead) throw new APIConnectionError({ message: 'out of order' });
    let firstMs: number | undefined = this.#voice.firstByteMs();
    const say = async (text: string) => {
      if (text.trim() === '') return;
      for await (const frame of paced(text.trim(), this.#voice.pace, firstMs ?? 0)) {
        if (this.closed || this.abortSignal.aborted) return;
        this.queue.put({ requestId: 'human', segmentId: 'human', frame, final: false });
      }
      firstMs = undefined; // the connection is there: the next sentence follows at once
    };
    let text = '';
    for await (const piece of this.input) {
      if (typeof piece !== 'string') continue;
      text += piece;
      for (let found = A_SENTENCE.exec(text); found; found = A_SENTENCE.exec(text)) {
        text = text.slice(found[0].length);
        await say(found[0]);
      }
    }
    await say(text);
    this.queue.put(tts.SynthesizeStream.END_OF_STREAM);
  }
}
