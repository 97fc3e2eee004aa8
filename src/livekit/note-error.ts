import { ends } from '../../machines/index.ts';
import { isA, messageOf, stackOf } from '../errors/thrown.ts';
import { LeftError } from '../waiting/deadline.ts';
import type { LiveJob } from './live-job.ts';

/** An error of the user's code (or of ours in their stead), into journal and log. Never throws. */
export function noteError(
  job: Pick<LiveJob, 'recorder' | 'log'>,
  component: string,
  error: unknown,
  recoverable = true,
  said = 'an error in user code',
): void {
  const stack = stackOf(error);
  const message = messageOf(error);
  job.recorder.append('error', { component, message, recoverable, ...(stack !== undefined && { stack }) });
  job.log.error({ component, error: message }, said);
}

/**
 * A step of the start failed, or its time is over: why the call ends is in the report. When the call ends for another
 * reason, and the step was left for that, nothing failed.
 */
export function noteFailedStart(
  job: Pick<LiveJob, 'recorder' | 'log' | 'run'>,
  component: string,
  error: unknown,
): void {
  const { end } = job.run.context();
  if (end && end.reason !== ends.startupFailed.reason) return;
  const thrown = isA(error, LeftError) ? 'it had not settled when its time was over' : error;
  noteError(job, component, thrown, false, 'the start failed');
}
