/**
 * Tells the SDK's RoomIO who the caller is, instead of letting it take the first who comes: whom it listens to is whom
 * the call is with.
 *
 *   K7  RoomIO publishes the agent's track once it has linked somebody, and awaits that on a promise that only its own
 *       handler settles: `setParticipant()` before that would replace the promise, and the agent would be mute.
 */
import { randomUUID } from 'node:crypto';
import type { voice } from '@livekit/agents';
import { ParticipantKind, type RemoteParticipant } from '@livekit/rtc-node';

type Started = Parameters<voice.AgentSession['start']>[0];
type RoomIO = NonNullable<voice.AgentSession['_roomIO']>;

/** All of them: who is linked was decided already, and RoomIO holds its kinds against a named identity too. */
const everyKind = Object.values(ParticipantKind).filter((kind) => typeof kind === 'number');

export class RoomInput {
  #wired: { session: voice.AgentSession; options: { participantIdentity?: string } } | undefined;

  /** `inputOptions` for the start of a session; the caller may not be there yet. */
  optionsFor(
    session: voice.AgentSession,
    given: Started['inputOptions'],
    caller: string | undefined,
  ): NonNullable<Started['inputOptions']> {
    const options = {
      ...given,
      closeOnDisconnect: false, // every reason has its own way through the machine
      deleteRoomOnClose: false, // two deletions at once can bring the room back (sdk-facts, 12)
      // An identity that nobody has: RoomIO waits to be told.
      participantIdentity: caller ?? `nobody yet ${randomUUID()}`,
      participantKinds: everyKind,
    };
    this.#wired = { session, options };
    return options;
  }

  follow(caller: RemoteParticipant): void {
    if (!this.#wired) return;
    const { session, options } = this.#wired;
    options.participantIdentity = caller.identity; // for a RoomIO that is about to be made
    const io = session._roomIO;
    if (io) tell(io, caller);
  }
}

function tell(io: RoomIO, caller: RemoteParticipant): void {
  if (!io.isParticipantAvailable) {
    Reflect.set(io, 'participantIdentity', caller.identity);
    const connected = Reflect.get(io, 'onParticipantConnected') as (participant: RemoteParticipant) => void;
    connected(caller); // K7
  }
  io.setParticipant(caller.identity);
}
