/** Text to sound through the user's own TTS object, without an AgentSession. */
import { ReadableStream } from 'node:stream/web';
import { AudioFrame } from '@livekit/rtc-node';
import { type APIConnectOptions, tts } from '@livekit/agents';
import { readWav } from '../sound/wav.ts';
import type { Pcm } from './venue.ts';

const pcmOf = (frame: AudioFrame): Pcm => ({
  sampleRate: frame.sampleRate,
  samples: frame.channels === 1 ? frame.data : frame.data.filter((_, index) => index % frame.channels === 0),
});

/** A rung that fails hands over to the next one instead of waiting for itself. */
const ONE_ATTEMPT: APIConnectOptions = { maxRetry: 0, retryIntervalMs: 0, timeoutMs: 5000 };

/**
 * Frames as they come. Ends early when aborted; throws what the provider throws. The deadline is the caller's.
 * Streams where the provider can: `synthesize()` of the Cartesia plugin speaks https only (sdk-facts, 5).
 */
export async function* synthesize(
  voice: tts.TTS,
  text: string,
  signal: AbortSignal,
  connOptions: APIConnectOptions = ONE_ATTEMPT,
): AsyncGenerator<Pcm> {
  let seen = false;
  if (voice.capabilities.streaming) {
    const stream = voice.stream({ connOptions });
    const stop = () => stream.close();
    signal.addEventListener('abort', stop, { once: true });
    try {
      stream.pushText(text);
      stream.endInput();
      for await (const audio of stream) {
        if (audio === tts.SynthesizeStream.END_OF_STREAM) break;
        seen = true;
        yield pcmOf(audio.frame);
      }
    } finally {
      signal.removeEventListener('abort', stop);
      stream.close();
    }
  } else {
    for await (const audio of voice.synthesize(text, connOptions, signal)) {
      seen = true;
      yield pcmOf(audio.frame);
    }
  }
  if (!seen && !signal.aborted) throw new Error('the TTS answered with no audio');
}

/** A recorded line, whole. */
export async function* recorded(file: URL): AsyncGenerator<Pcm> {
  yield readWav(file);
}

const FRAME_MS = 50;

/** A recorded line, as the AgentSession takes it beside a text. */
export function framesOf(file: URL): ReadableStream<AudioFrame> {
  const { sampleRate, samples } = readWav(file);
  const size = (sampleRate * FRAME_MS) / 1000;
  const count = Math.ceil(samples.length / size);
  const frames = Array.from({ length: count }, (_, index) => samples.slice(index * size, (index + 1) * size));
  return ReadableStream.from(frames.map((each) => new AudioFrame(each, sampleRate, 1, each.length)));
}
