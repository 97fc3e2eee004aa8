/**
 * Silence that no event tells of: seen, tried again once, and then whose fault it was. The machine's clocks run on their
 * own and lead to the error branch in any case; what is done here makes the report true, and the call go on if it can.
 *
 *   M2  Nobody hears a track that is not published or not subscribed, so the provider is not to blame: the end is said
 *       just before the machine would say it, with the platform's fault.
 *       So is it with a greeting of ours that the voice never gave: that is no fault of the application.
 *   M3  A caller without a microphone is in the report: else "idle" would explain nothing.
 */
import type { voice } from '@livekit/agents';
import { type End, endOf } from '../../../machines/index.ts';
import { settledWithin } from '../../waiting/deadline.ts';
import type { LiveJob } from '../live-job.ts';

/** Of a limit of the machine: so much sooner, so that ours is the first end. */
const JUST_BEFORE = 0.95;
/** A browser asks its user for the microphone, and the user has to find the button. */
const MICROPHONE_MS = 10_000;

// ── M2 ───────────────────────────────────────────────────────────────────────────────────────────────────────────

type Blame = { component: 'track' | 'tts' | 'llm'; fault: End['fault']; message: string };
const ofTrack = (message: string | undefined): Blame | undefined =>
  message === undefined ? undefined : { component: 'track', fault: 'platform', message };

/** From the greeting's first instant on. */
export function watchFirstWords(job: LiveJob): void {
  const { policy, greeting } = job.definition;
  blameWhile(job, policy.turnMs, 'startup_failed', () => {
    if (!job.run.hasTag('greeting')) return undefined;
    // What an onEnter waits for before it greets is not known, so nobody else is to blame for it.
    const ours = typeof greeting === 'object' && job.run.hasTag('greets') ? greeting : undefined;
    const { isStarved } = job.run.context();
    return (
      ofTrack(job.venue.trouble('voice')) ?? (ours && ofModel('say' in ours ? 'tts' : 'llm', policy.turnMs, isStarved))
    );
  });
}

const ofModel = (component: 'tts' | 'llm', ms: number, isStarved: boolean): Blame => ({
  component,
  fault: isStarved ? 'platform' : 'provider',
  message: `${component}: no audio of the greeting within ${ms} ms${isStarved ? ', while this machine was short of cores' : ''}`,
});

/** From the request for a filler on: the last rung has no other one behind it, in the greeting and in a turn. */
export function watchLastFiller(job: LiveJob): void {
  const { run } = job;
  const isGreeting = run.hasTag('greeting');
  blameWhile(job, job.definition.policy.rungMs, isGreeting ? 'startup_failed' : 'model_failed', () => {
    if (!run.hasTag('lastRung') || run.hasTag('greeting') !== isGreeting) return undefined;
    return ofTrack(job.venue.trouble('own track') ?? job.venue.trouble('voice'));
  });
}

/** A filler was heard to its end, on the track of our own: was that the only one of the two? */
export function blameTrackAfterFiller(job: LiveJob): void {
  const trouble = job.run.hasTag('waiting') ? job.venue.trouble('voice') : undefined;
  const found = ofTrack(trouble);
  if (found) blame(job, 'model_failed', found);
}

function blameWhile(
  job: LiveJob,
  limitMs: number,
  reason: 'startup_failed' | 'model_failed',
  look: () => Blame | undefined,
): void {
  const timer = setTimeout(() => {
    const found = look();
    if (found) blame(job, reason, found);
  }, limitMs * JUST_BEFORE);
  timer.unref();
}

const blame = (job: LiveJob, reason: 'startup_failed' | 'model_failed', found: Blame): void => {
  const { component, fault, message } = found;
  job.recorder.append('error', { component, message, recoverable: false });
  job.log.error({ component, error: message }, 'nobody can hear the agent');
  job.run.send({ type: 'session.failed', end: endOf('system', reason, fault, message) });
};

// ── M3 ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Journaled once. Resolves when it is known, or the call is over. */
export async function watchMicrophone(job: LiveJob, session: voice.AgentSession): Promise<void> {
  const { venue, letGo } = job;
  const over = new Promise<void>((resolve) => letGo.signal.addEventListener('abort', () => resolve(), { once: true }));
  while (!letGo.signal.aborted) {
    await venue.presence(letGo.signal).catch(() => {});
    await settledWithin(over, MICROPHONE_MS);
    if (letGo.signal.aborted || !session.input.audio) return; // an agent that only reads wants no microphone
    if (!venue.isCallerThere()) continue; // came back: from the beginning
    const message = venue.trouble('microphone');
    if (message !== undefined) job.recorder.append('error', { component: 'microphone', message, recoverable: true });
    return;
  }
}
