/**
 * A LiveKit room as a venue. Owns our own connection and the hang-up; who is in the room is in observe/people.ts, who of
 * them is the caller in caller/.
 *
 *   V2  From the hang-up on the room's own events say nothing new: they are our doing.
 *   V3  A REFER: whoever leaves meanwhile has most likely gone where they were sent (observe/people.ts).
 *   V5  A server that was started again makes the room anew: same name, other sid. Whoever hangs up later has to know.
 *   V6  An agent that is back and cannot be heard any more cannot apologise either: the caller is let go.
 *   V7  One peer connection for both ways is the client's default, and loses the agent's audio when a server is started
 *       again, about once in 25 calls; with one for each way that was not seen in 120.
 *   V10 A gateway lets an inbound telephone ring until somebody publishes audio. Whoever waits for it to be picked up
 *       publishes.
 */
import { type JobContext, log as sdkLog, type voice } from '@livekit/agents';
import { type Room, RoomEvent, type RoomOptions } from '@livekit/rtc-node';
import { type End, endOf } from '../../machines/index.ts';
import { SESSION_TOPIC } from '../rooms/rooms.ts';
import { openRooms } from '../rooms/server-api.ts';
import { messageOf } from '../errors/thrown.ts';
import { settledWithin, unlessAborted } from '../waiting/deadline.ts';
import { staleDispatch } from '../session/hang-up-strategy.ts';
import { isAnswered, isSip } from './caller/choice.ts';
import { RoomInput } from './caller/room-io.ts';
import { connectArguments } from './connect-options.ts';
import { expulsionOf, reasonName } from './observe/disconnect.ts';
import { type Referring, RoomPeople } from './observe/people.ts';
import { roomTracks } from './observe/tracks.ts';
import { ownTrack } from './own-track.ts';
import type { Reporter, Venue } from './venue.ts';

/** The room that was dispatched is gone; what connect() found is another one of the same name (sdk-facts, 12). */
export class StaleDispatchError extends Error {
  override name = 'StaleDispatchError';
}

const LEAVE_MS = 1000;
const DISMISS_MS = 5000;
const RENEW_MS = 2000;
/** What a client that wants to know the reason may cost a caller who wants to be gone. Measured: 5 to 15 ms. */
const ANNOUNCE_MS = 100;
/** LiveKit takes attributes of 64 KiB in all; a reason is a word. */
const REASON_LENGTH = 200;

/** The end as the client may know it: no detail, which may quote anybody. Pure. */
const announcementOf = ({ reason: given, by }: End, session: string) => {
  const reason = given.slice(0, REASON_LENGTH);
  const message = { type: 'session.ended', reason, by, session };
  return {
    topic: SESSION_TOPIC,
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

/** @param isCallerNamed the options of the session will say whom the call is with; until then that is not known */
export function roomVenue(
  context: JobContext,
  { send, recorder }: Reporter,
  { isCallerNamed = false }: { isCallerNamed?: boolean } = {},
): Venue {
  const { room, job, info } = context;
  const rooms = openRooms(
    { url: info.url, apiKey: info.apiKey ?? '', apiSecret: info.apiSecret ?? '' },
    { log: { error: (fields, message) => sdkLog().error({ job: job.id, ...fields }, message) } }, // a refused key
  );
  const disconnect = room.disconnect.bind(room); // the SDK's: the user's is taken as an end
  const track = ownTrack(room);
  const tracks = roomTracks(room, recorder);
  const input = new RoomInput();
  const people = new RoomPeople(room, { send, recorder }, tracks, {
    isKnown: !isCallerNamed,
    linked: (caller) => input.follow(caller),
  });
  const { link } = people;
  let isStale = false;
  let connecting: Promise<void> | undefined;
  let roomSid = job.room?.sid ?? '';
  const roomName = () => room.name ?? job.room?.name ?? '';

  room
    .on(RoomEvent.RoomMetadataChanged, (metadata) => recorder.append('room', { change: 'metadata', metadata }))
    .on(RoomEvent.Reconnecting, () => {
      people.isAway = true;
      recorder.append('room', { change: 'reconnecting' });
    })
    .on(RoomEvent.Reconnected, () => {
      recorder.append('room', { change: 'reconnected' });
      people.back();
      void learnSid();
      void returned();
    })
    .on(RoomEvent.Disconnected, (reason) => {
      recorder.append('room', { change: 'disconnected', reason: reasonName(reason) });
      const end = expulsionOf(reason, people.callerIs);
      link.lost();
      if (end && !people.isHungUp) send({ type: 'caller.left', end });
    });

  /** V5. The SDK does not say. */
  const learnSid = async (): Promise<void> => {
    const asked = rooms.sidOf(roomName(), AbortSignal.timeout(RENEW_MS));
    const sid = await asked.catch(() => undefined);
    if (sid === undefined || sid === roomSid || people.isHungUp) return;
    roomSid = sid;
    recorder.append('room', { change: 'renewed', sid });
  };

  /** V6. */
  const returned = async (): Promise<void> => {
    const trouble = await tracks.returned();
    if (trouble === undefined || people.isHungUp) return;
    recorder.append('error', { component: 'track', message: trouble, recoverable: false });
    send({ type: 'caller.left', end: endOf('system', 'caller_lost', 'platform', trouble) });
  };

  /** V10. What plays on it plays on this track; the session's own has begun to be published, where there is one. */
  const pickUp = (): void => {
    const telephone = link.caller?.participant;
    if (!telephone || isAnswered(telephone) || link.isDialled(telephone.identity) || tracks.isPublishing()) return;
    track.open().catch((error: unknown) => {
      recorder.append('error', { component: 'track', message: `lastword: ${messageOf(error)}`, recoverable: true });
    });
  };

  return {
    connect: async (signal, options = {}) => {
      useTwoConnections(room);
      connecting = context.connect(...connectArguments(options));
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
      people.connected();
    },
    expectCaller: (wish) => people.expect(wish),
    somebody: (signal) => link.somebody(signal),
    linked: (signal) => link.known(signal),
    awaitCaller: async (signal) => {
      await link.known(signal);
      pickUp();
      await link.presence(signal);
      if (!link.caller) throw new Error('nobody is there');
      return link.caller;
    },
    caller: () => link.caller,
    isCallerThere: () => link.isThere && room.isConnected,
    whoIsThere: () => link.whoIsThere(),
    presence: (signal) => link.presence(signal),
    wire: (session: voice.AgentSession, { inputOptions, outputOptions, record }) => ({
      room,
      inputOptions: input.optionsFor(session, inputOptions, link.caller?.identity), // the object itself: K7
      outputOptions: { ...outputOptions },
      ...(record !== undefined && { record }),
    }),
    play: (audio, signal, onAudible) => track.play(audio, signal, onAudible),
    refer: async (to, { graceMs, ...options }, signal) => {
      const { caller } = link;
      if (!caller?.isSip)
        return { outcome: 'failed', error: 'refer: the caller is no telephone, so there is no leg to move' };
      const held: Referring = { graceMs };
      people.referring = held;
      const asked = rooms.refer(roomName(), caller.identity, to, signal, options);
      const referral = await asked.finally(() => {
        clearTimeout(held.timer);
        people.referring = undefined;
      });
      const { departure } = held;
      if (departure === undefined || referral.outcome === 'transferred') return referral;
      if (referral.outcome === 'unknown' || referral.outcome === 'gone') return { outcome: 'transferred' }; // V3
      send({ type: 'caller.left', end: departure });
      return referral;
    },
    answered: (identity, signal) => people.answered(identity, signal),
    dismiss: async (identity) => {
      const removal = rooms.remove(roomName(), identity, AbortSignal.timeout(DISMISS_MS));
      const outcome = await settledWithin(removal, DISMISS_MS);
      if (outcome.kind === 'failed')
        recorder.append('error', {
          component: 'room',
          message: `dismiss: ${messageOf(outcome.error)}`,
          recoverable: true,
        });
    },
    trouble: (which) => tracks.trouble(which, link.caller?.participant),
    announce: async (end, session) => {
      const { localParticipant } = room;
      if (!localParticipant || !room.isConnected) return;
      const told = () => {
        const { topic, data, attributes } = announcementOf(end, session);
        const sent = localParticipant.publishData(data, { reliable: true, topic });
        return Promise.all([sent, localParticipant.setAttributes(attributes)]);
      };
      const outcome = await settledWithin((async () => told())(), ANNOUNCE_MS);
      if (outcome.kind === 'settled') return;
      const why = outcome.kind === 'failed' ? messageOf(outcome.error) : `not within ${ANNOUNCE_MS} ms`;
      recorder.append('log', { level: 'info', message: 'the client could not be told why the call ends', why });
    },
    hangUp: async (strategy, signal) => {
      people.isHungUp = true; // V2
      const isOthers = isStale && room.remoteParticipants.size > 0; // a new call in a room of the same name
      const result = await rooms.hangUp({
        room: roomName(),
        strategy: isOthers ? 'leave' : strategy,
        ...(link.caller && { caller: link.caller.identity }),
        ...(room.localParticipant && { agent: room.localParticipant.identity }),
        ...(roomSid !== '' && { roomSid }),
        // Who never came in does not know who waits there.
        ...(room.isConnected && {
          sip: [...room.remoteParticipants.values()].filter(isSip).map((one) => one.identity),
        }),
        signal,
      });
      link.lost();
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
