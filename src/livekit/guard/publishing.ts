/**
 * Publishing, guarded. What publishTrack throws the SDK keeps in a task that nobody awaits: a mute agent, and no event
 * says so. One quick retry; then whoever asked for the guard decides what a mute agent means.
 */
import type { LocalParticipant, LocalTrack } from '@livekit/rtc-node';

const ATTEMPTS = 2;
const known = new WeakSet<LocalParticipant>();

/** `failed` hears of each attempt that failed, and of which track; `isLast`: it stays unpublished. */
export function guardPublishing(
  participant: LocalParticipant | undefined,
  failed: (track: LocalTrack, error: unknown, isLast: boolean) => void,
): void {
  if (!participant || known.has(participant)) return;
  known.add(participant);
  const publish = participant.publishTrack.bind(participant);
  participant.publishTrack = async (track, options) => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await publish(track, options);
      } catch (error) {
        failed(track, error, attempt === ATTEMPTS);
        if (attempt === ATTEMPTS) throw error;
      }
    }
  };
}
