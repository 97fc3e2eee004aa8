/**
 * Callers who come back after their hang-up. LiveKit was away while their room was deleted: the new server has no such
 * room, and the caller's client, which never heard of the deletion, makes it anew and waits in it for nobody.
 *
 *   B1  Looked for only where LiveKit did not answer the first request of the hang-up, and for RETURN_MS: as long as a
 *       client tries.
 *   B2  Only who was in the call, alone with nobody of ours: no agent in the room, no session here. Twice in a row, for
 *       a call that has just begun in a room of that name gets its agent within a second.
 */
import type { Logger } from 'pino';
import { messageOf } from '../errors/thrown.ts';
import type { Rooms } from '../rooms/rooms.ts';

/** livekit-client's pauses between its ten attempts are 44 s together (DefaultReconnectPolicy.ts). */
const RETURN_MS = 60_000;
const LOOK_MS = 1_500;
const DEADLINE_MS = 4_000;

export type Gone = { room: string; caller: string };
export type ReturnedOptions = {
  rooms: () => Pick<Rooms, 'sidOf' | 'occupants' | 'hangUp'> | undefined;
  isServed: (room: string) => boolean;
  log: Logger;
  now?: () => number;
};

/** *Effect.* Never rejects; looks only while somebody may come. */
export function watchReturned(options: ReturnedOptions): { expect(gone: Gone): void; stop(): void } {
  const { rooms, isServed, log, now = () => performance.now() } = options;
  const over = new AbortController();
  const timers = new Set<NodeJS.Timeout>();

  /** @returns whether they are there, alone */
  const isBack = async ({ room, caller }: Gone, signal: AbortSignal): Promise<boolean> => {
    const asked = rooms();
    if (!asked || isServed(room) || (await asked.sidOf(room, signal)) === undefined) return false;
    const occupants = await asked.occupants(room, signal);
    return occupants.some(({ identity }) => identity === caller) && !occupants.some(({ kind }) => kind === 'agent');
  };
  const letGo = async ({ room }: Gone, signal: AbortSignal): Promise<boolean> => {
    const asked = rooms();
    if (!asked || isServed(room)) return true;
    const { verified } = await asked.hangUp({ room, strategy: 'delete-room', signal });
    if (verified)
      log.warn({ room }, 'a caller came back after the hang-up, to a room made anew; they were let go again');
    return verified;
  };

  const look = async (gone: Gone, until: number, wasBack: boolean): Promise<void> => {
    const signal = AbortSignal.any([over.signal, AbortSignal.timeout(DEADLINE_MS)]);
    let back = false;
    try {
      back = await isBack(gone, signal);
      if (back && wasBack && (await letGo(gone, signal))) return; // B2
    } catch (error) {
      log.debug({ error: messageOf(error) }, 'LiveKit does not say yet whether a caller came back');
    }
    if (now() < until) again(gone, until, back);
  };
  const again = (gone: Gone, until: number, wasBack: boolean): void => {
    if (over.signal.aborted) return;
    const timer = setTimeout(() => {
      timers.delete(timer);
      void look(gone, until, wasBack);
    }, LOOK_MS).unref();
    timers.add(timer);
  };

  return {
    expect: (gone) => again(gone, now() + RETURN_MS, false),
    stop() {
      over.abort();
      for (const timer of timers) clearTimeout(timer);
    },
  };
}
