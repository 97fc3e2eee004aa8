/**
 * The entry of one job: its call, from the accepted offer to the end of the process.
 *
 *   D1  The first record is on disk before connect(): from then on the keeper knows whom to answer for.
 *   D2  Whatever is thrown before the machine runs ends the job at once; the keeper, which saw no journal, hangs up.
 *   D3  A process that stays after `closed` holds resources and nothing else: it exits after a last deadline.
 *   D4  Whose session was taken out of its hands leaves without a word (job-link.ts).
 */
import { resolve } from 'node:path';
import { type JobContext, log as sdkLog } from '@livekit/agents';
import { openBlobs } from '../journal/blobs.ts';
import { effectsOf } from '../livekit/act/effects.ts';
import type { Defined } from '../livekit/definition.ts';
import { factsOfJob } from '../livekit/job-facts.ts';
import type { LiveJob } from '../livekit/live-job.ts';
import { noteError } from '../livekit/note-error.ts';
import { observeCores } from '../livekit/observe/cores.ts';
import { observeMemory } from '../livekit/observe/memory.ts';
import { hearEndRequests, observeProcess, type EndRequests } from '../livekit/observe/process.ts';
import { forThisCall } from '../livekit/of-call.ts';
import { openCall } from '../livekit/open-call.ts';
import { openVenue } from '../livekit/open-venue.ts';
import { registerParticipants } from '../livekit/participants.ts';
import { StateAttributes } from '../livekit/state-attributes.ts';
import type { Log } from '../session/ports.ts';
import { SoundWatch } from '../session/sound-watch.ts';
import { assembleJob } from './assemble-job.ts';
import { openCallTrace } from './call-trace.ts';
import { EarlyRecorder } from './early-recorder.ts';
import { firstEntryOf, openJobJournal } from './first-entry.ts';
import { FirstMoments } from './first-moments.ts';
import { JobLink } from './job-link.ts';
import { memoryLimits } from './memory-limits.ts';
import { asBefore, pastToTell, readPast } from './read-past.ts';
import type { ProcessFacts } from './warm-process.ts';

/** The SDK's shutdown callbacks have no limit of their own; this is it. */
const EXIT_BACKSTOP_MS = 10_000;

export async function runJob(context: JobContext, defined: Defined, found: ProcessFacts): Promise<void> {
  const requests = hearEndRequests();
  const dispatched = factsOfJob(context.job);
  const directory = resolve(process.env['LASTWORD_DIR'] ?? '.lastword');
  const { facts, past } = await readPast(directory, dispatched, sdkLog() as unknown as Log);
  const { session, epoch, job: id } = facts;
  const log = sdkLog().child({ session, job: id, room: facts.room.name }) as unknown as Log;

  // Who hears of each entry, and the call that they are of.
  const sounds = new SoundWatch();
  const trace = await openCallTrace(facts, log);
  const states = new StateAttributes(context.room, facts, log);
  const moments = new FirstMoments(past, defined.program !== undefined);
  const recorder = new EarlyRecorder((kind, entry) => {
    sounds.take(kind, entry);
    trace?.take(kind, entry);
    states.take(kind, entry);
    moments.take(kind, entry);
  });
  const opened = openCall({ context, facts, past: pastToTell(past), recorder, log });
  const job = assembleJob({
    opened,
    definition: asBefore(await forThisCall(defined, opened.call, opened), past),
    venueFor: (reporter) => openVenue(context, reporter, { isCallerNamed: defined.start !== undefined }),
    onStates: (hasTag) => moments.inStates(hasTag),
  });
  const { definition, run } = job;

  // On disk, and then in touch with the keeper.
  const first = firstEntryOf({ context, facts, definition, past, found });
  const journal = await openJobJournal(directory, first, log); // D1
  recorder.opened(journal);
  if (trace) recorder.append('trace', { trace: trace.id });
  const blobs = (job.blobs = openBlobs({ directory, session }, recorder));
  const link = new JobLink({ job, journal, blobs, first, directory });
  if (past) void moments.heard.then(() => link.send({ type: 'job.heard', session, epoch }));
  if (past?.isIncomplete) noteError(job, 'journal', 'what was said before the crash is not known whole', true);
  if (definition.resume > 0) job.goesElsewhere = (until) => link.tenure.sessionLost(until);

  // At work. Whatever was thrown before run.start() has ended the job (D2).
  const unwatch = watchProcess(job, requests, () => link.tenure.workerLost());
  registerParticipants(job);
  const beats = setInterval(() => link.send({ type: 'beat', session, ...sounds.told }), definition.policy.beatMs);
  run.start(effectsOf(job, found.prewarmFailure, (end) => link.report(end)));

  const { end } = await run.closed;
  clearInterval(beats);
  unwatch();
  trace?.end();
  await link.close();
  log.info({ reason: end?.reason, by: end?.by }, 'the session is closed');
  await job.ownEnds.shutDownJob(end?.reason ?? 'closed');
  setTimeout(() => process.exit(0), EXIT_BACKSTOP_MS).unref(); // D3
}

/** @returns what ends the watch */
function watchProcess(job: LiveJob, requests: EndRequests, onWorkerLost: () => void): () => void {
  observeProcess(job, onWorkerLost, requests);
  const ends = [observeMemory(job, memoryLimits(process.env)), observeCores(job)];
  return () => {
    for (const end of ends) end();
  };
}
