/** Tells the client why its call ends, before it is let go. */
import type { Room } from '@livekit/rtc-node';
import type { End } from '../../machines/index.ts';
import { messageOf } from '../errors/thrown.ts';
import { SESSION_TOPIC } from '../rooms/rooms.ts';
import type { Recorder } from '../session/ports.ts';
import { settledWithin } from '../waiting/deadline.ts';

/** What a client that wants to know the reason may cost a caller who wants to be gone. Measured: 5 to 15 ms. */
const ANNOUNCE_MS = 100;
/** LiveKit takes attributes of 64 KiB in all; a reason is a word. */
const REASON_LENGTH = 200;

/** The end as the client may know it: no detail, which may quote anybody. Pure. */
const announcementOf = ({ reason: given, by }: End, session: string) => {
  const reason = given.slice(0, REASON_LENGTH);
  const message = { type: 'session.ended', reason, by, session };
  return {
    data: new TextEncoder().encode(JSON.stringify(message)),
    attributes: { 'lastword.end': reason },
  };
};

/** *Effect.* Never rejects. What could not be told is noted. */
export async function announceEnd(
  room: Room,
  recorder: Pick<Recorder, 'append'>,
  end: End,
  session: string,
): Promise<void> {
  const { localParticipant } = room;
  if (!localParticipant || !room.isConnected) return;
  const tell = async () => {
    const { data, attributes } = announcementOf(end, session);
    const sent = localParticipant.publishData(data, { reliable: true, topic: SESSION_TOPIC });
    await Promise.all([sent, localParticipant.setAttributes(attributes)]);
  };
  const outcome = await settledWithin(tell(), ANNOUNCE_MS);
  if (outcome.kind === 'settled') return;
  const why = outcome.kind === 'failed' ? messageOf(outcome.error) : `not within ${ANNOUNCE_MS} ms`;
  recorder.append('log', { level: 'info', message: 'the client could not be told why the call ends', why });
}
