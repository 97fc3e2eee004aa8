/**
 * The session failed in the middle of a call: what came to nothing is asked for once more, and the caller who waits has
 * the same clock as before. Once in a minute; the second time is final (machines/session.mending.ts).
 */
import type { LiveJob } from '../live-job.ts';

export async function mend({ told }: LiveJob, signal: AbortSignal): Promise<void> {
  await told?.askAgain(signal);
}
