/**
 * What an AgentSession says, heard by us beside its own listeners and before them: whoever counts those finds none of
 * ours, and `removeAllListeners()` in the user's code does not make us deaf. Told by guard/listeners.ts.
 */
import type { voice } from '@livekit/agents';
import type { LiveJob } from '../live-job.ts';

/** Listened to as the session itself would be. */
export const overhear = ({ ears }: Pick<LiveJob, 'ears'>): Pick<voice.AgentSession, 'on' | 'off'> =>
  ears as unknown as Pick<voice.AgentSession, 'on' | 'off'>;

/** One of ours that throws is passed to `failed`; the others are told all the same. */
export function tellOurs(
  { ears }: Pick<LiveJob, 'ears'>,
  event: string,
  given: unknown[],
  failed: (error: unknown) => void,
): void {
  for (const listener of ears.rawListeners(event)) {
    try {
      Reflect.apply(listener, ears, given);
    } catch (error) {
      failed(error);
    }
  }
}
