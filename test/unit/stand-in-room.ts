/** A room as the venue needs it, and a venue in it. The server of its API answers nothing unless another one is named. */
import { EventEmitter } from 'node:events';
import type { JobContext } from '@livekit/agents';
import { roomVenue } from '../../src/livekit/room-venue.ts';
import type { Reporter, Venue } from '../../src/livekit/venue.ts';

type Somebody = { identity: string; trackPublications?: Map<string, object> };
type Options = {
  connect?: () => Promise<void>;
  send: Reporter['send'];
  append?: Reporter['recorder']['append'];
  url?: string;
  isCallerNamed?: boolean;
};

/** @param participants who is there; @param more what else the room has */
export function standInRoom<One extends Somebody, More extends object>(participants: One[], more: More) {
  return Object.assign(
    new EventEmitter(),
    {
      name: 'room',
      isConnected: true,
      metadata: '',
      remoteParticipants: new Map(participants.map((one) => [one.identity, one])),
      getSid: async () => 'RM_1',
      disconnect: async () => {},
    },
    more,
  );
}

export async function venueIn(
  room: EventEmitter,
  { connect = async () => {}, send, append = () => 0, url = 'ws://127.0.0.1:1', isCallerNamed = false }: Options,
): Promise<Venue> {
  const context = {
    room,
    job: { room: { name: 'room', sid: 'RM_1' } },
    info: { url, apiKey: 'key', apiSecret: 'secret-of-at-least-thirty-two-bytes' },
    connect,
  };
  const reporter = { send, recorder: { append, durable: async () => {} } };
  const venue = roomVenue(context as unknown as JobContext, reporter, { isCallerNamed });
  await venue.connect(AbortSignal.timeout(5000));
  return venue;
}
