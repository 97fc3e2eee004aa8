/**
 * The words that excuse a crash, asked of the voice while the session still starts. Their caller waits in silence, and a
 * voice needs 0.2 to 1 s to its first sound; a session 0.1 to 0.2 s until it may be asked to say anything.
 *
 *   E1  Only what would sound the same: an agent with a `ttsNode` of its own, or a session that changes the text, says
 *       them itself. So does one whose voice has failed by then. Until then it is tried as often as the session would.
 *   E2  Asked for once. Who is let go before they were said leaves no request behind.
 *   E3  A voice tells of its failure by an `error` event, and one that nobody listens to ends the process; the session
 *       does not listen yet.
 */
import { ReadableStream } from 'node:stream/web';
import { AudioFrame } from '@livekit/rtc-node';
import { DEFAULT_API_CONNECT_OPTIONS, tts, voice } from '@livekit/agents';
import type { LiveJob } from '../live-job.ts';
import { synthesize } from '../synthesize.ts';

export type EarlyWords = {
  /** The voice has begun, or failed. Never rejects. */
  readonly begun: Promise<void>;
  /** Frames, those that are there and those that come; once. Undefined: the session is to ask for itself (E1). */
  take(): ReadableStream<AudioFrame> | undefined;
};

/** E1. */
export const soundsTheSame = (agent: voice.Agent, options: voice.AgentSessionOptions): boolean =>
  agent.ttsNode === voice.Agent.prototype.ttsNode && options.ttsTextTransforms === undefined;

/** *Effect.* @param options those of the session: how often it would ask its voice */
export function askEarly(
  { letGo, log }: Pick<LiveJob, 'letGo' | 'log'>,
  speaker: tts.TTS,
  text: string,
  { connOptions }: voice.AgentSessionOptions,
): EarlyWords {
  const tries = { ...DEFAULT_API_CONNECT_OPTIONS, ...connOptions?.ttsConnOptions };
  const stop = new AbortController();
  const listen = () => undefined;
  const leave = () => stop.abort();
  speaker.on('error', listen); // E3
  letGo.signal.addEventListener('abort', leave, { once: true }); // E2
  let isUsable = true;
  let begin = (): void => undefined;
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const frames = new ReadableStream<AudioFrame>({
    start: async (controller) => {
      try {
        for await (const { samples, sampleRate } of synthesize(speaker, text, stop.signal, tries)) {
          controller.enqueue(new AudioFrame(samples, sampleRate, 1, samples.length));
          begin();
        }
        controller.close();
      } catch (error) {
        isUsable = false;
        if (!stop.signal.aborted) log.info({ err: error }, 'the words after the crash could not be had early');
        throw error;
      } finally {
        begin();
        speaker.off('error', listen);
        letGo.signal.removeEventListener('abort', leave);
      }
    },
    cancel: leave,
  });
  return {
    begun,
    take: () => {
      const isFirst = isUsable && !stop.signal.aborted;
      isUsable = false;
      return isFirst ? frames : undefined;
    },
  };
}
