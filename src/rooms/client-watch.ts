/**
 * The server's client in other hands than ours: an application that deletes its room, or removes its caller, ends its
 * call. The prototype is the one place where all of them can be seen; a second copy of the package cannot.
 */
import { RoomServiceClient } from 'livekit-server-sdk';

const asItIs = () => ({
  deleteRoom: Reflect.get(RoomServiceClient.prototype, 'deleteRoom') as RoomServiceClient['deleteRoom'],
  removeParticipant: Reflect.get(
    RoomServiceClient.prototype,
    'removeParticipant',
  ) as RoomServiceClient['removeParticipant'],
});
/** What it was before anybody looked on; ours are carried out by it, with a client of ours as `this`. */
const untouched = asItIs();

export const deleteBy = (client: RoomServiceClient, room: string): Promise<void> =>
  untouched.deleteRoom.call(client, room);
export const removeBy = (client: RoomServiceClient, room: string, identity: string): Promise<void> =>
  untouched.removeParticipant.call(client, room, identity);

/** Each carries out what it is given, or takes it for something else. */
export type ClientWatch = {
  deleteRoom(room: string, carryOut: () => Promise<void>): Promise<void>;
  removeParticipant(room: string, identity: string, carryOut: () => Promise<void>): Promise<void>;
};

/** For the life of the process. What one lets pass, those before it are told of. `url`: of the one server that is meant. */
export function watchClients(url: string, watch: ClientWatch): void {
  const before = asItIs();
  const isMeant = (client: RoomServiceClient): boolean => {
    const { rpc } = client as unknown as { rpc?: { host?: unknown } }; // private; a client that hides it is taken to be
    return (
      typeof rpc?.host !== 'string' || rpc.host.replace(/\/+$/, '') === url.replace(/^ws/, 'http').replace(/\/+$/, '')
    );
  };
  RoomServiceClient.prototype.deleteRoom = function deleteRoom(room) {
    const carryOut = () => before.deleteRoom.call(this, room);
    return isMeant(this) ? watch.deleteRoom(room, carryOut) : carryOut();
  };
  RoomServiceClient.prototype.removeParticipant = function removeParticipant(room, identity, options) {
    const carryOut = () => before.removeParticipant.call(this, room, identity, options);
    return isMeant(this) ? watch.removeParticipant(room, identity, carryOut) : carryOut();
  };
}
