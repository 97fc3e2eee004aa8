/**
 * The terminal as a venue: no server and no microphone, but the real AgentSession, the real plugins, a real process.
 * What the caller does comes from the room, which is a process of its own (room-messages.ts). A room that is gone is a
 * caller who is gone.
 */
import type { JobContext, voice } from '@livekit/agents';
import { endOf } from '../../../machines/index.ts';
import { messageOf } from '../../errors/thrown.ts';
import { unlessAborted } from '../../waiting/deadline.ts';
import { readWav } from '../../sound/wav.ts';
import { connectArguments } from '../connect-options.ts';
import { isLoud } from '../../sound/loudness.ts';
import type { Caller, Pcm, Reporter, Venue } from '../venue.ts';
import { joinChannel, type LineChannel } from './line-channel.ts';
import { LineInput } from './line-input.ts';
import { type Hear, PacedOutput } from './paced-output.ts';
import { type AgentAct, type CallerAct, ROOM, SOUND } from './room-messages.ts';

const SAMPLE_RATE = 16_000;
const IDENTITY = 'you';
const recordings = {
  short: new URL('../../sound/assets/caller-short.en.wav', import.meta.url),
  long: new URL('../../sound/assets/caller-long.en.wav', import.meta.url),
};

export function terminalVenue(context: JobContext, { send, recorder }: Reporter): Venue {
  const input = new LineInput(SAMPLE_RATE);
  const agent = context.info.acceptArguments.identity;
  let room: LineChannel<AgentAct, CallerAct> | undefined;
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
  const take = (does: CallerAct): void => {
    if (isHungUp) return;
    switch (does.type) {
      case 'join':
        isThere = true;
        note('joined');
        arrive();
        break;
      case 'speak':
        input.speak(readWav(does.words > 6 ? recordings.long : recordings.short));
        break;
      case 'voice':
        input.speak({ samples: samplesIn(does.samples), sampleRate: SAMPLE_RATE });
        break;
      case 'type': // as the SDK takes a text of a room
        void live?.interrupt();
        live?.generateReply({ userInput: does.text });
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
  const listen = (does: CallerAct) => {
    try {
      take(does);
    } catch (error) {
      recorder.append('error', { component: 'terminal', message: messageOf(error), recoverable: true });
    }
  };
  const enter = async (signal: AbortSignal): Promise<void> => {
    const path = process.env[ROOM];
    if (path === undefined) return; // the SDK's own console: nobody is here but its broker
    room = await unlessAborted(joinChannel<AgentAct, CallerAct>(path), signal);
    room.send({ type: 'here', identity: agent });
    room.onMessage(listen);
    room.onGone(() => listen({ type: 'hang-up' }));
  };
  const hear: Hear = (sound) => {
    if (process.env[SOUND] === undefined) return;
    room?.send({
      type: 'heard',
      sound:
        sound === 'hush'
          ? { kind: 'hush' }
          : { kind: 'sound', sampleRate: sound.sampleRate, samples: base64Of(sound.samples) },
    });
  };

  return {
    connect: async (signal, options = {}) => {
      await unlessAborted(context.connect(...connectArguments(options)), signal);
      await enter(signal);
    },
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
      room?.send({ type: 'hung-up' });
      return { verified: true, attempts: 1, left: [] };
    },
    leave: () => Promise.resolve(),
    hush: () => playing?.abort(),
    close: async () => {
      room?.onMessage(() => {}); // it stays open to the end of the process: by that the room knows it
      playing?.abort();
      await input.close();
    },
  };
}

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
