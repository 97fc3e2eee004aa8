/**
 * Rooms in which somebody waits for an agent that was called for by name, and that no worker took. livekit-server-sdk only.
 *
 * LiveKit offers a dispatch once, to the workers that are there at that moment: with none, or when all decline, the room
 * stays as it is, and nobody is told. `listDispatch` shows it: a dispatch without a job (read in livekit-server 1.13.5,
 * `Room.handleNewJobs`: only a job that a worker took is added, and it stays there when it is over).
 *
 *   W1  A room whose dispatch a worker took is never asked about again: a server full of other hosts' calls costs one
 *       request.
 *   W2  Who waits is asked about each time; of the others so many in one look, whom nobody has asked about first, the
 *       newest of them first.
 */
import { AgentDispatchClient, RoomServiceClient, ServerError } from 'livekit-server-sdk';
import type { LiveKitAccess } from '../link/messages.ts';
import { unlessAborted } from '../waiting/deadline.ts';
import type { Occupant, Rooms } from './rooms.ts';

export type WaitingRoom = {
  room: string;
  sid: string;
  /** Those of our agent; nobody took any of them. By id, so that all who delete them begin with the same one. */
  dispatches: { id: string; metadata: string }[];
  /** The caller, when nobody else is there whom they could be talking to. */
  alone: Pick<Occupant, 'identity' | 'sid'> | undefined;
};
export interface WaitingRooms {
  /**
   * `agentName`: never empty: an agent without a name is called for in every room, also where nobody wants it. Rejects
   * with what LiveKit says, or when its signal says stop.
   */
  find(agentName: string, isServed: (room: string) => boolean, signal: AbortSignal): Promise<WaitingRoom[]>;
  /**
   * One of them as it is now, also without a dispatch of ours; undefined: a worker took the call, nobody waits there any
   * more, or the room is another one.
   */
  look(
    one: Pick<WaitingRoom, 'room' | 'sid'>,
    agentName: string,
    signal: AbortSignal,
  ): Promise<WaitingRoom | undefined>;
}

/** W2. It costs up to two requests for each. */
const MOST = 50;
/** A look at fifty rooms in a row would take five seconds where LiveKit is far away. */
const AT_ONCE = 10;
const ATTEMPT_S = 1;

/** *Effect.* Opens no connection yet. */
export function openWaitingRooms(
  access: LiveKitAccess,
  { occupants, sidOf }: Pick<Rooms, 'occupants' | 'sidOf'>,
): WaitingRooms {
  const timing = { requestTimeout: ATTEMPT_S, failover: false };
  const client = new RoomServiceClient(access.url, access.apiKey, access.apiSecret, timing);
  const dispatching = new AgentDispatchClient(access.url, access.apiKey, access.apiSecret, timing);
  /** By room sid, as long as there is the room: a worker took it (W1), or in which look it was asked about last (W2). */
  const known = new Map<string, 'taken' | 'waiting' | number>();
  let looks = 0;
  const stopped = () => new Error('stopped before LiveKit had answered');
  const ask = <Value>(request: Promise<Value>, signal: AbortSignal) => unlessAborted(request, signal, stopped);
  /** Of a room that has ended since it was listed: none. */
  const dispatchesIn = (room: string) =>
    dispatching.listDispatch(room).catch((error: unknown) => {
      if (error instanceof ServerError && error.status === 404) return [];
      throw error;
    });

  const inspect = async (
    { room, sid }: Pick<WaitingRoom, 'room' | 'sid'>,
    agentName: string,
    signal: AbortSignal,
    isAlsoUncalled = false,
  ): Promise<WaitingRoom | 'taken' | undefined> => {
    const ours = (await ask(dispatchesIn(room), signal)).filter((one) => one.agentName === agentName);
    if (ours.some(({ state }) => (state?.jobs.length ?? 0) > 0)) return 'taken';
    if (ours.length === 0 && !isAlsoUncalled) return undefined;
    const there = (await occupants(room, signal)).filter(({ kind }) => kind !== 'egress'); // a recorder is nobody
    const callers = there.filter(({ kind }) => kind === 'standard' || kind === 'sip');
    if (callers.length === 0 || there.some(({ kind }) => kind === 'agent')) return undefined;
    const dispatches = ours.map(({ id, metadata }) => ({ id, metadata }));
    const alone = there.length === 1 ? callers[0] : undefined;
    return { room, sid, dispatches: dispatches.toSorted((one, other) => (one.id < other.id ? -1 : 1)), alone };
  };

  /** W2 */
  const toAsk = (rooms: readonly { name: string; sid: string; creationTime: bigint }[]) => {
    const waiting = rooms.filter(({ sid }) => known.get(sid) === 'waiting');
    const lookOf = (sid: string): number => Number(known.get(sid) ?? 0);
    const others = rooms
      .filter(({ sid }) => known.get(sid) !== 'waiting' && known.get(sid) !== 'taken')
      .toSorted((one, other) => lookOf(one.sid) - lookOf(other.sid) || Number(other.creationTime - one.creationTime));
    return [...waiting, ...others.slice(0, MOST)];
  };

  return {
    async find(agentName, isServed, signal) {
      const rooms = await ask(client.listRooms(), signal);
      const sids = new Set(rooms.map(({ sid }) => sid));
      for (const sid of known.keys()) if (!sids.has(sid)) known.delete(sid);
      const asked = toAsk(rooms.filter(({ name, numParticipants }) => numParticipants > 0 && !isServed(name)));
      const found: WaitingRoom[] = [];
      looks += 1;
      for (let at = 0; at < asked.length; at += AT_ONCE) {
        const some = asked.slice(at, at + AT_ONCE).map(async ({ name, sid }) => {
          const own = AbortSignal.any([signal]); // ten rooms' listeners on one signal are warned of
          const one = await inspect({ room: name, sid }, agentName, own);
          known.set(sid, one === 'taken' ? one : one ? 'waiting' : looks);
          if (one !== undefined && one !== 'taken') found.push(one);
        });
        await Promise.all(some);
      }
      return found;
    },
    async look(one, agentName, signal) {
      const [sid, now] = await Promise.all([sidOf(one.room, signal), inspect(one, agentName, signal, true)]);
      return sid === one.sid && now !== 'taken' ? now : undefined;
    },
  };
}
