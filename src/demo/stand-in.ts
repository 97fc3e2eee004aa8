/**
 * LiveKit's stand-in for a call in the terminal: a small server on loopback that answers what the keeper asks of LiveKit
 * (src/rooms/server-api.ts), about the one room there is. The keeper takes it for a server, and needs to know nothing of
 * it. It carries no sound: an apology that the keeper speaks into a room by itself cannot be heard here.
 */
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TokenVerifier } from 'livekit-server-sdk';
import type { LiveKitAccess } from '../link/messages.ts';
import type { TerminalRoom } from './room.ts';

/** Of a request; the keeper's are a line each. */
const MOST_BYTES = 262_144;
const NAME = 'terminal';

type Asked = { room?: string; names?: string[]; identity?: string; agentName?: string; dispatchId?: string };
type Answer = { status: number; body: object };
const good = (body: object): Answer => ({ status: 200, body });
const refused = (status: number, code: string, msg: string): Answer => ({ status, body: { code, msg } });
const missing = refused(404, 'not_found', 'there is no such room, participant or dispatch');

export type StandInServer = { readonly access: LiveKitAccess; close(): Promise<void> };

/** *Effect.* Listens on 127.0.0.1, on any free port. `onDispatch`: an agent is called for. */
export async function openStandIn(options: {
  room: Pick<TerminalRoom, 'name' | 'sid' | 'isDeleted' | 'listed' | 'remove' | 'delete'>;
  onDispatch: (dispatch: string) => void;
  onUndispatch: (dispatch: string) => void;
}): Promise<StandInServer> {
  const { room, onDispatch, onUndispatch } = options;
  const apiSecret = randomBytes(32).toString('hex');
  const verifier = new TokenVerifier(NAME, apiSecret);
  const dispatches = new Set<string>();
  let dispatched = 0;
  const isHere = (name: string | undefined) => name === room.name && !room.isDeleted;

  const methods: Record<string, (asked: Asked) => Answer> = {
    ListRooms: ({ names = [] }) => {
      const isAsked = names.length === 0 || names.includes(room.name);
      const { name, sid, listed } = room;
      return good({ rooms: isAsked && isHere(name) ? [{ name, sid, numParticipants: listed.length }] : [] });
    },
    ListParticipants: (asked) => (isHere(asked.room) ? good({ participants: room.listed }) : missing),
    RemoveParticipant: ({ room: name, identity = '' }) => (isHere(name) && room.remove(identity) ? good({}) : missing),
    DeleteRoom: (asked) => {
      if (!isHere(asked.room)) return missing;
      room.delete();
      return good({});
    },
    SendData: (asked) => (isHere(asked.room) ? good({}) : missing),
    ListDispatch: (asked) => (isHere(asked.room) ? good({ agentDispatches: [] }) : missing),
    CreateDispatch: ({ room: name, agentName = '' }) => {
      if (!isHere(name)) return missing;
      const id = `AD_${(dispatched += 1)}`;
      dispatches.add(id);
      onDispatch(id);
      return good({ id, room: name, agentName });
    },
    DeleteDispatch: ({ dispatchId = '' }) => {
      if (!dispatches.delete(dispatchId)) return missing;
      onUndispatch(dispatchId);
      return good({ id: dispatchId });
    },
  };

  const answer = async (request: IncomingMessage): Promise<Answer> => {
    const [, service, name = ''] = /^\/twirp\/livekit\.(\w+)\/(\w+)$/.exec(request.url ?? '') ?? [];
    const method = Object.hasOwn(methods, name) ? methods[name] : undefined;
    if (service === undefined || !method)
      return refused(404, 'bad_route', 'this stand-in for LiveKit does not know it');
    const token = (request.headers.authorization ?? '').replace(/^Bearer /, '');
    try {
      await verifier.verify(token);
    } catch {
      return refused(401, 'unauthenticated', 'expected a token of this call');
    }
    const parts: Buffer[] = [];
    let length = 0;
    for await (const part of request) {
      parts.push(part as Buffer);
      length += (part as Buffer).length;
      if (length > MOST_BYTES) return refused(400, 'malformed', `expected at most ${MOST_BYTES} bytes`);
    }
    return method(JSON.parse(Buffer.concat(parts).toString('utf8')) as Asked);
  };

  const server = createServer((request, response) => {
    answer(request).then(
      ({ status, body }) =>
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
      () => response.destroy(),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    access: { url: `ws://127.0.0.1:${port}`, apiKey: NAME, apiSecret },
    close: () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      return closed;
    },
  };
}
