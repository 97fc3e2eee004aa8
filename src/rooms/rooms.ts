/**
 * LiveKit's server API as the lifecycle needs it; livekit-server-sdk only. Every call has a deadline of its own, and
 * a room or participant that is not there (404) is success for whoever wanted it gone.
 */
import type { HangUpStrategy } from '../../machines/index.ts';

export type Occupant = {
  identity: string;
  sid: string;
  kind: 'standard' | 'sip' | 'agent' | 'ingress' | 'egress' | 'other';
  /** Milliseconds since the epoch by the server's clock, in whole seconds. */
  joinedAt?: number;
  /** Identity of the agent whose avatar it is: LiveKit's `lk.publish_on_behalf`. */
  onBehalfOf?: string;
};

export type HangUpRequest = {
  room: string;
  /** When it is known: a room of the same name with another sid is never touched by a later attempt, and counts as gone. */
  roomSid?: string;
  strategy: HangUpStrategy;
  /** The linked caller, for `remove-caller`. */
  caller?: string;
  /** The agent's own identity, for `leave`, and so that recovery can remove a ghost. */
  agent?: string;
  /**
   * Identities of the telephones in the room, for `delete-room`: they are removed first. Left out: the server is asked
   * who they are.
   */
  sip?: readonly string[];
  signal: AbortSignal;
};
export type HangUpResult = { verified: boolean; attempts: number; left: string[]; error?: string };

/** Where the caller's app listens. */
export const SESSION_TOPIC = 'lastword.session';
/** What the caller's app is told; nothing else of a session crosses. */
export type SessionMessage = {
  /** `resuming`: its process died, and another one is called for. `resumed`: that is heard. */
  type: 'session.resuming' | 'session.resumed' | 'session.ended';
  session: string;
  /** Of `ended`: as in the report. */
  reason?: string;
  by?: string;
};

export interface Rooms {
  /** The room's sid as the server has it now; undefined when there is no such room. One attempt. */
  sidOf(room: string, signal: AbortSignal): Promise<string | undefined>;
  occupants(room: string, signal: AbortSignal): Promise<Occupant[]>;
  /** Tries again with backoff until the signal says stop; asks the server for the result. Never rejects. */
  hangUp(request: HangUpRequest): Promise<HangUpResult>;
  remove(room: string, identity: string, signal: AbortSignal): Promise<void>;
  /** One attempt. @returns the dispatch's id: the job that comes of it names it */
  dispatch(room: string, agentName: string, metadata: string, signal: AbortSignal): Promise<string>;
  /** Tells whoever is in the room, on the topic `lastword.session`. One attempt. */
  tell(room: string, message: SessionMessage, signal: AbortSignal): Promise<void>;
  /**
   * A dispatch that is not wanted any more. One that is not there is success.
   * @returns false when somebody else has deleted it: LiveKit deletes each once, so of several who try one has it
   */
  undispatch(room: string, dispatch: string, signal: AbortSignal): Promise<boolean>;
}
