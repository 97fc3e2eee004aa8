/** What a call has put its hands on: objects of the SDK's and the user's, each guarded once. */
import type { llm, stt, voice } from '@livekit/agents';

export class Guarded {
  /** Models that are watched (observe/models.ts), and those of them that said they gave up. */
  readonly models = new WeakSet<object>();
  readonly broken = new WeakSet<object>();
  /** Agents, with how each would hear unguarded. */
  readonly agents = new WeakMap<voice.Agent, voice.Agent['sttNode']>();
  /** The open ears, which say whether they are opened again after the error that they reported. */
  ears: { opensAgain: (message: string, isRefusal: boolean) => boolean } | undefined;
  /** Errors that the SDK is not to close the session for. */
  readonly withheld = new WeakSet<object>();
  /** Recognitions that do not stream, with what each did unguarded. */
  readonly recognizers = new WeakMap<stt.STT, stt.STT['recognize']>();
  /** Toolsets, with the agent that has them now; undefined for those of the session. */
  readonly toolsets = new Map<llm.Toolset, voice.Agent | undefined>();
  /** The call is closed: what outlives it (an agent that a module holds) goes its own way. */
  isOver = false;
}
