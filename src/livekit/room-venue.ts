/**
 * A LiveKit room as a venue, put together: our own part in it is in room-connection.ts, who is there in
 * observe/people.ts, who of them is the caller in caller/, what is published in observe/tracks.ts and own-track.ts.
 *
 *   V3  A REFER: whoever leaves meanwhile has most likely gone where they were sent (observe/people.ts).
 *   V10 A gateway lets an inbound telephone ring until somebody publishes audio. Whoever waits for it to be picked up
 *       publishes.
 */
import { type JobContext, log as sdkLog } from '@livekit/agents';
import { messageOf } from '../errors/thrown.ts';
import type { Referral } from '../rooms/refer.ts';
import { openRooms } from '../rooms/server-api.ts';
import { settledWithin } from '../waiting/deadline.ts';
import { announceEnd } from './announce-end.ts';
import { isAnswered } from './caller/choice.ts';
import { RoomInput } from './caller/room-io.ts';
import { type Referring, RoomPeople } from './observe/people.ts';
import { roomTracks } from './observe/tracks.ts';
import { ownTrack } from './own-track.ts';
import { RoomConnection } from './room-connection.ts';
import type { Reporter, Venue } from './venue.ts';

const DISMISS_MS = 5000;

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
  const track = ownTrack(room);
  const tracks = roomTracks(room, recorder);
  const input = new RoomInput();
  const people = new RoomPeople(room, { send, recorder }, tracks, {
    isKnown: !isCallerNamed,
    linked: (caller) => input.follow(caller),
  });
  const { link } = people;
  const connection = new RoomConnection(context, { send, recorder }, { rooms, people, tracks });
  const failed = (component: string, message: string) =>
    recorder.append('error', { component, message, recoverable: true });

  /** V10. What plays on it plays on this track; the session's own has begun to be published, where there is one. */
  const pickUp = (): void => {
    const telephone = link.caller?.participant;
    if (!telephone || isAnswered(telephone) || link.isDialled(telephone.identity) || tracks.isPublishing()) return;
    track.open().catch((error: unknown) => failed('track', `lastword: ${messageOf(error)}`));
  };

  return {
    connect: (signal, options) => connection.connect(signal, options),
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
    wire: (session, { inputOptions, outputOptions, record }) => ({
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
      const ask = () => rooms.refer(connection.name, caller.identity, to, signal, options);
      return holdDeparture(people, send, graceMs, ask);
    },
    answered: (identity, signal) => people.answered(identity, signal),
    dismiss: async (identity) => {
      const removal = rooms.remove(connection.name, identity, AbortSignal.timeout(DISMISS_MS));
      const outcome = await settledWithin(removal, DISMISS_MS);
      if (outcome.kind === 'failed') failed('room', `dismiss: ${messageOf(outcome.error)}`);
    },
    trouble: (which) => tracks.trouble(which, link.caller?.participant),
    announce: (end, session) => announceEnd(room, recorder, end, session),
    hangUp: (strategy, signal) => connection.hangUp(strategy, signal),
    leave: () => connection.leave(),
    hush: () => track.hush(),
    close: () => track.close(),
  };
}

/** V3. What the answer to a REFER means, with who left meanwhile. */
async function holdDeparture(
  people: RoomPeople,
  send: Reporter['send'],
  graceMs: number,
  ask: () => Promise<Referral>,
): Promise<Referral> {
  const held: Referring = { graceMs };
  people.referring = held;
  const referral = await ask().finally(() => {
    clearTimeout(held.timer);
    people.referring = undefined;
  });
  const { departure } = held;
  if (departure === undefined || referral.outcome === 'transferred') return referral;
  if (referral.outcome === 'unknown' || referral.outcome === 'gone') return { outcome: 'transferred' };
  send({ type: 'caller.left', end: departure });
  return referral;
}
