/**
 * The entry of one job: its call, from the accepted offer to the end of the process.
 *
 *   D1  The first record is on disk before connect(): from then on the keeper knows whom to answer for.
 *   D2  Whatever is thrown before the machine runs ends the job at once; the keeper, which saw no journal, hangs up.
 *   D3  A process that stays after `closed` holds resources and nothing else: it exits after a last deadline.
 *   D4  Whose session was taken out of its hands (it stood still, and woke up too late) leaves without a word, and hangs
 *       up on nobody: the report is sealed, or somebody else speaks.
 */
import { resolve } from 'node:path';
import { type JobContext, log as sdkLog, version as agentsVersion } from '@livekit/agents';
import { definePolicy, type End, endOf } from '../../machines/index.ts';
import { type Blobs, openBlobs } from '../journal/blobs.ts';
import type { EntryData } from '../journal/entry.ts';
import type { JobOfSession } from '../journal/ids.ts';
import { withinBudget } from '../journal/within-budget.ts';
import { type Journal, openJournal } from '../journal/write.ts';
import { connectLink, type Link } from '../link/client.ts';
import { socketPath } from '../link/path.ts';
import { jobToken } from '../link/secret.ts';
import { effectsOf } from '../livekit/act/effects.ts';
import { apologyOf } from '../livekit/apology-of.ts';
import type { Defined } from '../livekit/definition.ts';
import { factsOfJob } from '../livekit/job-facts.ts';
import type { LiveJob } from '../livekit/live-job.ts';
import { observeCores } from '../livekit/observe/cores.ts';
import { observeMemory } from '../livekit/observe/memory.ts';
import { hearEndRequests, observeProcess, type EndRequests } from '../livekit/observe/process.ts';
import { forThisCall } from '../livekit/of-call.ts';
import { openCall } from '../livekit/open-call.ts';
import { noteError } from '../livekit/note-error.ts';
import { openVenue } from '../livekit/open-venue.ts';
import { registerParticipants } from '../livekit/participants.ts';
import { StateAttributes } from '../livekit/state-attributes.ts';
import type { Past } from '../report/past.ts';
import { isStale } from '../session/hang-up-strategy.ts';
import { closeJournal, sayClosed } from '../session/last-entry.ts';
import type { Log } from '../session/ports.ts';
import type { SessionRun } from '../session/run.ts';
import { SoundWatch } from '../session/sound-watch.ts';
import { settledWithin } from '../waiting/deadline.ts';
import { assembleJob } from './assemble-job.ts';
import { openCallTrace } from './call-trace.ts';
import { EarlyRecorder, type EntryListener } from './early-recorder.ts';
import { memoryLimits } from './memory-limits.ts';
import { readPast } from './read-past.ts';
import { BEGUN, tellPool } from './tell-pool.ts';
import { TenureWatch } from './tenure-watch.ts';
import { version } from './version.ts';
import { hashOf, type ProcessFacts } from './warm-process.ts';

/** The SDK's shutdown callbacks have no limit of their own; this is it. */
const EXIT_BACKSTOP_MS = 10_000;
/** A caller who is in the room already is found at once; then their greeting is what the next call waits for. */
const NO_CALLER_MS = 250;
/** What an image of megabytes takes on a slow disk. The caller has been let go by then. */
const IMAGES_MS = 500;

export async function runJob(context: JobContext, defined: Defined, found: ProcessFacts): Promise<void> {
  const requests = hearEndRequests();
  const dispatched = factsOfJob(context.job);
  const directory = resolve(process.env['LASTWORD_DIR'] ?? '.lastword');
  const { facts, past } = await readPast(directory, dispatched, sdkLog() as unknown as Log);
  const { session, epoch, job: id } = facts;
  const log = sdkLog().child({ session, job: id, room: facts.room.name }) as unknown as Log;
  const identity = context.info.acceptArguments.identity || `agent-${id}`;
  const { owner, machineHash, prewarmFailure } = found;

  const sounds = new SoundWatch();
  const trace = await openCallTrace(facts, log);
  const states = new StateAttributes(context.room, facts, log);
  const recorder = new EarlyRecorder((kind, entry) => {
    sounds.take(kind, entry);
    trace?.take(kind, entry);
    states.take(kind, entry);
    if (isHeard(kind, entry)) sayHeard();
  });
  let link: Link | undefined;
  let isAwaited = past !== undefined;
  const sayHeard = () => {
    if (isAwaited) link?.send({ type: 'job.heard', session, epoch });
    isAwaited = false;
  };
  const tellWhenBegun = begunTeller();
  // Who has not come yet is greeted as by the first job, and its agent and hooks know of no other one.
  const before = past?.awaited?.wasThere === false ? undefined : past;
  const opened = openCall({ context, facts, past: before, recorder, log });
  const job = assembleJob({
    opened,
    definition: asBefore(await forThisCall(defined, opened.call, opened), past),
    venueFor: (reporter) => openVenue(context, reporter, { isCallerNamed: defined.start !== undefined }),
    onStates: (hasTag) => {
      tellWhenBegun(hasTag);
      if ((past?.isCalm || defined.program) && isBegun(hasTag)) sayHeard(); // nobody tells of a program’s words
      if (past?.awaited && hasTag('expecting'))
        setTimeout(() => run.hasTag('expecting') && sayHeard(), NO_CALLER_MS).unref();
    },
  });
  const { definition, run } = job;
  const { policy, hangUp, resume } = definition;
  const versions = { lastword: version, '@livekit/agents': agentsVersion, node: process.versions.node };
  const who = { session, epoch, job: id, owner, identity };
  const data = {
    ...facts,
    ...dispatchOf(context.job),
    ...who,
    policy,
    policyHash: hashOf(policy),
    machineHash,
    hangUp,
    versions,
    resume,
    ...apologyOf(definition),
    ...(past?.takenOver && { takenOver: past.takenOver }),
  };
  const journal = await openFirst(directory, data, log); // D1
  recorder.opened(journal);
  if (trace) recorder.append('trace', { trace: trace.id });
  job.blobs = openBlobs({ directory, session }, recorder);

  let isLast = false;
  let isLeaving = false;
  const leave = async (...parting: Promise<void>[]) => {
    isLeaving = true;
    run.leave();
    await Promise.all([...parting, settledWithin(journal.close(), 1000)]);
    process.exit(0);
  };
  // Its agent stays in the room until the next one removes it: to leave takes longer than that.
  const tenure = new TenureWatch(job, {
    session,
    tell: (message) => link?.send(message),
    leave: () => void (isLeaving || leave()),
  });
  if (resume > 0) job.goesElsewhere = (until) => tenure.sessionLost(until);
  const connected = connectLink({
    path: process.env['LASTWORD_SOCKET'] ?? socketPath(directory),
    hello: () => {
      const token = jobToken(directory, session); // read again each time: it may be readable by now
      return [{ type: 'hello.job', ...who, ...(token !== undefined && { token }) }, ...tenure.hello()];
    },
    log,
    onMessage: (message) => {
      const isTaken = message.type === 'yield' || (message.type === 'sealed' && !isLast);
      if (isTaken && !isLeaving) {
        log.warn({}, 'the keeper took the session in hand; leaving without a word');
        void leave(job.venue.leave()); // D4
      }
      if (message.type === 'hand.over') tenure.handOver();
      if (message.type === 'next.here') tenure.nextHere();
      if (message.type === 'stay') tenure.stay();
      if (message.type === 'worker.replaced') tenure.workerReplaced(message.worker, message.graceMs);
      if (message.type !== 'shutdown') return;
      if (message.reason === 'worker_lost') return tenure.workerLost(message.worker);
      tenure.ended();
      run.send({ type: 'shutdown.requested', end: endOf('operator', message.reason), graceMs: message.graceMs });
    },
  });
  link = connected;
  if (past?.isIncomplete) noteError(job, 'journal', 'what was said before the crash is not known whole', true);
  const last = { run, journal, link: connected, blobs: job.blobs, ...facts };
  const unwatch = watchProcess(job, requests, () => tenure.workerLost());
  registerParticipants(job);
  const beats = setInterval(() => connected.send({ type: 'beat', session, ...sounds.told }), policy.beatMs);
  run.start(
    effectsOf(job, prewarmFailure, (end) => {
      isLast = true;
      return report(last, end, policy.reportMs);
    }),
  );

  const { end } = await run.closed;
  clearInterval(beats);
  unwatch();
  tenure.stop();
  trace?.end();
  await closeJournal(last);
  connected.close();
  log.info({ reason: end?.reason, by: end?.by }, 'the session is closed');
  await job.ownEnds.shutDownJob(end?.reason ?? 'closed');
  setTimeout(() => process.exit(0), EXIT_BACKSTOP_MS).unref(); // D3
}

/** What it was dispatched as. */
const dispatchOf = ({ type, participant }: JobContext['job']): Partial<EntryData['session.opened']> => ({
  jobType: (['room', 'publisher', 'participant'] as const)[type] ?? String(type),
  ...(participant && { pii: { participant: participant.identity } }),
});

/** The limits that the call began with hold across a crash, and across a deploy that comes with it. */
const asBefore = (definition: Defined, past: Past | undefined): Defined => {
  if (!past) return definition;
  try {
    const policy = past.policy === undefined ? definition.policy : definePolicy(past.policy);
    return { ...definition, policy, hangUp: past.hangUp ?? definition.hangUp };
  } catch {
    return definition; // limits of another version, which this one refuses
  }
};

const isBegun = (hasTag: SessionRun['hasTag']): boolean => !hasTag('starting') && !hasTag('leaving');

const isHeard: (...entry: Parameters<EntryListener>) => boolean = (kind, data) => {
  if (kind !== 'event') return false;
  const { type } = data as EntryData['event'];
  return type === 'line.audible' || type === 'agent.audible';
};

async function openFirst(directory: string, data: EntryData['session.opened'], log: Log): Promise<Journal> {
  const journal = await openJournal({
    directory,
    session: data.session,
    file: data.epoch,
    first: { kind: 'session.opened', data },
    // What comes after the end is nobody's trouble: the room still says good night.
    onTrouble: (error) =>
      error.code !== 'ECLOSED' && log.error({ error: error.message }, 'the journal cannot be written'),
  });
  return withinBudget(journal);
}

/** Until then the next call of this worker waits: its greeting needs the processor. */
function begunTeller(): (hasTag: SessionRun['hasTag']) => void {
  let begun: NodeJS.Timeout | undefined;
  return (hasTag) => {
    clearTimeout(begun);
    const isExpecting = hasTag('expecting');
    if (hasTag('starting') && !hasTag('leaving') && !isExpecting) return;
    begun = setTimeout(() => tellPool(BEGUN), isExpecting ? NO_CALLER_MS : 0);
  };
}

/** @returns what ends the watch */
function watchProcess(job: LiveJob, requests: EndRequests, onWorkerLost: () => void): () => void {
  observeProcess(job, onWorkerLost, requests);
  const ends = [observeMemory(job, memoryLimits(process.env)), observeCores(job)];
  return () => {
    for (const end of ends) end();
  };
}

type Last = { run: SessionRun; journal: Journal; link: Link; blobs: Blobs } & JobOfSession;

/**
 * Images that are still on their way, then the last entry, durable; then the keeper's word that the report is sealed, for
 * as long as the machine waits.
 */
async function report(last: Last, end: End, waitMs: number): Promise<void> {
  const { run, journal, link, blobs, job } = last;
  await settledWithin(blobs.written(), IMAGES_MS);
  journal.append('session.closed', {
    end,
    alsoTriggered: run.context().alsoTriggered,
    stage: run.stage() ?? 'connecting',
  });
  if (isStale(end)) {
    await journal.durable();
    link.send({ type: 'job.withdrawn', job, why: 'the dispatched room was gone' });
  } else await sayClosed(last, waitMs);
}
