import { messageOf, stackOf } from '../session/deadline.ts';
import type { LiveJob } from './live-job.ts';

/** An error of the user's code (or of ours in their stead), into journal and log. Never throws. */
export function noteError(
  job: Pick<LiveJob, 'recorder' | 'log'>,
  component: string,
  error: unknown,
  recoverable = true,
): void {
  const stack = stackOf(error);
  const message = messageOf(error);
  job.recorder.append('error', { component, message, recoverable, ...(stack !== undefined && { stack }) });
  job.log.error({ component, error: message }, 'an error in user code');
}
