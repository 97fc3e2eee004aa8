/**
 * A LiveKit room as a venue.
 *
 * Owns: the linked caller (the first participant who is no agent; pinned by identity), own connection, hang-up.
 *   V1  Listeners are attached before connect(): who leaves while we join is not missed.
 *   V2  From the hang-up on the room's own events say nothing new: they are our doing.
 *   V3  Who leaves in the middle of a REFER has most likely gone where they were sent: lost, until its answer says more;
 *       without one, a hang-up, told before the caller's grace is over and would call it a lost connection.
 *   V4  A telephone that rings is nobody to speak to: the call begins when it is picked up, and when the last one that
 *       rang is gone unanswered nobody will come.
 *   V5  A server that was started again makes the room anew: same name, other sid. Whoever hangs up later has to know.
 *   V6  An agent that is back and cannot be heard any more cannot apologise either: the caller is let go.
 *   V7  One peer connection for both ways is the client's default, and loses the agent's audio when a server is started
 *       again, about once in 25 calls; with one for each way that was not seen in 120.
 *   V8  Who joins anew sees everybody gone first, and everybody who is there before "reconnected": the caller is lost by
 *       our own line then, and by theirs once we are back and they are not.
 */
import { type JobContext, log as sdkLog, type voice } from '@livekit/agents';
import { ParticipantKind, type RemoteParticipant, type Room, RoomEvent, type RoomOptions } from '@livekit/rtc-node';
import { type End, endOf } from '../../machines/index.ts';
import { openRooms } from '../rooms/server-api.ts';
import { messageOf, settledWithin, unlessAborted } from '../session/deadline.ts';
import { staleDispatch } from '../session/hang-up-strategy.ts';
import { departureOf, expulsionOf, reasonName } from './observe/disconnect.ts';
import { roomTracks } from './observe/tracks.ts';
import { ownTrack } from './own-track.ts';
import type { Caller, Reporter, Venue } from './venue.ts';

/** The room that was dispatched is gone; what connect() found is another one of the same name (sdk-facts, 12). */
export class StaleDispatchError extends Error {
  override name = 'StaleDispatchError';
}

const LEAVE_MS = 1000;
const DISMISS_MS = 5000;
const RENEW_MS = 2000;
/** What a client that wants to know the reason may cost a caller who wants to be gone. Measured: 5 to 15 ms. */
const ANNOUNCE_MS = 100;
/** V3. Of the caller's grace. With the default (20 s) less than a destination may ring (30 s). */
const HELD_SHARE = 0.75;
/** LiveKit takes attributes of 64 KiB in all; a reason is a word. */
const REASON_LENGTH = 200;
const callerKinds: readonly (ParticipantKind | undefined)[] = [
  undefined,
  ParticipantKind.STANDARD,
  ParticipantKind.SIP,
  ParticipantKind.CONNECTOR,
];
const isSip = ({ info }: RemoteParticipant) => info.kind === ParticipantKind.SIP;
/** A SIP leg is somebody to speak to once it is answered, not while it rings. */
const isAnswered = (participant: RemoteParticipant) =>
  !isSip(participant) || ['active', undefined].includes(participant.attributes?.['sip.callStatus']);

/** The end as the client may know it: no detail, which may quote anybody. Pure. */
const announcementOf = ({ reason: given, by }: End, session: string) => {
  const reason = given.slice(0, REASON_LENGTH);
  const message = { type: 'session.ended', reason, by, session };
  return {
    topic: 'lastword.session',
    data: new TextEncoder().encode(JSON.stringify(message)),
    attributes: { 'lastword.end': reason },
  };
};

/** V7. The SDK's context has no such option, so it is added to what it passes on. */
const useTwoConnections = (room: Room): void => {
  const connect = Reflect.get(room, 'connect') as Room['connect'];
  room.connect = (url, token, options) =>
    connect.call(room, url, token, { ...options, singlePeerConnection: false } as RoomOptions);
};

export function roomVenue(context: JobContext, { send, recorder }: Reporter): Venue {
  const { room, job, info } = context;
  const rooms = openRooms(
    { url: info.url, apiKey: info.apiKey ?? '', apiSecret: info.apiSecret ?? '' },
    { log: { error: (fields, message) => sdkLog().error({ job: job.id, ...fields }, message) } }, // a refused key
  );
  const disconnect = room.disconnect.bind(room); // the SDK's: the user's is taken as an end
  const track = ownTrack(room);
  const tracks = roomTracks(room, recorder);
  let caller: Caller | undefined;
  let isThere = false;
  let isAway = false; // our own line
  let isHungUp = false;
  let isStale = false;
  let connecting: Promise<void> | undefined;
  /** Departures that are held back while a REFER is under way (V3). */
  let referring: { graceMs: number; departure?: End; timer?: NodeJS.Timeout } | undefined;
  const expected = new Map<string, { come: (who: RemoteParticipant) => void; fail: (why: Error) => void }>();
  let roomSid = job.room?.sid ?? '';
  const waiting = new Set<() => void>();
  const seen = new Set<string>(); // connect() and the event may both name somebody

  const factsOf = (participant: RemoteParticipant) => ({
    identity: participant.identity,
    ...(participant.sid !== undefined && { sid: participant.sid }),
    kind: (ParticipantKind[participant.info.kind ?? 0] ?? 'STANDARD').toLowerCase(),
    isCaller: participant.identity === caller?.identity,
  });
  const maybeLink = (participant: RemoteParticipant): boolean => {
    if (caller || !callerKinds.includes(participant.info.kind) || !isAnswered(participant)) return false;
    caller = { identity: participant.identity, participant, isSip: isSip(participant) };
    isThere = true;
    for (const wake of waiting) wake();
    return true;
  };
  const meet = (participant: RemoteParticipant) => {
    if (isAnswered(participant)) expected.get(participant.identity)?.come(participant);
  };
  const joined = (participant: RemoteParticipant) => {
    if (isHungUp || seen.has(participant.sid ?? participant.identity)) return;
    seen.add(participant.sid ?? participant.identity);
    const isBack = caller !== undefined && participant.identity === caller.identity;
    if (isBack) {
      const wasAway = !isThere;
      caller = { ...caller, identity: participant.identity, participant, isSip: isSip(participant) };
      isThere = true;
      if (wasAway) {
        recorder.append('participant', { change: 'returned', ...factsOf(participant) });
        send({ type: 'caller.returned' });
        for (const wake of waiting) wake();
      }
      return;
    }
    maybeLink(participant);
    meet(participant);
    recorder.append('participant', {
      change: 'joined',
      ...factsOf(participant),
      attributes: { ...participant.attributes },
      metadata: participant.metadata ?? '',
    });
  };
  /** V3 */
  const hold = (held: NonNullable<typeof referring>, end: End) => {
    held.departure = end;
    send({ type: 'caller.lost' });
    held.timer = setTimeout(() => {
      if (isThere || isHungUp) return;
      delete held.departure;
      send({ type: 'caller.left', end });
    }, held.graceMs * HELD_SHARE);
  };
  const departed = (participant: RemoteParticipant) => {
    if (isHungUp) return;
    seen.delete(participant.sid ?? participant.identity);
    const departure = departureOf(participant.disconnectReason);
    recorder.append('participant', {
      change: departure.kind,
      ...factsOf(participant),
      reason: reasonName(participant.disconnectReason),
    });
    expected
      .get(participant.identity)
      ?.fail(new Error(`${participant.identity} left: ${reasonName(participant.disconnectReason)}`));
    if (participant.identity !== caller?.identity) {
      const rings = (one: RemoteParticipant) => isSip(one) && one.identity !== participant.identity;
      const isLast = !caller && isSip(participant) && ![...room.remoteParticipants.values()].some(rings);
      if (isLast && departure.kind === 'left') send({ type: 'caller.left', end: departure.end }); // V4
      return;
    }
    isThere = false;
    if (isSip(participant) && !tracks.hasPublished(participant.identity)) {
      const message = 'the telephone was gone before it had sent any audio';
      recorder.append('error', { component: 'microphone', message, recoverable: true });
    }
    if (referring && departure.kind === 'left') hold(referring, departure.end);
    else if (departure.kind === 'lost') send({ type: 'caller.lost', ...(isAway && { isOwnLine: true }) }); // V8
    else send({ type: 'caller.left', end: departure.end });
  };

  room // V1
    .on(RoomEvent.ParticipantConnected, joined)
    .on(RoomEvent.ParticipantDisconnected, departed)
    .on(RoomEvent.ParticipantAttributesChanged, (attributes, participant) => {
      const remote = room.remoteParticipants.get(participant.identity);
      if (!remote) return; // our own: the SDK writes the agent's state there
      const isPickedUp = maybeLink(remote); // V4
      recorder.append('participant', {
        change: 'attributes',
        identity: participant.identity,
        attributes,
        ...(isPickedUp && factsOf(remote)),
      });
      meet(remote);
    })
    .on(RoomEvent.ParticipantMetadataChanged, (metadata, participant) =>
      recorder.append('participant', { change: 'metadata', identity: participant.identity, metadata: metadata ?? '' }),
    )
    .on(RoomEvent.RoomMetadataChanged, (metadata) => recorder.append('room', { change: 'metadata', metadata }))
    .on(RoomEvent.Reconnecting, () => {
      isAway = true;
      recorder.append('room', { change: 'reconnecting' });
    })
    .on(RoomEvent.Reconnected, () => {
      isAway = false;
      recorder.append('room', { change: 'reconnected' });
      if (caller && !isThere && !isHungUp) send({ type: 'caller.lost' }); // V8
      void learnSid();
      void returned();
    })
    .on(RoomEvent.Disconnected, (reason) => {
      recorder.append('room', { change: 'disconnected', reason: reasonName(reason) });
      const end = expulsionOf(reason, isThere ? 'there' : caller ? 'lost' : 'never met');
      isThere = false;
      if (end && !isHungUp) send({ type: 'caller.left', end });
    });

  /** V5. The SDK does not say. */
  const learnSid = async (): Promise<void> => {
    const asked = rooms.sidOf(room.name ?? job.room?.name ?? '', AbortSignal.timeout(RENEW_MS));
    const sid = await asked.catch(() => undefined);
    if (sid === undefined || sid === roomSid || isHungUp) return;
    roomSid = sid;
    recorder.append('room', { change: 'renewed', sid });
  };

  /** V6. */
  const returned = async (): Promise<void> => {
    const trouble = await tracks.returned();
    if (trouble === undefined || isHungUp) return;
    recorder.append('error', { component: 'track', message: trouble, recoverable: false });
    send({ type: 'caller.left', end: endOf('system', 'caller_lost', 'platform', trouble) });
  };

  const presence = (signal: AbortSignal): Promise<void> => {
    if (isThere) return Promise.resolve();
    let wake = () => {};
    const there = new Promise<void>((resolve) => {
      wake = resolve;
      waiting.add(wake);
    });
    return unlessAborted(there, signal).finally(() => waiting.delete(wake));
  };

  return {
    connect: async (signal) => {
      useTwoConnections(room);
      connecting = context.connect();
      await unlessAborted(connecting, signal);
      tracks.connected();
      const sid = await settledWithin(room.getSid(), 1000);
      const found = sid.kind === 'settled' ? sid.value : '';
      recorder.append('room', { change: 'connected', sid: found });
      const dispatched = roomSid;
      if (found !== '') roomSid = found;
      if (dispatched !== '' && found !== '' && dispatched !== found) {
        isStale = true;
        send({ type: 'session.end', end: staleDispatch, drain: false });
        throw new StaleDispatchError(`dispatched to room ${dispatched}, which is gone; found ${found}`);
      }
      // Whoever was there before us, in the order in which the server lists them.
      for (const participant of room.remoteParticipants.values()) joined(participant);
    },
    awaitCaller: async (signal) => {
      await presence(signal);
      if (!caller) throw new Error('nobody is there');
      return caller;
    },
    caller: () => caller,
    isCallerThere: () => isThere && room.isConnected,
    presence,
    wire: (_session: voice.AgentSession, { inputOptions, outputOptions, record }) => ({
      room,
      inputOptions: {
        ...inputOptions,
        ...(caller && { participantIdentity: caller.identity }),
        closeOnDisconnect: false, // every reason has its own way through the machine
        deleteRoomOnClose: false, // two deletions at once can bring the room back (sdk-facts, 12)
      },
      outputOptions: { ...outputOptions },
      ...(record !== undefined && { record }),
    }),
    play: (audio, signal, onAudible) => track.play(audio, signal, onAudible),
    refer: async (to, { graceMs, ...options }, signal) => {
      if (!caller?.isSip)
        return { outcome: 'failed', error: 'refer: the caller is no telephone, so there is no leg to move' };
      const held: typeof referring = { graceMs };
      referring = held;
      const asked = rooms.refer(room.name ?? job.room?.name ?? '', caller.identity, to, signal, options);
      const referral = await asked.finally(() => {
        clearTimeout(held.timer);
        referring = undefined;
      });
      const { departure } = held;
      if (departure === undefined || referral.outcome === 'transferred') return referral;
      if (referral.outcome === 'unknown' || referral.outcome === 'gone') return { outcome: 'transferred' }; // V3
      send({ type: 'caller.left', end: departure });
      return referral;
    },
    answered: async (identity, signal) => {
      const there = room.remoteParticipants.get(identity);
      if (there && isAnswered(there)) return there;
      const coming = new Promise<RemoteParticipant>((come, fail) => expected.set(identity, { come, fail }));
      return unlessAborted(coming, signal).finally(() => expected.delete(identity));
    },
    dismiss: async (identity) => {
      const name = room.name ?? job.room?.name ?? '';
      const removal = rooms.remove(name, identity, AbortSignal.timeout(DISMISS_MS));
      const outcome = await settledWithin(removal, DISMISS_MS);
      if (outcome.kind === 'failed')
        recorder.append('error', {
          component: 'room',
          message: `dismiss: ${messageOf(outcome.error)}`,
          recoverable: true,
        });
    },
    trouble: (which) => tracks.trouble(which, caller?.participant),
    announce: async (end) => {
      const { localParticipant } = room;
      if (!localParticipant || !room.isConnected) return;
      const told = () => {
        const { topic, data, attributes } = announcementOf(end, job.id);
        const sent = localParticipant.publishData(data, { reliable: true, topic });
        return Promise.all([sent, localParticipant.setAttributes(attributes)]);
      };
      const outcome = await settledWithin((async () => told())(), ANNOUNCE_MS);
      if (outcome.kind === 'settled') return;
      const why = outcome.kind === 'failed' ? messageOf(outcome.error) : `not within ${ANNOUNCE_MS} ms`;
      recorder.append('log', { level: 'info', message: 'the client could not be told why the call ends', why });
    },
    hangUp: async (strategy, signal) => {
      isHungUp = true; // V2
      const isOthers = isStale && room.remoteParticipants.size > 0; // a new call in a room of the same name
      const result = await rooms.hangUp({
        room: room.name ?? job.room?.name ?? '',
        strategy: isOthers ? 'leave' : strategy,
        ...(caller && { caller: caller.identity }),
        ...(room.localParticipant && { agent: room.localParticipant.identity }),
        ...(roomSid !== '' && { roomSid }),
        // Who never came in does not know who waits there.
        ...(room.isConnected && {
          sip: [...room.remoteParticipants.values()].filter(isSip).map((one) => one.identity),
        }),
        signal,
      });
      isThere = false;
      if (strategy === 'leave') await settledWithin(disconnect(), LEAVE_MS);
      return result;
    },
    leave: async () => {
      // Who leaves in the middle of a join stays on the server's list for 20 s.
      if (connecting) await settledWithin(connecting, LEAVE_MS);
      await settledWithin(disconnect(), LEAVE_MS);
    },
    hush: () => track.hush(),
    close: () => track.close(),
  };
}
