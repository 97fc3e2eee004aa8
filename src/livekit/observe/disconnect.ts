/**
 * All disconnect reasons of LiveKit: who left for good, who was lost, and who ended it. Pure.
 *
 * Lost is not left: a network failure opens a grace period, and only its end ends the session.
 */
import { DisconnectReason } from '@livekit/rtc-node';
import { endOf, ends, type End } from '../../../machines/index.ts';

export type Departure = { kind: 'left'; end: End } | { kind: 'lost' };

const left = (end: End): Departure => ({ kind: 'left', end });
const lost: Departure = { kind: 'lost' };
const hungUp = left(endOf('caller', 'caller_hung_up', 'none'));
const roomDeleted = left(endOf('operator', 'room_deleted', 'none'));

/** The reason that the SDK gives for the caller's departure; undefined and unknown numbers count as lost. */
export function departureOf(reason: DisconnectReason | undefined): Departure {
  switch (reason) {
    case DisconnectReason.CLIENT_INITIATED:
      return hungUp;
    case DisconnectReason.USER_REJECTED:
      return left(endOf('caller', 'caller_hung_up', 'none', 'the callee rejected the call'));
    case DisconnectReason.USER_UNAVAILABLE:
      return left(endOf('caller', 'never_joined', 'caller', 'the callee did not answer'));
    case DisconnectReason.ROOM_DELETED:
    case DisconnectReason.ROOM_CLOSED:
      return roomDeleted;
    case DisconnectReason.PARTICIPANT_REMOVED:
      return left(endOf('operator', 'removed', 'none'));
    case DisconnectReason.SIP_TRUNK_FAILURE:
      return left(endOf('system', 'caller_lost', 'platform', 'the SIP trunk failed'));
    case DisconnectReason.AGENT_ERROR:
      return left(endOf('system', 'caller_lost', 'platform', 'the participant was an agent that failed'));
    case DisconnectReason.CONNECTION_TIMEOUT:
    case DisconnectReason.SIGNAL_CLOSE:
    case DisconnectReason.STATE_MISMATCH:
    case DisconnectReason.JOIN_FAILURE:
    case DisconnectReason.MIGRATION:
    case DisconnectReason.MEDIA_FAILURE:
    case DisconnectReason.SERVER_SHUTDOWN:
    case DisconnectReason.DUPLICATE_IDENTITY:
    case DisconnectReason.UNKNOWN_REASON:
    case undefined:
      return lost;
    default:
      return lost; // a reason that this version does not know
  }
}

/**
 * Why the agent itself is out of the room; undefined when it left by itself. An empty room is closed by LiveKit after
 * its departureTimeout (20 s by default, as the grace period is): that nobody is there is the reason, and no operator.
 */
export function expulsionOf(
  reason: DisconnectReason | undefined,
  caller: 'there' | 'lost' | 'never met' = 'there',
): End | undefined {
  switch (reason) {
    case DisconnectReason.CLIENT_INITIATED:
      return undefined;
    case DisconnectReason.ROOM_CLOSED:
      if (caller === 'lost')
        return { ...ends.callerLost, detail: 'LiveKit closed the room before the caller was back' };
      if (caller === 'never met') return { ...ends.neverJoined, detail: 'LiveKit closed the empty room' };
      return endOf('operator', 'room_deleted', 'none');
    case DisconnectReason.ROOM_DELETED:
      return endOf('operator', 'room_deleted', 'none');
    case DisconnectReason.PARTICIPANT_REMOVED:
      return endOf('operator', 'removed', 'none', 'the agent was removed from the room');
    default:
      return endOf('system', 'caller_lost', 'platform', `the agent lost the room: ${reasonName(reason)}`);
  }
}

export const reasonName = (reason: DisconnectReason | undefined): string =>
  (reason === undefined ? undefined : DisconnectReason[reason]) ?? `unknown (${String(reason)})`;
