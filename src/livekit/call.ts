/** The call as the user's code sees it. */
import type { JobContext, JobProcess, llm, voice } from '@livekit/agents';
import type { RemoteParticipant, Room } from '@livekit/rtc-node';
import type { HangUpStrategy, Transferred } from '../../machines/index.ts';
import type { Json } from '../journal/entry.ts';
import type { ReferOptions } from '../rooms/refer.ts';
import type { Log } from '../session/ports.ts';

export type EndOptions = {
  /** Default true: current speech and tools may finish, for at most `drainMs`. False cuts them. */
  drain?: boolean;
  /** Default true: the goodbye is spoken, where one is defined and somebody is there. */
  goodbye?: boolean;
  /** What came of the call, in the application's own words; kept beside the reason. Default: nothing. */
  outcome?: Json;
  /**
   * How the caller is let go, for this end alone. Default: as the definition's `hangUp` says. Any other word is reported
   * as an error, and the call ends with the default.
   */
  hangUp?: HangUpStrategy;
};

/** What a call brings along whose process died. */
export type Resumed = {
  /** Number of the process in this session: 2, and one more for each that died. */
  readonly epoch: number;
  /** Id of the agent that a handoff led to; undefined: the first one. `agents` makes it. */
  readonly agent: string | undefined;
  /** The conversation so far; the agent has it already. A tool that ran when the process died is in it as unknown. */
  readonly history: llm.ChatContext;
  /** What `snapshot(call)` said last; undefined: nothing. */
  readonly snapshot: Json | undefined;
};

export type Call = {
  /** The session's id: that of its first job. */
  readonly id: string;
  /** The SDK's room. */
  readonly room: Room;
  /**
   * The caller; undefined until it is known who that is. An inbound telephone is it while it still rings
   * (`sip.callStatus`). Until `start(call)` was asked it is who will be it if that names nobody else.
   */
  readonly participant: RemoteParticipant | undefined;
  /** The job's metadata: parsed where it is JSON, else the text. */
  readonly metadata: unknown;
  /** The job as LiveKit sent it. */
  readonly job: JobContext['job'];
  /** The SDK's job process, with the `userData` that `prewarm` filled. */
  readonly proc: JobProcess;
  /** Every line carries session, job and room, and your `logFields`. */
  readonly log: Log;
  /** Aborted when the caller has been let go. */
  readonly signal: AbortSignal;
  /** The room's metadata as it is now. */
  readonly roomMetadata: string;
  /** Keeps a value in the journal and the report, under `application`. The last one for a key wins. */
  attach(key: string, value: Json): void;
  /** Ends the session; returns at once, never throws, may be called 300 times. The first reason wins. */
  end(reason?: string, options?: EndOptions): void;
  /**
   * Gives the caller time, in ms: they fetch a document, look something up. No nudge until then, or until they speak or
   * press a key; after it `idleMs` begins anew. A value that is no time is logged, and nothing is given.
   */
  giveTime(ms: number): void;
  /**
   * What your own detector has found out about the other side. `voicemail` ends the call (reason `voicemail`, with the
   * words of `voicemail.goodbye`); `hold_music` mutes the input until `human`, for at most `holdMs` (then `on_hold`).
   */
  report(found: 'voicemail' | 'hold_music' | 'human'): void;
  /**
   * Hands the caller to somebody else; never rejects. `transferred` ends the call with that reason and without a goodbye;
   * after any other outcome the conversation goes on. One at a time, while the call converses, for at most `transferMs`.
   */
  transfer(target: TransferTarget): Promise<Transferred>;
  /**
   * Releases something of yours after the hang-up, whatever ended the call; each has most of `closeMs`, and what fails or
   * hangs is in the report. When the process dies nothing is released.
   */
  onClose(name: string, release: () => unknown): void;
  /** After a crash: what is left of the call so far. Undefined for a call that began in this process. */
  readonly resumed: Resumed | undefined;
  /** Escape hatch: the SDK's JobContext. */
  readonly context: JobContext;
  /** Escape hatch: the SDK's AgentSession; undefined before it started and for programs. */
  readonly session: voice.AgentSession | undefined;
};

/** `refer`: a SIP caller's leg is moved (`tel:` or `sip:`). `participant`: somebody comes into the room, by identity. */
export type TransferTarget =
  | ({
      /** Where the caller's leg goes: `tel:…` or `sip:…`. */
      refer: string;
    } & ReferOptions)
  | {
      /** Whose coming is waited for: an identity. */
      participant: string;
      /** Calls them: rings a telephone (`createSipParticipant`), tells a desk. A rejection is a refusal. Default: they come by themselves. */
      invite?: (signal: AbortSignal) => unknown;
      /** Asks them whether they take the call; false is a refusal. Default: who joins (and picks up) takes it. */
      confirm?: (somebody: RemoteParticipant, signal: AbortSignal) => boolean | Promise<boolean>;
    };

/** Keys by which a merge of the user's would reach a prototype. */
const reaches = (key: string, value: unknown): boolean =>
  key === '__proto__' ||
  (key === 'constructor' && typeof value === 'object' && value !== null && Object.hasOwn(value, 'prototype'));

/** Job metadata: JSON where it is JSON, else the text as it came. Keys that reach a prototype are dropped. Pure. */
export function parseMetadata(text: string): unknown {
  if (text.trim() === '') return text;
  try {
    return JSON.parse(text, (key, value: unknown) => (reaches(key, value) ? undefined : value));
  } catch {
    return text;
  }
}
