/** A room that the real room adapter takes for one: no media, a caller in it, the server's API a stand-in on loopback. */
import { EventEmitter } from 'node:events';
import { ParticipantKind } from '@livekit/rtc-node';
import { type StandIn, startStandIn } from '../unit/twirp-stand-in.ts';

export class FakeRoom extends EventEmitter {
  readonly name = 'room';
  readonly metadata = '';
  readonly isConnected = true;
  readonly localParticipant = {
    identity: 'agent',
    attributes: {},
    publishTrack: () => Promise.reject(new Error('a room without media')),
    publishData: async () => {},
    setAttributes: async () => {},
  };
  readonly remoteParticipants: Map<string, object>;
  readonly server: StandIn;

  constructor(server: StandIn) {
    super();
    this.server = server;
    server.rooms.set(this.name, [{ identity: 'caller', sid: 'PA_1', kind: 'STANDARD' }]);
    const caller = { identity: 'caller', sid: 'PA_1', info: { kind: ParticipantKind.STANDARD }, attributes: {} };
    this.remoteParticipants = new Map([['caller', { ...caller, metadata: '', trackPublications: new Map() }]]);
  }

  connect = async () => {};
  disconnect = async () => {};
  getSid = async () => 'RM_1';
}

export async function fakeRoom(): Promise<FakeRoom & AsyncDisposable> {
  const server = await startStandIn();
  return Object.assign(new FakeRoom(server), { [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() });
}
