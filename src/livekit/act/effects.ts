/**
 * What the machine may ask for, carried out on the SDK. Each has the machine's deadline as its signal; none decides
 * what comes next.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { voice } from '@livekit/agents';
import type { End } from '../../../machines/index.ts';
import type { HangUpResult } from '../../rooms/rooms.ts';
import { messageOf } from '../../errors/thrown.ts';
import { settledWithin, stopwatch, unlessAborted } from '../../waiting/deadline.ts';
import type { SessionEffects } from '../../session/run.ts';
import type { LiveJob } from '../live-job.ts';
import { noteFailedStart } from '../note-error.ts';
import { connectProblem } from '../connect-options.ts';
import { askUser } from './ask.ts';
import { mend } from './mend.ts';
import { awaitCaller } from './await-caller.ts';
import { goodbyeOf, tailOfLastSpeech } from './session-line.ts';
import { speak } from './speak.ts';
import { releaseAll } from './release.ts';
import { startSession } from './start-session.ts';
import { transfer } from './transfer.ts';

export type Reporting = (end: End, signal: AbortSignal) => Promise<void>;

/** `prewarmFailure`: what `prewarm` threw, if it did. */
export function effectsOf(job: LiveJob, prewarmFailure: unknown, report: Reporting): SessionEffects {
  return {
    connect: (_input, { signal }) => connect(job, signal),
    startSession: (_input, port) => startSession(job, prewarmFailure, port),
    awaitCaller: (_input, { signal }) => awaitCaller(job, signal),
    speak: (speech, port) => speak(job, speech, port),
    hold: (_input, { signal }) => hold(job, signal),
    transfer: (asked, { signal }) => transfer(job, asked, signal),
    mend: (_input, { signal }) => mend(job, signal),
    drain: (_input, { signal }) => drain(job, signal),
    interrupt: (_input, { signal }) => interrupt(job, signal),
    hangUp: ({ end }, { signal }) => hangUp(job, end, signal),
    close: (_input, { signal }) => close(job, signal),
    sendReport: ({ end }, { signal }) => report(end, signal),
  };
}

async function connect(job: LiveJob, signal: AbortSignal): Promise<void> {
  const { connect: make } = job.definition;
  const question = { component: 'connect', make: () => make?.(job.call), check: connectProblem };
  const options = (await askUser(job, question, signal)) ?? {};
  try {
    await unlessAborted(job.venue.connect(signal, options), signal);
  } catch (error) {
    noteFailedStart(job, 'room', error);
    throw error;
  }
}

/** Music is no turn of the caller's. Never settles: the machine leaves it. */
function hold({ session }: LiveJob, signal: AbortSignal): Promise<never> {
  mute(session);
  // At once: whoever enters the next state may mute again, and is not to be overruled afterwards.
  signal.addEventListener('abort', () => session?.input.setAudioEnabled(true), { once: true });
  return unlessAborted(new Promise<never>(() => {}), signal);
}

/** Input muted; what is spoken and what runs may finish. */
async function drain({ session, speeches, tools }: LiveJob, signal: AbortSignal): Promise<void> {
  mute(session);
  // A tool may speak and a speech may call a tool: until neither is there.
  while (!signal.aborted && (speeches.size > 0 || tools.size > 0)) {
    const pending: Promise<unknown>[] = [...[...speeches].map((each) => each.waitForPlayout()), ...tools];
    await unlessAborted(Promise.allSettled(pending), signal);
    await nextTurn(); // what refuses to be waited for at once would else leave no turn to anybody, deadlines included
  }
}

/**
 * What still plays is cut, and the cut is awaited: a goodbye before that is lost (sdk-facts, 12). First each speech by
 * itself, for the SDK then asks the output how much of it was heard; by force the transcript gets words that nobody
 * heard. By force after half the time, for an output that is dead would never answer.
 */
async function interrupt(
  { session, playout, venue, speeches, definition }: LiveJob,
  signal: AbortSignal,
): Promise<void> {
  mute(session);
  venue.hush();
  if (!session) return;
  for (const speech of speeches) speech.interrupt(true);
  if (playout) await settledWithin(playout.over(), definition.policy.interruptMs / 2);
  if (!session._closing) session.interrupt({ force: true });
  if (playout) await unlessAborted(playout.over(), signal);
}

const mute = (session: voice.AgentSession | undefined) => session?.input.setAudioEnabled(false);

async function hangUp(job: LiveJob, end: End, signal: AbortSignal): Promise<{ verified: boolean }> {
  const strategy = job.ownEnds.strategyFor(end);
  const elapsed = stopwatch();
  noteGoodbyeLeftOut(job, end);
  await Promise.all([settledWithin(job.recorder.durable(), 200), job.venue.announce(end, job.call.id)]);
  await tailOfLastSpeech(job, signal);
  job.venue.hush();
  const result: HangUpResult = await job.venue.hangUp(strategy, signal);
  const { verified, attempts, left, error } = result;
  job.recorder.append('hangup', {
    strategy,
    attempts,
    verified,
    left,
    ms: elapsed(),
    ...(error !== undefined && { error }),
  });
  job.letGo.abort();
  return { verified };
}

/** A goodbye that was configured and never asked for: the report says why. */
function noteGoodbyeLeftOut(job: LiveJob, end: End): void {
  const { asked, venue, run, recorder, ownEnds } = job;
  if (goodbyeOf(job) === 'none' || asked.has('goodbye')) return;
  const why = asked.has('apology')
    ? 'the apology was the last word'
    : end.reason === 'transferred'
      ? 'the caller talks to somebody else'
      : !venue.isCallerThere()
        ? 'nobody was there'
        : !run.context().goodbye
          ? (ownEnds.farewell ?? 'the one who ended the call wanted none')
          : `no time was left for it (${end.reason})`;
  recorder.append('spoken', { line: 'goodbye', rung: 'live', heardMs: 0, outcome: 'skipped', why });
}

/** Hard: a drain has no deadline and cannot be escalated (sdk-facts, 0). */
async function close(job: LiveJob, signal: AbortSignal): Promise<void> {
  const { session, venue, letGo, log } = job;
  letGo.abort();
  const closing = [releaseAll(job), venue.close(), ...(session ? [job.ownEnds.closeSession(session)] : [])];
  const outcomes = await unlessAborted(Promise.allSettled(closing), signal);
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected')
      log.warn({ error: messageOf(outcome.reason) }, 'something did not close cleanly');
  }
}
