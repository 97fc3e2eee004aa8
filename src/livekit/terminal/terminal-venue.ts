/**
 * The terminal as a venue: no server and no microphone, but the real AgentSession, the real plugins, a real process.
 * The host (the parent process) says over IPC what the caller does.
 */
import type { JobContext, voice } from '@livekit/agents';
import { endOf } from '../../../machines/index.ts';
import { messageOf } from '../../errors/thrown.ts';
import { unlessAborted } from '../../waiting/deadline.ts';
import { readWav } from '../../sound/wav.ts';
import { connectArguments } from '../connect-options.ts';
import { isLoud } from '../../sound/loudness.ts';
import type { Caller, Pcm, Reporter, Venue } from '../venue.ts';
import { LineInput } from './line-input.ts';
import { type Hear, PacedOutput } from './paced-output.ts';
import { SOUND, type TerminalSound } from './sound.ts';

/** What the host may say; anything else on the channel is the SDK's. */
export type TerminalMessage = {
  case: 'lastword.terminal';
  value:
    | { type: 'join' | 'hang-up' | 'vanish' | 'return' }
    | { type: 'speak'; words: number }
    /** As text, past the ears: for models that would hear what a recording says. */
    | { type: 'type'; text: string }
    /** From a microphone: 16 bits at 16 kHz, base64. */
    | { type: 'voice'; samples: string };
};

const SAMPLE_RATE = 16_000;
const IDENTITY = 'you';
const recordings = {
  short: new URL('../../sound/assets/caller-short.en.wav', import.meta.url),
  long: new URL('../../sound/assets/caller-long.en.wav', import.meta.url),
};

export function terminalVenue(context: JobContext, { send, recorder }: Reporter): Venue {
  const input = new LineInput(SAMPLE_RATE);
  const caller: Caller = { identity: IDENTITY, isSip: false };
  let isThere = false;
  let isHungUp = false;
  let playing: AbortController | undefined;
  let live: voice.AgentSession | undefined;
  let arrive = () => {};
  const arrived = new Promise<void>((resolve) => (arrive = resolve));

  const note = (change: 'joined' | 'left' | 'lost' | 'returned', reason?: string) =>
    recorder.append('participant', {
      change,
      identity: IDENTITY,
      kind: 'standard',
      isCaller: true,
      ...(reason !== undefined && { reason }),
    });
  const take = ({ value }: TerminalMessage): void => {
    if (isHungUp) return;
    switch (value.type) {
      case 'join':
        isThere = true;
        note('joined');
        arrive();
        break;
      case 'speak':
        input.speak(readWav(value.words > 6 ? recordings.long : recordings.short));
        break;
      case 'voice':
        input.speak({ samples: samplesIn(value.samples), sampleRate: SAMPLE_RATE });
        break;
      case 'type': // as the SDK takes a text of a room
        void live?.interrupt();
        live?.generateReply({ userInput: value.text });
        break;
      case 'hang-up':
        isThere = false;
        note('left', 'CLIENT_INITIATED');
        send({ type: 'caller.left', end: endOf('caller', 'caller_hung_up') });
        break;
      case 'vanish':
        isThere = false;
        note('lost', 'CONNECTION_TIMEOUT');
        send({ type: 'caller.lost' });
        break;
      case 'return':
        isThere = true;
        note('returned');
        send({ type: 'caller.returned' });
        break;
    }
  };
  const listen = (message: TerminalMessage) => {
    if (message.case !== 'lastword.terminal') return;
    try {
      take(message);
    } catch (error) {
      recorder.append('error', { component: 'terminal', message: messageOf(error), recoverable: true });
    }
  };
  process.on('message', listen);

  return {
    connect: (signal, options = {}) => unlessAborted(context.connect(...connectArguments(options)), signal),
    expectCaller: () => {}, // there is one, and everybody knows who
    somebody: (signal) => unlessAborted(arrived, signal),
    linked: (signal) => unlessAborted(arrived, signal),
    whoIsThere: () => (isThere ? IDENTITY : 'nobody was there'),
    awaitCaller: (signal) => unlessAborted(arrived, signal).then(() => caller),
    caller: () => (isThere ? caller : undefined),
    isCallerThere: () => isThere,
    presence: (signal) => unlessAborted(arrived, signal),
    wire: (session: voice.AgentSession) => {
      live = session;
      session.input.audio = input;
      session.output.audio ??= new PacedOutput(hear);
      return { record: false };
    },
    play: async (audio, given, onAudible) => {
      playing?.abort();
      const stop = (playing = new AbortController());
      const signal = AbortSignal.any([given, stop.signal]);
      const played = await playPaced(audio, signal, onAudible, hear);
      return { ...played, isHushed: stop.signal.aborted && !given.aborted };
    },
    refer: async () => ({ outcome: 'failed', error: 'refer: there is no telephone here' }),
    answered: (_identity, signal) => unlessAborted(new Promise<never>(() => {}), signal),
    dismiss: async () => {},
    trouble: () => undefined,
    announce: async () => {},
    hangUp: async () => {
      isHungUp = true;
      isThere = false;
      return { verified: true, attempts: 1, left: [] };
    },
    leave: () => Promise.resolve(),
    hush: () => playing?.abort(),
    close: async () => {
      process.off('message', listen);
      playing?.abort();
      await input.close();
    },
  };
}

const hear: Hear = (sound) => {
  if (process.env[SOUND] === undefined || !process.connected) return;
  const value: TerminalSound['value'] =
    sound === 'hush'
      ? { kind: 'hush' }
      : { kind: 'sound', sampleRate: sound.sampleRate, samples: base64Of(sound.samples) };
  process.send?.({ case: 'lastword.heard', value } satisfies TerminalSound);
};
/** Whole samples only; a copy, since the bytes may begin anywhere. */
const samplesIn = (text: string): Int16Array => {
  const bytes = Uint8Array.from(Buffer.from(text, 'base64'));
  return new Int16Array(bytes.buffer, 0, bytes.length >> 1);
};
const base64Of = ({ buffer, byteOffset, byteLength }: Int16Array): string =>
  Buffer.from(buffer, byteOffset, byteLength).toString('base64');

async function playPaced(audio: AsyncIterable<Pcm>, signal: AbortSignal, onAudible: () => void, hear: Hear) {
  let plannedMs = 0;
  let startedAt: number | undefined;
  let isAudible = false;
  try {
    for await (const { samples, sampleRate } of audio) {
      if (signal.aborted) break;
      startedAt ??= Date.now();
      if (!isAudible && isLoud(samples)) {
        isAudible = true;
        onAudible();
      }
      hear({ samples, sampleRate });
      plannedMs += (samples.length * 1000) / sampleRate;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  const begun = startedAt ?? Date.now();
  const rest = begun + plannedMs - Date.now();
  signal.addEventListener('abort', () => hear('hush'), { once: true });
  await unlessAborted(new Promise((resolve) => setTimeout(resolve, rest)), signal).catch(() => {});
  return {
    heardMs: isAudible ? Math.round(Math.min(plannedMs, Date.now() - begun)) : 0,
    plannedMs: Math.round(plannedMs),
  };
}
