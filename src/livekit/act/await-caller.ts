/**
 * Waits for the caller, and says who did not come.
 *
 * With `greeting: 'agent'` the session starts when they are there, so their options are asked for here: `start(call)`
 * may read of the caller what it says of the caller. Where only others are there (an agent that calls an agent), it is
 * asked without one, and what it says counts if it names one of them.
 */
import { ends } from '../../../machines/index.ts';
import { unlessAborted } from '../../waiting/deadline.ts';
import type { LiveJob } from '../live-job.ts';
import { callerWishOf, startProblem } from '../start-options.ts';
import { resolveLines, startOptionsOf } from './ask.ts';

/** Before the machine's own limit: what it finds by itself has no detail. */
const SOONER_MS = 250;

export async function awaitCaller(job: LiveJob, signal: AbortSignal): Promise<{ identity: string }> {
  const { definition, venue, run, call } = job;
  const { callerJoinMs, callerGraceMs, connectMs } = definition.policy;
  const waitMs = call.resumed ? callerGraceMs : callerJoinMs;
  const timer = setTimeout(
    () => {
      const end = { ...(call.resumed ? ends.callerLost : ends.neverJoined), detail: venue.whoIsThere() };
      if (!venue.isCallerThere()) run.send({ type: 'caller.left', end });
    },
    Math.max(waitMs - SOONER_MS, waitMs / 2),
  );
  signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  try {
    if (definition.start && !job.startOptions) {
      await someoneToAskAbout(job, signal);
      await startOptionsOf(job, AbortSignal.any([signal, AbortSignal.timeout(connectMs)]));
    }
    const { identity } = await venue.awaitCaller(signal);
    await resolveLines(job, signal);
    return { identity };
  } finally {
    clearTimeout(timer);
  }
}

async function someoneToAskAbout(job: LiveJob, signal: AbortSignal): Promise<void> {
  const { definition, venue, call } = job;
  await venue.somebody(signal);
  if (venue.caller()) return;
  try {
    const options = await unlessAborted((async () => definition.start?.(call) ?? {})(), signal);
    const wish = startProblem(options, definition) === undefined ? callerWishOf(options) : {};
    if (wish.identity !== undefined || wish.kinds) {
      job.startOptions = options;
      return venue.expectCaller(wish);
    }
  } catch {
    // It wanted a caller to look at: asked again once there is one.
  }
  await venue.linked(signal);
}
