/**
 * An audio track of our own: apologies and fillers play on it, before, without and after an AgentSession, and beside
 * one whose speech queue is stuck. Published when it is first needed (65 ms measured), one for each sample rate.
 */
import {
  AudioFrame,
  AudioSource,
  LocalAudioTrack,
  type Room,
  TrackPublishOptions,
  TrackSource,
} from '@livekit/rtc-node';
import { settledWithin, unlessAborted } from '../waiting/deadline.ts';
import { isLoud } from '../sound/loudness.ts';
import type { Pcm, PlayResult } from './venue.ts';

const FRAME_MS = 20;
/** Short enough that a cut is heard as one, long enough that a busy event loop leaves no gap. */
const QUEUE_MS = 400;
/** From a cleared queue to the answer for the frame that waited for room in it: one step of its clock, of 10 ms. */
const CLEARED_MS = 200;

/** Of the recordings in the package, so that what is published ahead of them serves them. */
const RATE = 24_000;

export type OwnTrack = {
  /** Published before there is anything to play. */
  open(): Promise<void>;
  /** Rejects when aborted before the end, with nothing lost: what was heard is in `progress`. */
  play(audio: AsyncIterable<Pcm>, signal: AbortSignal, onAudible: () => void): Promise<PlayResult>;
  hush(): void;
  close(): Promise<void>;
};

type Published = {
  source: AudioSource;
  subscribed: Promise<void>;
  /** Whose frames are in the queue. */
  holder?: AbortController;
  /** The last frame, which may wait for room in the queue. */
  waiting?: Promise<void>;
};

/** A source refuses a frame while another one waits for room: who was cut leaves first. */
async function clear(target: Published): Promise<void> {
  target.source.clearQueue();
  if (target.waiting) await settledWithin(target.waiting, CLEARED_MS);
}

export function ownTrack(room: Room): OwnTrack {
  const published = new Map<number, Promise<Published>>();
  let playing: AbortController | undefined;

  const publish = async (sampleRate: number): Promise<Published> => {
    const { localParticipant } = room;
    if (!localParticipant || !room.isConnected) throw new Error('own track: the room is not connected');
    const source = new AudioSource(sampleRate, 1, QUEUE_MS);
    const track = LocalAudioTrack.createAudioTrack('lastword', source);
    const publication = await localParticipant.publishTrack(
      track,
      new TrackPublishOptions({ source: TrackSource.SOURCE_MICROPHONE }),
    );
    return { source, subscribed: publication.waitForSubscription() };
  };
  const sourceFor = (sampleRate: number): Promise<Published> => {
    const known = published.get(sampleRate) ?? publish(sampleRate);
    published.set(sampleRate, known);
    known.catch(() => published.delete(sampleRate));
    return known;
  };

  const play: OwnTrack['play'] = async (audio, given, onAudible) => {
    const stop = new AbortController();
    playing?.abort();
    playing = stop;
    const signal = AbortSignal.any([given, stop.signal]);
    let pushedMs = 0;
    let isAudible = false;
    let target: Published | undefined;
    const heardMs = () => Math.max(0, Math.round(pushedMs - (target?.source.queuedDuration ?? 0)));
    try {
      for await (const { sampleRate, samples } of audio) {
        if (signal.aborted) break;
        target = await unlessAborted(sourceFor(sampleRate), signal);
        await unlessAborted(target.subscribed, signal);
        if (target.holder !== stop) await unlessAborted(clear(target), signal);
        target.holder = stop;
        const perFrame = (sampleRate * FRAME_MS) / 1000;
        for (let at = 0; at < samples.length && !signal.aborted; at += perFrame) {
          const frame = samples.slice(at, at + perFrame); // a copy: AudioFrame takes the buffer from its first byte on
          target.waiting = target.source.captureFrame(new AudioFrame(frame, sampleRate, 1, frame.length));
          await unlessAborted(target.waiting, signal);
          if (!isAudible && isLoud(frame)) {
            isAudible = true;
            onAudible();
          }
          pushedMs += (frame.length * 1000) / sampleRate;
        }
      }
      if (target) await unlessAborted(target.source.waitForPlayout(), signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    const result = {
      heardMs: isAudible ? heardMs() : 0,
      plannedMs: Math.round(pushedMs),
      isHushed: stop.signal.aborted && !given.aborted,
    };
    if (signal.aborted && target?.holder === stop) await clear(target);
    if (playing === stop) playing = undefined;
    return result;
  };

  return {
    open: async () => {
      await sourceFor(RATE);
    },
    play,
    hush: () => playing?.abort(),
    close: async () => {
      playing?.abort();
      for (const each of published.values()) {
        const opened = await each.catch(() => undefined);
        await opened?.source.close();
      }
    },
  };
}
