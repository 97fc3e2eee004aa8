/**
 * A caller on hold: the user's code, or a task of the SDK's such as a warm transfer, took both ear and voice from the
 * session, and plays music meanwhile (situation O-C3). Nobody hears a nudge then, and nobody is idle. How long it may
 * last is said by what holds them, and by `maxDurationMs`.
 */
import type { voice } from '@livekit/agents';
import type { LiveJob } from '../live-job.ts';

/** A caller who waited when they were put on hold is not to hear a filler into the music. */
const LOOK_MS = 500;

const isHeld = ({ input, output }: voice.AgentSession): boolean =>
  output.audio !== null &&
  !output.audioEnabled &&
  !input.audioEnabled &&
  (output.transcription === null || !output.transcriptionEnabled); // who reads is not on hold

/** Until the caller is let go. */
export function watchHold({ run, definition, letGo }: LiveJob, session: voice.AgentSession): void {
  const { idleMs } = definition.policy;
  let toldAt: number | undefined;
  const look = () => {
    if (run.hasTag('leaving') || !isHeld(session)) {
      toldAt = undefined;
      return;
    }
    const now = performance.now();
    if (toldAt !== undefined && !run.hasTag('waiting') && now - toldAt < idleMs / 3) return;
    toldAt = now;
    run.send({ type: 'dialogue.moved' });
  };
  const looking = setInterval(look, Math.min(LOOK_MS, idleMs / 3));
  letGo.signal.addEventListener('abort', () => clearInterval(looking), { once: true });
}
