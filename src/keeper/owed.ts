/** A hang-up that nobody confirmed, tried on beside everything else: the report is sealed, the caller may still be there. */
import { setTimeout as pause } from 'node:timers/promises';
import type { HangUpRequest, Rooms } from '../rooms/rooms.ts';
import { messageOf } from '../session/deadline.ts';
import type { Log } from '../session/ports.ts';

const PAUSE_MS = 2_000;
const ATTEMPT_MS = 10_000;
/** Then the server has long closed a room without an agent, or an operator has seen the log. */
const GIVE_UP_MS = 300_000;

/**
 * *Effect.* Resolves with whether it worked in the end; never rejects.
 * @param roomSid as dispatched. A room that was made anew under the same name is another call, and is left alone.
 */
export async function hangUpLater(
  rooms: Rooms,
  request: Omit<HangUpRequest, 'signal'> & { roomSid: string },
  log: Log,
  pauseMs = PAUSE_MS,
): Promise<boolean> {
  const { roomSid, ...wanted } = request;
  for (const end = Date.now() + GIVE_UP_MS; Date.now() < end;) {
    await pause(pauseMs, undefined, { ref: false });
    try {
      const sid = await rooms.sidOf(wanted.room, AbortSignal.timeout(ATTEMPT_MS));
      const isGone = sid === undefined || (roomSid !== '' && sid !== roomSid);
      const signal = AbortSignal.timeout(ATTEMPT_MS);
      if (!isGone && !(await rooms.hangUp({ ...wanted, signal })).verified) continue;
      log.info({ room: wanted.room }, 'the caller was released, late');
      return true;
    } catch (error) {
      log.debug({ room: wanted.room, error: messageOf(error) }, 'LiveKit is still away');
    }
  }
  log.error({ room: wanted.room }, `not hung up within ${GIVE_UP_MS} ms; delete the room by hand`);
  return false;
}
