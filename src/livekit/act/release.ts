/**
 * What the user's code opened beside the call (a database, a booking that is held, a recording) and wants released when
 * it is over: after the hang-up, so that no caller waits for it, all at once, each under a limit.
 */
import { describeValue } from '../../errors/config-error.ts';
import { settledWithin } from '../../waiting/deadline.ts';
import type { LiveJob } from '../live-job.ts';
import { noteError } from '../note-error.ts';

export type Release = { name: string; release: () => unknown };

/** Of `closeMs`: what is late has to be in the journal before its last entry. */
const SHARE = 0.9;

/** `job`: undefined while there is none yet. One that comes after the hang-up is released at once. */
export function keepRelease(releases: Release[], job: LiveJob | undefined, { name, release }: Release): void {
  if (typeof release !== 'function') {
    throw new TypeError(`onClose(name, release): expected a function, got ${describeValue(release)}`);
  }
  releases.push({ name, release });
  if (job?.letGo.signal.aborted) void releaseAll(job);
}

/** Each once, also when it is called twice. Never rejects. */
export async function releaseAll(job: LiveJob): Promise<void> {
  const all = job.releases.splice(0);
  const limitMs = Math.round(job.definition.policy.closeMs * SHARE);
  await Promise.all(
    all.map(async ({ name, release }) => {
      const outcome = await settledWithin((async () => release())(), limitMs);
      if (outcome.kind === 'settled') return;
      const late = () => new Error(`had not settled ${limitMs} ms after the hang-up`);
      noteError(job, `release ${name}`, outcome.kind === 'failed' ? outcome.error : late());
    }),
  );
}
