/**
 * LiveKit's room service as a small HTTP server: rooms are lists of participants, and every method may be told to
 * answer something else for its next calls. Its SIP service only takes transfers down: there is no telephone here.
 */
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Participant = {
  identity: string;
  sid: string;
  kind: 'STANDARD' | 'SIP' | 'AGENT' | 'EGRESS';
  /** Seconds since the epoch, as 64-bit numbers go in JSON. */
  joinedAt?: string;
};
export type Dispatch = { id: string; agentName: string; metadata?: string; state?: { jobs: { id: string }[] } };
/** `number`: that status. `hang`: carried out or not, no answer. `ghost`: answers well and does nothing. */
export type Misbehaviour =
  | number
  | { status: number; message: string; meta?: Record<string, string> }
  | 'hang'
  | 'hang-but-do'
  | 'ghost';

export type StandIn = {
  url: string;
  rooms: Map<string, Participant[]>;
  /** Of rooms that were made anew; else `RM_` and the name. */
  sids: Map<string, string>;
  /** By the name of their room. */
  dispatches: Map<string, Dispatch[]>;
  /** Every request that came in, as `Method` or `Method identity`. */
  asked: string[];
  /** Agents that were called for. */
  called: object[];
  /** Rooms whose dispatches were looked at: from time to time, for whoever waits in one that nobody serves. */
  looked: string[];
  /** The bodies of the transfers that came in. */
  transfers: object[];
  /** Deletions that were being carried out at the same time, at most. */
  mostDeletions: () => number;
  next: (method: string, ...how: Misbehaviour[]) => void;
  /** Milliseconds that every deletion takes. */
  slowDeletion: (milliseconds: number) => void;
  [Symbol.asyncDispose](): Promise<void>;
};

const readBody = async (request: IncomingMessage): Promise<Record<string, string>> => {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return JSON.parse(Buffer.concat(parts).toString()) as Record<string, string>;
};

export const startStandIn = async (): Promise<StandIn> => {
  const rooms = new Map<string, Participant[]>();
  const sids = new Map<string, string>();
  const dispatches = new Map<string, Dispatch[]>();
  const asked: string[] = [];
  const looked: string[] = [];
  const called: object[] = [];
  const transfers: object[] = [];
  const planned = new Map<string, Misbehaviour[]>();
  let deletionMs = 0;
  let deleting = 0;
  let most = 0;

  const sidOf = (name: string) => sids.get(name) ?? `RM_${name}`;

  const perform = async (method: string, body: Record<string, string>): Promise<[number, object]> => {
    const room = body['room'] ?? '';
    const missing: [number, object] = [404, { code: 'not_found', msg: 'requested room does not exist' }];
    switch (method) {
      case 'ListRooms': {
        const names = body['names'] as unknown as string[];
        return [200, { rooms: names.filter((name) => rooms.has(name)).map((name) => ({ name, sid: sidOf(name) })) }];
      }
      case 'ListParticipants':
        return rooms.has(room) ? [200, { participants: rooms.get(room) }] : missing;
      case 'RemoveParticipant': {
        const those = rooms.get(room);
        if (those?.some(({ identity }) => identity === body['identity']) !== true) return missing;
        rooms.set(
          room,
          those.filter(({ identity }) => identity !== body['identity']),
        );
        return [200, {}];
      }
      case 'DeleteRoom': {
        deleting += 1;
        most = Math.max(most, deleting);
        if (deletionMs > 0) await new Promise((resolve) => setTimeout(resolve, deletionMs));
        deleting -= 1;
        return rooms.delete(room) ? [200, {}] : missing;
      }
      case 'TransferSIPParticipant': {
        const those = rooms.get(body['roomName'] ?? '');
        const leaver = those?.find(({ identity, kind }) => identity === body['participantIdentity'] && kind === 'SIP');
        if (!those || !leaver) return [404, { code: 'not_found', msg: 'participant does not exist' }];
        those.splice(those.indexOf(leaver), 1);
        return [200, {}];
      }
      case 'ListDispatch':
        return [200, { agentDispatches: dispatches.get(room) ?? [] }];
      case 'DeleteDispatch': {
        const those = dispatches.get(room) ?? [];
        const at = those.findIndex(({ id }) => id === body['dispatchId']);
        if (at < 0) return [404, { code: 'not_found', msg: 'dispatch ID not found' }];
        return [200, those.splice(at, 1)[0] ?? {}];
      }
      case 'CreateDispatch':
        called.push(body);
        return [200, { id: 'AD_1', room, agentName: body['agentName'], metadata: body['metadata'] }];
      default:
        return [404, { code: 'bad_route', msg: method }];
    }
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const method = request.url?.split('/').at(-1) ?? '';
    const body = await readBody(request);
    // All rooms are asked for from time to time, for callers whom nobody answers. That is about nobody, and not noted.
    if (method === 'ListRooms' && body['names'] === undefined) {
      const all = [...rooms].map(([name, { length }]) => ({ name, sid: sidOf(name), numParticipants: length }));
      const isAway = (planned.get(method)?.length ?? 0) > 0;
      response.writeHead(isAway ? 503 : 200, { 'content-type': 'application/json' });
      return void response.end(JSON.stringify(isAway ? { code: 'internal', msg: 'planned' } : { rooms: all }));
    }
    const identity = body['identity'] ?? body['participantIdentity'];
    if (method === 'ListDispatch') looked.push(body['room'] ?? '');
    else asked.push(identity === undefined ? method : `${method} ${identity}`);
    if (method === 'TransferSIPParticipant') transfers.push(body);
    const how = planned.get(method)?.shift();
    if (how === 'hang') return;
    const answer: [number, object] =
      how === 'ghost'
        ? [200, {}]
        : typeof how === 'object'
          ? [how.status, { code: 'unauthenticated', msg: how.message, ...(how.meta && { meta: how.meta }) }]
          : typeof how === 'number'
            ? [how, { code: 'internal', msg: `planned ${how}` }]
            : await perform(method, body);
    if (how === 'hang-but-do') return;
    response.writeHead(answer[0], { 'content-type': 'application/json' }).end(JSON.stringify(answer[1]));
  };

  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    rooms,
    sids,
    dispatches,
    asked,
    looked,
    called,
    transfers,
    mostDeletions: () => most,
    next: (method, ...how) => void planned.set(method, how),
    slowDeletion: (milliseconds) => void (deletionMs = milliseconds),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
