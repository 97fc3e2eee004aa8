/** One call at work in this process: what its observers and its effects share. */
import type { tts, voice } from '@livekit/agents';
import type { Transferred } from '../../machines/index.ts';
import type { Blobs } from '../journal/blobs.ts';
import type { LineName } from '../journal/entry.ts';
import type { SessionRun } from '../session/run.ts';
import type { TransferTarget } from './call.ts';
import type { Defined, StartOptions } from './definition.ts';
import type { OpenCall } from './open-call.ts';
import type { AsyncLocalStorage } from 'node:async_hooks';
import type { EventEmitter } from 'node:events';
import type { EarlyWords } from './act/early-words.ts';
import type { Guarded } from './guard/guarded.ts';
import type { OwnEnds } from './guard/own-ends.ts';
import type { HeardWords } from './observe/heard-words.ts';
import type { Playout } from './observe/playout.ts';
import type { Requests } from './observe/requests.ts';
import type { Speeches } from './observe/speeches.ts';
import type { Turns } from './observe/turns.ts';
import type { Snapshots } from './snapshot.ts';
import type { Venue } from './venue.ts';

export type LiveJob = Omit<OpenCall, 'begins'> & {
  /** This call's own: what it says by functions of the call is filled in as they answer. */
  readonly definition: Defined;
  /** The first words after a crash. */
  resumedWords?: string;
  /** The same, as they come from the voice. */
  earlyWords?: EarlyWords;
  /** Of the first agent after a crash: what its `onEnter` says is held back while it runs. */
  readonly entering: AsyncLocalStorage<{ isOn: boolean }>;
  /** Settled when its lines were asked for; undefined before. With what was wrong with the greeting. */
  lines?: Promise<{ error: unknown } | undefined>;
  /** What `session(call)` speaks with, before there is an AgentSession. */
  firstVoice?: tts.TTS;
  /** Lines that were left out, each told once. */
  leftOut?: Set<LineName>;
  readonly venue: Venue;
  readonly turns: Turns;
  readonly run: SessionRun;
  /** The AgentSession and its playout, from the moment it is made. */
  session: voice.AgentSession | undefined;
  playout: Playout | undefined;
  /** What `start(call)` said, once it was asked. */
  startOptions?: StartOptions;
  /** Speeches and tools that are under way, for the drain. */
  readonly speeches: Set<voice.SpeechHandle>;
  readonly tools: Set<Promise<unknown>>;
  /** What became of each speech; from the moment the AgentSession is made. */
  told: Speeches | undefined;
  /** Lines that were asked for, whatever became of them. */
  readonly asked: Set<LineName>;
  fillersSaid: number;
  /** The last failure of a model that nothing tried again. */
  failedProvider?: string;
  /** The transfer that is under way. */
  transfer: { id: string; target: TransferTarget; settle: (result: Transferred) => void } | undefined;
  /** How many transfers were asked for: the next one's id. */
  transfersAsked: number;
  /** Since when the session is not heard any more, by the monotonic clock. */
  quietSince?: number | undefined;
  readonly guarded: Guarded;
  /** What hears the AgentSession beside its own listeners (observe/overhear.ts). */
  readonly ears: EventEmitter;
  /** Asks another job to go on with the call: the process is gone before it settles, or nobody else has the call. */
  goesElsewhere?: (signal: AbortSignal) => Promise<never>;
  /** Its model cannot go on, with the call still on; the SDK would have closed the session. */
  isSessionLost?: true;
  /** The SDK's ways to end it. */
  readonly ownEnds: OwnEnds;
  /** The words of each reply, as they are played; from the moment the AgentSession is made. */
  words?: HeardWords;
  /** What the models were asked; from the same moment on. */
  requests?: Requests;
  /** Where the application's own state goes, when it says one. */
  snapshots: Snapshots | undefined;
  /** Where images of the conversation go. Undefined: nowhere. */
  blobs?: Blobs;
};
