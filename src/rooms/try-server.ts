/**
 * A LiveKit server, tried once for all that Lastword asks of it: a room of its own is made, an agent dispatched that there
 * is none of, and both are removed again. No caller and no agent notices.
 */
import { randomBytes } from 'node:crypto';
import { AgentDispatchClient, RoomAgentDispatch, RoomServiceClient, ServerError } from 'livekit-server-sdk';
import { messageOf } from '../errors/thrown.ts';
import type { LiveKitAccess } from '../link/messages.ts';
import { settledWithin } from '../waiting/deadline.ts';

/** One after the other; a healthy server needs 50 ms for all. */
const REQUEST_MS = 3_000;
const REMOVE_MS = 2_000;

export type ServerTried = {
  /** The address answers HTTP at all. */
  answers: string | true;
  /** The keys are taken. */
  keys?: string | true;
  /** An agent can be dispatched, and the dispatch is listed. */
  dispatches?: string | true;
  /** How long a room stays when everybody has left it. */
  departureMs?: number;
  /** Its clock less ours; its `Date` has whole seconds. */
  skewMs?: number;
};

const httpOf = (url: string): string => url.replace(/^ws/, 'http');

/** *Effect.* Never rejects: a text says what is in the way. */
export async function tryServer(access: LiveKitAccess): Promise<ServerTried> {
  const asked = Date.now();
  let skewMs: number | undefined;
  try {
    const response = await fetch(httpOf(access.url), { signal: AbortSignal.timeout(REQUEST_MS) });
    await response.body?.cancel();
    const date = Date.parse(response.headers.get('date') ?? '');
    // Half of the way there and back, and half of the second that the header cuts off.
    if (!Number.isNaN(date)) skewMs = Math.round(date + 500 - (asked + Date.now()) / 2);
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    return { answers: messageOf(cause) };
  }
  return { answers: true, ...(skewMs !== undefined && { skewMs }), ...(await tryRoom(access)) };
}

async function tryRoom({ url, apiKey, apiSecret }: LiveKitAccess): Promise<Partial<ServerTried>> {
  const timing = { requestTimeout: REQUEST_MS / 1_000, failover: false };
  const rooms = new RoomServiceClient(url, apiKey, apiSecret, timing);
  const dispatches = new AgentDispatchClient(url, apiKey, apiSecret, timing);
  const name = `lastword-doctor-${randomBytes(6).toString('hex')}`;
  const nobody = `${name}-nobody`;
  let departureMs: number;
  try {
    // Without an agent of its own it would get whoever has no name, as any new room does: a call for them.
    const agents = [new RoomAgentDispatch({ agentName: `${nobody}-else` })];
    const { departureTimeout } = await rooms.createRoom({ name, emptyTimeout: 10, agents });
    departureMs = departureTimeout * 1_000;
  } catch (error) {
    return { keys: refusal(error) };
  }
  try {
    await dispatches.createDispatch(name, nobody);
    const listed = await dispatches.listDispatch(name);
    const isListed = listed.some(({ agentName }) => agentName === nobody);
    return { keys: true, departureMs, dispatches: isListed || 'what was dispatched is not listed' };
  } catch (error) {
    return { keys: true, departureMs, dispatches: refusal(error) };
  } finally {
    await settledWithin(
      rooms.deleteRoom(name).catch(() => undefined), // empty, it goes by itself after ten seconds
      REMOVE_MS,
    );
  }
}

/** A refused token is repeated by the server; it is no text for a screen. */
const refusal = (error: unknown): string => {
  const text = messageOf(error).replace(/eyJ[\w-]+(\.[\w-]+)*/g, '(token)');
  return error instanceof ServerError ? `${error.status} ${text}` : text;
};
