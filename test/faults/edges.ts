/** The edges of a call in this process: what it speaks through, and the place it happens in. No network. */
import { EventEmitter } from 'node:events';
import type { voice } from '@livekit/agents';
import type { AudioFrame } from '@livekit/rtc-node';
import { endOf, type SessionEvent } from '../../machines/index.ts';
import { isLoud } from '../../src/sound/loudness.ts';
import { LineInput } from '../../src/livekit/terminal/line-input.ts';
import { PacedOutput } from '../../src/livekit/terminal/paced-output.ts';
import type { Caller, Pcm, Reporter, TrackOf, Venue } from '../../src/livekit/venue.ts';
import { unlessAborted } from '../../src/waiting/deadline.ts';
import { MS_A_CHARACTER, textOf } from './models.ts';

/** Bundled recordings last seconds; the tests do not. */
const RECORDED_SPEED = 20;
const CLEARING_MS = 40;

/** A line as it came out: through the session's output or on the track of our own. */
export type HeardLine = {
  text: string;
  through: 'session' | 'own track';
  heardMs: number;
  isOver: boolean;
  isCut: boolean;
  /** When its last sample was played; undefined while it plays. */
  overAt?: number;
};

/** Somebody who listens. */
export type Ear = { heard: HeardLine[]; changed: () => void; trouble: Trouble };

/** What is wrong with a track: the session's own, or ours. */
export type Trouble = Partial<Record<TrackOf, string>>;

// ── what the session speaks through ──────────────────────────────────────────────────────────────────────────────

/**
 * The paced output, and what somebody who listens to it would say was said. As in a room, cutting takes a while, and
 * what is pushed meanwhile is lost.
 */
export class HeardOutput extends PacedOutput {
  readonly #ear: Ear;
  #line: HeardLine | undefined;
  #isClearing = false;
  #isCut = false;

  constructor(ear: Ear) {
    super();
    this.#ear = ear;
    this.on(PacedOutput.EVENT_PLAYBACK_FINISHED, (event: { playbackPosition: number; interrupted: boolean }) => {
      if (this.#line) {
        Object.assign(this.#line, {
          isOver: true,
          isCut: event.interrupted,
          heardMs: Math.round(event.playbackPosition * 1000),
          overAt: Date.now(),
        });
      }
      this.#line = undefined;
      ear.changed();
    });
  }

  override clearBuffer(): void {
    if (!this.#line || this.#isClearing) return;
    this.#isClearing = true;
    this.#isCut = false;
    super.clearBuffer();
    if (!this.#isCut) this.#isClearing = false; // nothing had been played yet
  }

  override onPlaybackFinished(event: { playbackPosition: number; interrupted: boolean }): void {
    if (!this.#isClearing) return super.onPlaybackFinished(event);
    this.#isCut = true;
    // What a room's output says of a line that was cut: how much of the text was heard.
    const heardCharacters = Math.round((event.playbackPosition * 1000) / MS_A_CHARACTER);
    const synchronizedTranscript = (this.#line?.text ?? '').slice(0, heardCharacters);
    setTimeout(() => {
      this.#isClearing = false;
      super.onPlaybackFinished({ ...event, synchronizedTranscript });
    }, CLEARING_MS);
  }

  override flush(): void {
    if (!this.#isClearing) super.flush();
  }

  override async captureFrame(frame: AudioFrame): Promise<void> {
    if (this.#isClearing) return;
    if (this.#ear.trouble.voice !== undefined) await new Promise(() => {}); // nobody subscribed: it waits, for ever
    const text = textOf(frame.data);
    if (!this.#line) {
      this.#line = { text, through: 'session', heardMs: 0, isOver: false, isCut: false };
      this.#ear.heard.push(this.#line);
    } else if (!this.#line.text.endsWith(text)) this.#line.text += ` ${text}`;
    await super.captureFrame(frame);
    this.#ear.changed();
  }
}

/** Takes every frame and never says that one was played to its end, also not when it is cut. */
export class DeadOutput extends HeardOutput {
  override onPlaybackFinished(): void {}
}

/** Nobody subscribes to it: it takes no frame, for as long as the call lasts. */
export class BlockedOutput extends HeardOutput {
  override captureFrame(): Promise<void> {
    return new Promise(() => {});
  }
}

// ── the place ────────────────────────────────────────────────────────────────────────────────────────────────────

export type Placement = {
  /** What the session speaks through. */
  output?: new (ear: Ear) => voice.AudioOutput;
  isSip?: boolean;
  /** What is not as usual there; it is given what is. */
  venue?: (usual: Venue, reporter: Reporter) => Partial<Venue>;
};

export type Edge = {
  venue: Venue;
  /** The reasons that the client was told. */
  told: readonly string[];
  /** When the caller was let go, and how many lines had begun then. */
  hangUp: () => { at: number; heard: number } | undefined;
  /** Hangs up. */
  leaves: () => void;
  /** Is gone, and no event says so. */
  vanishes: () => void;
  /** Loses the connection, and comes back. */
  isLost: () => void;
  returns: () => void;
};

/** A room in which the caller is from the beginning. */
export function madeVenue(
  { send, recorder }: Reporter,
  ear: Ear,
  { output: Output = HeardOutput, isSip = false, venue: unusual }: Placement,
): Edge {
  const input = new LineInput(16_000);
  const caller: Caller = { identity: 'caller', isSip };
  const whom = { identity: 'caller', sid: 'PA_1', kind: isSip ? 'sip' : 'standard', isCaller: true };
  let isThere = true;
  let hungUp: { at: number; heard: number } | undefined;
  let playing: AbortController | undefined;
  const arrivals = new EventEmitter();
  const told: string[] = [];

  const tell = (change: 'left' | 'lost' | 'returned', event: SessionEvent, reason?: string) => {
    isThere = change === 'returned';
    if (hungUp) return;
    recorder.append('participant', { change, ...whom, ...(reason !== undefined && { reason }) });
    send(event);
    if (isThere) arrivals.emit('here');
  };
  const usual: Venue = {
    connect: async () => {
      recorder.append('room', { change: 'connected', sid: 'RM_1' });
      recorder.append('participant', { change: 'joined', ...whom });
    },
    expectCaller: () => {},
    somebody: async () => {},
    linked: async () => {},
    whoIsThere: () => 'the caller is there',
    awaitCaller: async () => caller,
    caller: () => (isThere ? caller : undefined),
    isCallerThere: () => isThere,
    presence: (signal) =>
      isThere
        ? Promise.resolve()
        : unlessAborted(new Promise<void>((resolve) => arrivals.once('here', resolve)), signal),
    wire: (session) => {
      session.input.audio = input;
      session.output.audio ??= new Output(ear); // as a room does: what the user put there stays
      return { record: false };
    },
    play: async (audio, given, onAudible) => {
      playing?.abort();
      playing = new AbortController();
      const signal = AbortSignal.any([given, playing.signal]);
      if (ear.trouble['own track'] !== undefined) await unlessAborted(new Promise(() => {}), signal);
      return playFast(audio, signal, onAudible, ear);
    },
    refer: async () => ({ outcome: 'failed', error: 'refer: there is no telephone here' }),
    answered: (_identity, signal) => unlessAborted(new Promise<never>(() => {}), signal),
    dismiss: async () => {},
    trouble: (track) => ear.trouble[track],
    announce: async ({ reason }) => void told.push(reason),
    hangUp: async () => {
      isThere = false;
      hungUp = { at: Date.now(), heard: ear.heard.length };
      return { verified: true, attempts: 1, left: [] };
    },
    hush: () => playing?.abort(),
    leave: () => Promise.resolve(),
    close: async () => {
      playing?.abort();
      await input.close();
    },
  };
  return {
    venue: { ...usual, ...unusual?.(usual, { send, recorder }) },
    hangUp: () => hungUp,
    told,
    leaves: () => tell('left', { type: 'caller.left', end: endOf('caller', 'caller_hung_up') }, 'CLIENT_INITIATED'),
    vanishes: () => void (isThere = false),
    isLost: () => tell('lost', { type: 'caller.lost' }, 'CONNECTION_TIMEOUT'),
    returns: () => tell('returned', { type: 'caller.returned' }),
  };
}

async function playFast(audio: AsyncIterable<Pcm>, signal: AbortSignal, onAudible: () => void, ear: Ear) {
  let plannedMs = 0;
  let line: HeardLine | undefined;
  for await (const { samples, sampleRate } of audio) {
    if (signal.aborted) break;
    plannedMs += (samples.length * 1000) / sampleRate;
    if (!line && isLoud(samples)) {
      line = { text: textOf(samples), through: 'own track', heardMs: 0, isOver: false, isCut: false };
      ear.heard.push(line);
      onAudible();
      ear.changed();
    }
  }
  const end = new Promise((resolve) => setTimeout(resolve, plannedMs / RECORDED_SPEED));
  await unlessAborted(end, signal).catch(() => {});
  const heardMs = line && !signal.aborted ? plannedMs : 0;
  if (line) Object.assign(line, { heardMs, isOver: true, isCut: signal.aborted, overAt: Date.now() });
  ear.changed();
  return { heardMs, plannedMs };
}
