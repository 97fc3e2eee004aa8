/**
 * Rooms in which somebody waits for an agent that was called for by name, and that no worker took. livekit-server-sdk only.
 *
 * LiveKit offers a dispatch once, to the workers that are there at that moment: with none, or when all decline, the room
 * stays as it is, and nobody is told. `listDispatch` shows it: a dispatch without a job (read in livekit-server 1.13.5,
 * `Room.handleNewJobs`: only a job that a worker took is added).
 */
import { AgentDispatchClient, RoomServiceClient, ServerError } from 'livekit-server-sdk';
import type { LiveKitAccess } from '../link/messages.ts';
import { unlessAborted } from '../waiting/deadline.ts';
import type { Rooms } from './rooms.ts';

/** `dispatches`: those of our agent; nobody took any of them. */
export type WaitingRoom = { room: string; sid: string; dispatches: { id: string; metadata: string }[] };
export type FindWaiting = (
  /** Never empty: an agent without a name is called for in every room, also where nobody wants it. */
  agentName: string,
  isServed: (room: string) => boolean,
  signal: AbortSignal,
) => Promise<WaitingRoom[]>;

/** The newest, in one look: it costs up to two requests for each. */
const MOST = 50;
const ATTEMPT_S = 1;
/** *Effect.* Opens no connection yet. What it gives rejects with what LiveKit says, or when its signal says stop. */
export function openWaitingRooms(access: LiveKitAccess, { occupants }: Pick<Rooms, 'occupants'>): FindWaiting {
  const timing = { requestTimeout: ATTEMPT_S, failover: false };
  const client = new RoomServiceClient(access.url, access.apiKey, access.apiSecret, timing);
  const dispatching = new AgentDispatchClient(access.url, access.apiKey, access.apiSecret, timing);
  /** Of a room that has ended since it was listed: none. */
  const dispatchesIn = (room: string) =>
    dispatching.listDispatch(room).catch((error: unknown) => {
      if (error instanceof ServerError && error.status === 404) return [];
      throw error;
    });
  const stopped = () => new Error('stopped before LiveKit had answered');

  return async (agentName, isServed, signal) => {
    const ask = <Value>(request: Promise<Value>) => unlessAborted(request, signal, stopped);
    const rooms = await ask(client.listRooms());
    const unserved = rooms
      .filter(({ name, numParticipants }) => numParticipants > 0 && !isServed(name))
      .toSorted((one, other) => Number(other.creationTime - one.creationTime));
    const found: WaitingRoom[] = [];
    for (const { name, sid } of unserved.slice(0, MOST)) {
      const ours = (await ask(dispatchesIn(name))).filter((one) => one.agentName === agentName);
      if (ours.length === 0 || ours.some(({ state }) => (state?.jobs.length ?? 0) > 0)) continue;
      const kinds = (await occupants(name, signal)).map(({ kind }) => kind);
      const isCallerThere = kinds.includes('standard') || kinds.includes('sip');
      if (!isCallerThere || kinds.includes('agent')) continue;
      found.push({ room: name, sid, dispatches: ours.map(({ id, metadata }) => ({ id, metadata })) });
    }
    return found;
  };
}
