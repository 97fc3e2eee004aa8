/**
 * Where a call happens: a LiveKit room, or the terminal. What differs between the two is here; everything else of a
 * session is the same code. A venue reports what happens in it by itself, through the `Reporter` it was made with.
 */
import type { voice } from '@livekit/agents';
import type { RemoteParticipant } from '@livekit/rtc-node';
import type { End, HangUpStrategy, SessionEvent } from '../../machines/index.ts';
import type { Referral, ReferOptions } from '../rooms/refer.ts';
import type { HangUpResult } from '../rooms/rooms.ts';
import type { Recorder } from '../session/ports.ts';
import type { CallerWish } from './caller/choice.ts';
import type { ConnectOptions } from './connect-options.ts';
import type { StartOptions } from './definition.ts';

/** How observers speak to the machine and the journal. */
export type Reporter = { send: (event: SessionEvent) => void; recorder: Recorder };

export type Caller = { identity: string; participant?: RemoteParticipant; isSip: boolean };

export type PlayResult = {
  heardMs: number;
  plannedMs: number;
  /** By `hush`: somebody speaks. */
  isHushed?: boolean;
};

/** Frames for a track of our own, which needs no AgentSession. */
export type Pcm = { sampleRate: number; samples: Int16Array };

/** The agent's own voice, what apologies and fillers play on, and the caller's microphone. */
export type TrackOf = 'voice' | 'own track' | 'microphone';

export type Venue = {
  /** Into the room. Everything that can be observed is observed before. */
  connect(signal: AbortSignal, options?: ConnectOptions): Promise<void>;
  /** Whom the options of the session name; told once, when they were asked for. */
  expectCaller(wish: CallerWish): void;
  /** Resolves once somebody is there, whoever they are. */
  somebody(signal: AbortSignal): Promise<void>;
  /** Resolves once it is known who the caller is; a telephone may still ring. */
  linked(signal: AbortSignal): Promise<void>;
  /** Resolves once the caller is there to be spoken to; an inbound telephone that rings is picked up. */
  awaitCaller(signal: AbortSignal): Promise<Caller>;
  caller(): Caller | undefined;
  isCallerThere(): boolean;
  /** In words: who was expected, and who is there instead. */
  whoIsThere(): string;
  /** Resolves once somebody is there to speak to. */
  presence(signal: AbortSignal): Promise<void>;
  /** How the AgentSession gets its ears and its voice. */
  wire(session: voice.AgentSession, options: StartOptions): Partial<Parameters<voice.AgentSession['start']>[0]>;
  /** Plays on a track of our own; `onAudible` at the first sample that somebody can hear. Stops when aborted. */
  play(audio: AsyncIterable<Pcm>, signal: AbortSignal, onAudible: () => void): Promise<PlayResult>;
  /** Moves a SIP caller's leg elsewhere. `graceMs`: what a lost caller has. Never rejects. */
  refer(to: string, options: ReferOptions & { graceMs: number }, signal: AbortSignal): Promise<Referral>;
  /** Resolves once this somebody is in the room and has picked up; rejects when they leave before. */
  answered(identity: string, signal: AbortSignal): Promise<RemoteParticipant>;
  /** Out of the room with somebody who was called and is not needed: a telephone may not ring on. Never rejects. */
  dismiss(identity: string): Promise<void>;
  /** What is known to be wrong with a track at this moment, in words. */
  trouble(track: TrackOf): string | undefined;
  /** Tells the client why the call ends, before it is let go. Never rejects, and takes 100 ms at most. */
  announce(end: End, session: string): Promise<void>;
  hangUp(strategy: HangUpStrategy, signal: AbortSignal): Promise<HangUpResult>;
  /** Out, without a word and without letting anybody go: somebody else speaks for this call. */
  leave(): Promise<void>;
  /** What plays on our own track, stopped. */
  hush(): void;
  close(): Promise<void>;
};
