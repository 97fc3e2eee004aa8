/** The user's factories: asked under the signal of the effect that needs them, and what they give is checked. */
import { messageOf } from '../../errors/thrown.ts';
import { unlessAborted } from '../../waiting/deadline.ts';
import type { StartOptions } from '../definition.ts';
import type { LiveJob } from '../live-job.ts';
import { noteFailedStart } from '../note-error.ts';
import { askLines } from '../of-call.ts';
import { callerWishOf, startProblem } from '../start-options.ts';

export type Question<Value> = {
  component: string;
  make: () => Value | Promise<Value>;
  /** What is wrong with the answer, in words. */
  check: (value: Value) => string | undefined;
};

/** Rejects with what was thrown or is wrong; both are in the journal then. */
export async function askUser<Value>(
  job: LiveJob,
  { component, make, check }: Question<Value>,
  signal: AbortSignal,
): Promise<Value> {
  try {
    const value = await unlessAborted((async () => make())(), signal);
    const wrong = problemOf(() => check(value));
    if (wrong !== undefined) throw new TypeError(wrong);
    return value;
  } catch (error) {
    noteFailedStart(job, component, error);
    throw error;
  }
}

/** An answer may be a proxy, or have getters that throw. */
const problemOf = (check: () => string | undefined): string | undefined => {
  try {
    return check();
  } catch (error) {
    return `the options cannot be read: ${messageOf(error)}`;
  }
};

/** What `start(call)` says; asked once, and from then on it is known whom the call is with. */
export async function startOptionsOf(job: LiveJob, signal: AbortSignal): Promise<StartOptions> {
  const { definition, call, venue } = job;
  if (job.startOptions) return job.startOptions;
  const options = await askUser<StartOptions>(
    job,
    {
      component: 'start',
      make: () => definition.start?.(call) ?? {},
      check: (value) => startProblem(value, definition),
    },
    signal,
  );
  job.startOptions = options;
  if (definition.start) venue.expectCaller(callerWishOf(options));
  return options;
}

/** The lines of this call, asked for or waited for. Rejects without a greeting: the start has failed. */
export async function resolveLines(job: LiveJob, signal: AbortSignal): Promise<void> {
  const failed = await unlessAborted(askLines(job), signal);
  if (failed) throw failed.error;
}
