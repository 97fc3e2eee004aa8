/**
 * A room that the real room adapter and the SDK's RoomIO take for one: no server, no media. What is published to it is
 * subscribed to, or not, or refused. The server's API is a stand-in on loopback.
 */
import { EventEmitter } from 'node:events';
import { DisconnectReason, ParticipantKind, RoomEvent } from '@livekit/rtc-node';
import type { Venue } from '../../src/livekit/venue.ts';
import { type StandIn, startStandIn } from '../unit/twirp-stand-in.ts';
import type { Edge } from './edges.ts';

/** `refused` and `refused once`: publishTrack rejects. `unheard`: nobody ever subscribes. */
export type Publishing = 'heard' | 'unheard' | 'refused' | 'refused once';

export class FakeRoom extends EventEmitter {
  readonly name = 'room';
  readonly metadata = '';
  readonly isConnected = true;
  readonly remoteParticipants = new Map<string, object>();
  readonly localParticipant: object;
  readonly server: StandIn;
  /** How often a track was to be published. */
  published = 0;

  constructor(server: StandIn, publishing: Publishing) {
    super();
    this.server = server;
    server.rooms.set(this.name, [{ identity: 'caller', sid: 'PA_1', kind: 'STANDARD' }]);
    this.localParticipant = {
      identity: 'agent',
      attributes: {},
      setAttributes: async () => {},
      publishTrack: async () => {
        this.published += 1;
        if (publishing === 'refused' || (publishing === 'refused once' && this.published === 1))
          throw new Error('planted: the track was refused');
        return { waitForSubscription: () => (publishing === 'unheard' ? new Promise(() => {}) : Promise.resolve()) };
      },
    };
    this.#joins('caller');
  }

  connect = async () => {};
  getSid = async () => 'RM_1';
  disconnect = async () => {};
  registerTextStreamHandler(): void {}
  unregisterTextStreamHandler(): void {}
  registerByteStreamHandler(): void {}
  unregisterByteStreamHandler(): void {}

  /** What a job knows of it. */
  context(id: string): object {
    return {
      room: this,
      job: { id, room: { name: this.name, sid: 'RM_1' } },
      info: { url: this.server.url, apiKey: 'key', apiSecret: 'a secret of at least 32 characters' },
      proc: { userData: {} },
      connect: async () => {},
    };
  }

  edge(venue: Venue): Edge {
    return {
      venue,
      hangUp: () => undefined,
      leaves: () => this.#departs('caller', DisconnectReason.CLIENT_INITIATED),
      vanishes: () => this.remoteParticipants.clear(),
      isLost: () => this.#departs('caller', DisconnectReason.CONNECTION_TIMEOUT),
      returns: () => void this.emit(RoomEvent.ParticipantConnected, this.#joins('caller')),
    };
  }

  #joins(identity: string): object {
    const participant = {
      identity,
      sid: `PA_${this.remoteParticipants.size + 1}`,
      info: { kind: ParticipantKind.STANDARD },
      attributes: {},
      metadata: '',
      trackPublications: new Map(),
    };
    this.remoteParticipants.set(identity, participant);
    return participant;
  }

  #departs(identity: string, disconnectReason: DisconnectReason): void {
    const participant = { ...this.remoteParticipants.get(identity), disconnectReason };
    this.remoteParticipants.delete(identity);
    this.emit(RoomEvent.ParticipantDisconnected, participant);
  }
}

export async function fakeRoom(publishing: Publishing = 'heard'): Promise<FakeRoom & AsyncDisposable> {
  const server = await startStandIn();
  return Object.assign(new FakeRoom(server, publishing), {
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  });
}
