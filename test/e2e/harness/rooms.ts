/** Rooms and tokens of the test's server. */
import {
  AccessToken,
  AgentDispatchClient,
  RoomAgentDispatch,
  RoomConfiguration,
  RoomServiceClient,
} from 'livekit-server-sdk';
import type { LiveKitAddress } from './server.ts';

const REQUEST_SECONDS = 5;

export type TestRoom = {
  /** An agent that the room calls for by name when it is made. Default: none; agents without a name come anyway. */
  agentName?: string;
  /** Metadata of that dispatch: the job's. */
  jobMetadata?: string;
  roomMetadata?: string;
  /** Seconds that the empty room lives after the last one left. Default 60: what closes a room in a test is the test. */
  departureTimeout?: number;
};
export type TokenWish = {
  room: string;
  identity: string;
  /** Default: an ordinary participant. */
  kind?: 'standard' | 'sip' | 'agent';
  /** May neither speak nor write. */
  isObserver?: boolean;
  attributes?: Record<string, string>;
  metadata?: string;
  /** An agent that is called for when this participant's joining makes the room. Default: none. */
  agentName?: string;
  /** Metadata of that dispatch. */
  jobMetadata?: string;
};

export interface TestRooms {
  create(name: string, wish?: TestRoom): Promise<void>;
  /** Names of all rooms there are. */
  names(): Promise<string[]>;
  identities(room: string): Promise<string[]>;
  remove(room: string, identity: string): Promise<void>;
  /** Calls for an agent once more. */
  dispatch(room: string, agentName: string): Promise<void>;
  /** What a telephone's participant says of itself: `sip.callStatus` is an attribute. */
  setAttributes(room: string, identity: string, attributes: Record<string, string>): Promise<void>;
  /** A room that is gone already is as good. */
  delete(room: string): Promise<void>;
  token(wish: TokenWish): Promise<string>;
}

export function roomsOf(server: LiveKitAddress): TestRooms {
  const client = new RoomServiceClient(server.url, server.apiKey, server.apiSecret, {
    requestTimeout: REQUEST_SECONDS,
  });
  return {
    create: async (name, wish = {}) => {
      const { agentName, jobMetadata = '', roomMetadata = '', departureTimeout = 60 } = wish;
      const agents = agentName === undefined ? [] : [new RoomAgentDispatch({ agentName, metadata: jobMetadata })];
      await client.createRoom({ name, metadata: roomMetadata, departureTimeout, agents });
    },
    names: async () => (await client.listRooms()).map((room) => room.name),
    identities: async (room) => (await client.listParticipants(room)).map((participant) => participant.identity),
    remove: (room, identity) => client.removeParticipant(room, identity),
    dispatch: async (room, agentName) => {
      const { url, apiKey, apiSecret } = server;
      await new AgentDispatchClient(url, apiKey, apiSecret).createDispatch(room, agentName);
    },
    setAttributes: async (room, identity, attributes) => {
      await client.updateParticipant(room, identity, { attributes });
    },
    delete: async (room) => {
      await client.deleteRoom(room).catch((error: unknown) => {
        const status = error instanceof Error && 'status' in error ? error.status : undefined;
        if (status !== 404) throw error;
      });
    },
    token: async ({ room, identity, kind, isObserver = false, attributes, metadata, agentName, jobMetadata = '' }) => {
      const token = new AccessToken(server.apiKey, server.apiSecret, {
        identity,
        ...(attributes ? { attributes } : {}),
        ...(metadata === undefined ? {} : { metadata }),
      });
      const may = !isObserver;
      token.addGrant({
        room,
        roomJoin: true,
        canPublish: may,
        canPublishData: may,
        canSubscribe: true,
        canUpdateOwnMetadata: may,
      });
      if (kind) token.kind = kind;
      if (agentName !== undefined)
        token.roomConfig = new RoomConfiguration({
          agents: [new RoomAgentDispatch({ agentName, metadata: jobMetadata })],
        });
      return token.toJwt();
    },
  };
}
