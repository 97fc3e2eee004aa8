/**
 * The session failed in the middle of a call: what came to nothing is asked for once more, and the caller who waits has
 * the same clock as before. Once in a minute; the second time is final (machines/session.mending.ts).
 */
import type { LiveJob } from '../live-job.ts';

/**
 * A realtime model that is gone cannot be put into its session anew: another job goes on with the call, as after a crash.
 * @throws Error: no other job had the call in time
 */
export async function mend({ told, isSessionLost, goesElsewhere }: LiveJob, signal: AbortSignal): Promise<void> {
  if (isSessionLost) await goesElsewhere?.(signal);
  else await told?.askAgain(signal);
}
