/**
 * A microphone without a room: silence in real time, and now and then a recording. Silence matters: voice activity
 * detection finds the end of a sentence in it.
 */
import { ReadableStream, type ReadableStreamDefaultController } from 'node:stream/web';
import { voice } from '@livekit/agents';
import { AudioFrame } from '@livekit/rtc-node';
import type { Pcm } from '../venue.ts';

const FRAME_MS = 20;
/** A timer that was late is made up for, but not for ever: after a frozen process nobody wants the past. */
const MAX_BEHIND_MS = 500;

export class LineInput extends voice.AudioInput {
  readonly #queue: Int16Array[] = [];
  #timer: NodeJS.Timeout | undefined;
  #controller: ReadableStreamDefaultController<AudioFrame> | undefined;
  readonly #sampleRate: number;

  constructor(sampleRate: number) {
    super();
    this.#sampleRate = sampleRate;
    const frames = new ReadableStream<AudioFrame>({ start: (controller) => void (this.#controller = controller) });
    this.multiStream.addInputStream(frames);
    let next = Date.now();
    this.#timer = setInterval(() => {
      next = Math.max(next, Date.now() - MAX_BEHIND_MS);
      for (; next <= Date.now(); next += FRAME_MS) this.#controller?.enqueue(this.#frame());
    }, FRAME_MS);
  }

  /** Spoken after whatever is being spoken. */
  speak({ samples, sampleRate }: Pcm): void {
    if (sampleRate !== this.#sampleRate) {
      throw new Error(`line input: expected ${this.#sampleRate} Hz, got ${sampleRate} Hz`);
    }
    this.#queue.push(samples);
  }

  /** The caller is gone: nothing comes any more. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  override async close(): Promise<void> {
    this.stop();
    await super.close();
  }

  #frame(): AudioFrame {
    const length = (this.#sampleRate * FRAME_MS) / 1000;
    const frame = new Int16Array(length);
    const [first] = this.#queue;
    if (first) {
      frame.set(first.subarray(0, length));
      if (first.length > length) this.#queue[0] = first.subarray(length);
      else this.#queue.shift();
    }
    return new AudioFrame(frame, this.#sampleRate, 1, length);
  }
}
