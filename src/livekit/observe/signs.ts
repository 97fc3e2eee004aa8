/**
 * Signs of life that are no speech: keys, data, streams of text and bytes, calls of methods, attributes that somebody
 * set. Whose they are is told; whether that is the caller, others know.
 *
 * What clients send of themselves (topics, methods and attributes of LiveKit's own: `lk.…`, `sip.…`) is no act of
 * anybody's; the chat of LiveKit's components is.
 */
import { type LocalParticipant, type Room, RoomEvent } from '@livekit/rtc-node';

export type Sign = { what: 'key'; digit: string } | { what: 'data' | 'stream' | 'method' | 'attributes' };

const CHAT = 'lk.chat';
const isOwn = (name: string | undefined): boolean => /^(lk|sip)\./.test(name ?? '') && name !== CHAT;

/** `connected()`: once there is a local participant. */
export function observeSigns(room: Room, acts: (identity: string, sign: Sign) => void): { connected(): void } {
  room
    .on(RoomEvent.DtmfReceived, (_code, digit, participant) => {
      // Without a participant: of somebody who is gone already.
      if ((participant as typeof participant | undefined) !== undefined)
        acts(participant.identity, { what: 'key', digit });
    })
    .on(RoomEvent.DataReceived, (_payload, participant, _kind, topic) => {
      if (participant && !isOwn(topic)) acts(participant.identity, { what: 'data' }); // without one: a server's
    })
    .on(RoomEvent.ParticipantAttributesChanged, (attributes, { identity }) => {
      if (Object.keys(attributes).some((name) => !isOwn(name))) acts(identity, { what: 'attributes' });
    });
  // Streams have no event of the room's, only a handler for each topic: what nobody handles is not heard of.
  for (const register of ['registerTextStreamHandler', 'registerByteStreamHandler'] as const) {
    const original = Reflect.get(room, register) as Register | undefined;
    if (!original) continue;
    const handled: Register = (topic, handle) =>
      original.call(room, topic, (reader, from) => {
        if (!isOwn(topic)) acts(from.identity, { what: 'stream' });
        return handle(reader, from);
      });
    Reflect.set(room, register, handled);
  }
  return {
    connected: () => {
      const local = room.localParticipant;
      const invoke = local && (Reflect.get(local, INVOKE) as LocalParticipant[typeof INVOKE] | undefined);
      if (!invoke) return;
      const invoked: typeof invoke = (id, method, request, identity, ...more) => {
        if (!isOwn(method)) acts(identity, { what: 'method' });
        return invoke.call(local, id, method, request, identity, ...more);
      };
      Reflect.set(local, INVOKE, invoked);
    },
  };
}

/** Where every call of a method comes in, also of one that was registered before. */
const INVOKE = 'handleRpcMethodInvocation';
type Register = (topic: string, handle: (reader: unknown, from: { identity: string }) => void) => void;
