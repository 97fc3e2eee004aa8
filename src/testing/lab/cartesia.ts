/**
 * Cartesia's speech over a WebSocket: many contexts share a connection; each is one synthesis, whose text comes in
 * parts and whose audio goes out as it comes.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { WebSocket } from 'ws';
import { z } from 'zod';
import { pcmBytes } from '../../sound/wav.ts';
import { encodeSpeech, PIECE_MS } from '../speech/index.ts';
import type { Channel } from './channel.ts';
import type { Fault, Spoken } from './script.ts';

/** Audio of one message: as real services send, some hundred milliseconds. */
const CHUNK_MS = 200;

const generation = z.object({
  context_id: z.string(),
  transcript: z.string(),
  continue: z.boolean().default(false),
  add_timestamps: z.boolean().default(false),
  output_format: z.object({ encoding: z.literal('pcm_s16le'), sample_rate: z.number() }),
});
const cancellation = z.object({ context_id: z.string(), cancel: z.literal(true) });
type Generation = z.infer<typeof generation>;

type Context = { spoken: Spoken | undefined; fault: Fault | undefined; stopped: boolean; queue: Promise<void> };

export function serveCartesia(socket: WebSocket, channel: Channel): void {
  const contexts = new Map<string, Context>();
  const send = (message: object) => {
    if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(message));
  };
  const fail = (contextId: string, status: number, error: string) =>
    send({ type: 'error', context_id: contextId, done: true, status_code: status, error });

  socket.on('error', () => undefined); // A client that breaks off is its own affair.
  socket.on('message', (data: Buffer) => {
    let message: unknown;
    try {
      message = JSON.parse(data.toString());
    } catch {
      return fail('', 400, 'expected JSON, got something else');
    }
    const cancelled = cancellation.safeParse(message);
    if (cancelled.success) {
      const context = contexts.get(cancelled.data.context_id);
      if (context) context.stopped = true;
      return;
    }
    const asked = generation.safeParse(message);
    if (!asked.success) return fail('', 400, `generation request: ${z.prettifyError(asked.error)}`);
    let context = contexts.get(asked.data.context_id);
    if (!context) {
      // A context without a word is not a synthesis: plugins close empty ones with a blank.
      const silent = asked.data.transcript.trim() === '';
      const fault = silent ? undefined : channel.begin('tts').fault;
      context = { spoken: undefined, fault, stopped: false, queue: Promise.resolve() };
      contexts.set(asked.data.context_id, context);
    }
    const current = context;
    current.queue = current.queue.then(() => generate(asked.data, current));
    if (!asked.data.continue) contexts.delete(asked.data.context_id);
  });

  async function generate(ask: Generation, context: Context): Promise<void> {
    if (context.stopped) return;
    const { fault } = context;
    const base = { context_id: ask.context_id, status_code: 200, done: false };
    if (!context.spoken && ask.transcript.trim() !== '') {
      const wait = channel.latency('tts');
      if (wait > 0) await sleep(wait);
      if (fault?.kind === 'stall' && fault.at !== 'middle') return stop(context);
      if (fault?.kind === 'status') {
        fail(ask.context_id, fault.status, `The lab was told to answer ${fault.status}.`);
        socket.close(1011);
        return stop(context);
      }
      if (fault?.kind === 'refuse') {
        socket.terminate();
        return stop(context);
      }
      if (fault?.kind === 'malformed') {
        socket.send('this is not JSON');
        send({ ...base, type: 'chunk', data: 5 });
      } else context.spoken = channel.speak();
    }
    const { spoken } = context;
    if (spoken && ask.transcript.trim() !== '') {
      const durationMs = channel.durationOf(ask.transcript);
      const samples = encodeSpeech(
        spoken.utterance,
        durationMs,
        ask.output_format.sample_rate,
        spoken.durationMs / PIECE_MS,
      );
      if (fault?.kind === 'silence') samples.fill(0);
      const chunk = (ask.output_format.sample_rate * CHUNK_MS) / 1000;
      const breaks = fault?.kind === 'cut' || (fault?.kind === 'stall' && fault.at === 'middle');
      const end = breaks ? samples.length >> 1 : samples.length;
      if (ask.add_timestamps)
        send({ ...base, type: 'timestamps', word_timestamps: wordsOf(ask.transcript, spoken.durationMs, durationMs) });
      for (let at = 0; at < end; at += chunk) {
        const audio = pcmBytes(samples.subarray(at, Math.min(end, at + chunk)));
        send({ ...base, type: 'chunk', step_time: 10, data: audio.toString('base64') });
        const everyMs = CHUNK_MS / channel.profile.timesRealTime;
        if (everyMs > 0) await sleep(everyMs);
        if (context.stopped) break; // cancelled: nobody wants the rest
      }
      spoken.text = `${spoken.text} ${ask.transcript}`.trim();
      spoken.durationMs += durationMs;
      if (context.stopped) return;
      if (breaks) {
        // Closing, unlike terminating, lets the half that was sent arrive.
        if (fault.kind === 'cut') socket.close(1011);
        return stop(context);
      }
    }
    if (ask.continue) return;
    if (spoken) spoken.complete = true;
    send({ ...base, type: 'done', done: true });
  }
}

function stop(context: Context): void {
  context.stopped = true;
}

/** Words share the time of their sentence evenly. Times in seconds from the beginning of the context. */
function wordsOf(
  text: string,
  fromMs: number,
  durationMs: number,
): { words: string[]; start: number[]; end: number[] } {
  const words = text.match(/\S+/g) ?? [];
  const each = durationMs / Math.max(1, words.length) / 1000;
  const start = words.map((_, index) => fromMs / 1000 + index * each);
  return { words, start, end: start.map((at) => at + each) };
}
