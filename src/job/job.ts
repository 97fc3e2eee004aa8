/**
 * `defineSession`: session and livekit put together into the entry of one job.
 *
 *   D1  The first record is on disk before connect(): from then on the keeper knows whom to answer for.
 *   D2  Whatever is thrown before the machine runs ends the job at once; the keeper, which saw no journal, hangs up.
 *   D3  A process that stays after `closed` holds resources and nothing else: it exits after a last deadline.
 *   D4  Whose session was taken out of its hands (it stood still, and woke up too late) leaves without a word, and hangs
 *       up on nobody: the report is sealed, or somebody else speaks.
 */
import { extname, isAbsolute, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  defineAgent,
  type JobContext,
  type JobProcess,
  log as sdkLog,
  version as agentsVersion,
} from '@livekit/agents';
import { type End, endOf, type SessionEvent } from '../../machines/index.ts';
import type { JobFacts } from '../journal/entry.ts';
import { withinBudget } from '../journal/within-budget.ts';
import { type Journal, openJournal } from '../journal/write.ts';
import { connectLink, type Link } from '../link/client.ts';
import { closeJournal, sayClosed } from '../session/last-entry.ts';
import { socketPath } from '../link/path.ts';
import { jobToken } from '../link/secret.ts';
import { effectsOf } from '../livekit/act/effects.ts';
import { setCurrentCall } from '../livekit/call.ts';
import { checkDefinition, type Defined, DefinitionError, type SessionDefinition } from '../livekit/definition.ts';
import { OwnEnds } from '../livekit/guard/own-ends.ts';
import { type LiveJob, newJob } from '../livekit/live-job.ts';
import { observeCores } from '../livekit/observe/cores.ts';
import { observeMemory } from '../livekit/observe/memory.ts';
import { loseWorker, observeProcess } from '../livekit/observe/process.ts';
import { Turns } from '../livekit/observe/turns.ts';
import { registerParticipants } from '../livekit/participants.ts';
import { makeCall } from '../livekit/make-call.ts';
import { forThisCall, hasLimitsOfCall } from '../livekit/of-call.ts';
import { openVenue } from '../livekit/open-venue.ts';
import { memoryLimits } from './memory-limits.ts';
import { surviveLostOutput } from '../output/own-output.ts';
import { messageOf } from '../errors/thrown.ts';
import { settledWithin } from '../waiting/deadline.ts';
import type { Log, Recorder } from '../session/ports.ts';
import { isStale } from '../session/hang-up-strategy.ts';
import { runSession, type SessionRun } from '../session/run.ts';
import { hashOf, standBy, stepIn } from './stand-by.ts';
import { BEGUN, IMPORTED, tellPool } from './tell-pool.ts';
import { version } from './version.ts';

/** Inside the worker's limit for import and prewarm (worker/serve.ts), after which it kills the process and starts another. */
const PREWARM_MS = 8000;
/** The SDK's shutdown callbacks have no limit of their own; this is it. */
const EXIT_BACKSTOP_MS = 10_000;
/** A caller who is in the room already is found at once; then their greeting is what the next call waits for. */
const NO_CALLER_MS = 250;
const prewarmFailed = Symbol('lastword.prewarmFailed');

// Below a keeper, and before the agent file itself prints anything.
if (process.env['LASTWORD_SOCKET'] !== undefined) surviveLostOutput();

const definitions = new Map<string, Defined>();

/** What the agent file at `url` defined, or the one definition that there is; undefined when there is none. @internal */
export const definedIn = (url: string): Defined | undefined => {
  const [only, ...more] = definitions.values();
  return definitions.get(pathOf(url)) ?? (more.length === 0 ? only : undefined);
};

/**
 * Defines the session of this agent file; its result is the file's default export, in place of `defineAgent`'s.
 * One a file. @throws DefinitionError, PolicyError: what is wrong, field by field.
 */
export function defineSession(definition: SessionDefinition) {
  const defined = checkDefinition(definition);
  const file = callerFile();
  if (definitions.has(file)) {
    throw new DefinitionError([
      `expected one defineSession in a file, got a second one in ${file}; move it into a file of its own`,
    ]);
  }
  definitions.set(file, defined);
  return defineAgent({
    prewarm: async (proc: JobProcess) => {
      surviveLostOutput();
      standBy();
      tellPool(IMPORTED);
      const { prewarm } = defined;
      if (!prewarm) return;
      const outcome = await settledWithin((async () => prewarm(proc))(), PREWARM_MS);
      if (outcome.kind === 'settled') return;
      const late = `prewarm did not settle within ${PREWARM_MS} ms`;
      // What was thrown may be `undefined`, and has to be remembered all the same.
      const error = new Error(outcome.kind === 'failed' ? messageOf(outcome.error) : late, { cause: outcome });
      sdkLog().error({ error: messageOf(error) }, 'prewarm failed; the next call of this process hears the apology');
      (proc.userData as Record<symbol, unknown>)[prewarmFailed] = error;
    },
    entry: (context: JobContext) => runJob(context, defined),
  });
}

async function runJob(context: JobContext, defined: Defined): Promise<void> {
  const { job, info } = context;
  const facts: JobFacts = {
    job: job.id,
    agentName: job.agentName,
    room: { name: job.room?.name ?? '', sid: job.room?.sid ?? '' },
    metadata: job.metadata,
  };
  const session = job.id;
  const log = sdkLog().child({ session, job: job.id, room: facts.room.name }) as unknown as Log;
  const directory = resolve(process.env['LASTWORD_DIR'] ?? '.lastword');
  const identity = info.acceptArguments.identity || `agent-${job.id}`;
  const { owner, machineHash } = await stepIn();
  let journal: Journal | undefined;
  const early: (() => void)[] = []; // said before the journal is open: comes after its first record
  const recorder: Recorder = {
    append: (kind, data) => {
      if (journal) return journal.append(kind, data);
      early.push(() => journal?.append(kind, data));
      return 0;
    },
    durable: async () => journal?.durable(),
  };

  // The run needs its effects and they need the run; nothing is sent before both are there.
  const parts: { job?: LiveJob; isLast?: true; isYielding?: true } = {};
  const send = (event: SessionEvent) => {
    if (!parts.isYielding) parts.job?.run.send(event);
  };
  const letGo = new AbortController();
  const venue = openVenue(context, { send, recorder }, { isCallerNamed: defined.start !== undefined });
  const call = makeCall({ context, facts, venue, recorder, log, letGo: letGo.signal, job: () => parts.job });
  setCurrentCall(call);
  const definition = hasLimitsOfCall(defined) ? await forThisCall(defined, call, { recorder, log }) : { ...defined };
  const opening = openJournal({
    directory,
    session,
    file: '1',
    first: {
      kind: 'session.opened',
      data: {
        ...facts,
        session,
        epoch: 1,
        owner,
        identity,
        policy: definition.policy,
        policyHash: hashOf(definition.policy),
        machineHash,
        hangUp: definition.hangUp,
        versions: { lastword: version, '@livekit/agents': agentsVersion, node: process.versions.node },
      },
    },
    // What comes after the end is nobody's trouble: the room still says good night.
    onTrouble: (error) =>
      error.code !== 'ECLOSED' && log.error({ error: error.message }, 'the journal cannot be written'),
  });
  opening.catch(() => {}); // awaited below, when all the rest is there (D1, D2)
  const turns = new Turns({ send, recorder, idleMs: definition.policy.idleMs });
  let begun: NodeJS.Timeout | undefined;
  const run = runSession({
    input: {
      policy: definition.policy,
      resumed: false,
      elapsedMs: 0,
      greeting: typeof definition.greeting === 'object' ? 'say' : definition.greeting,
      goodbye: definition.ofCall.goodbye !== undefined || definition.goodbye !== 'none',
    },
    effects: effectsOf(
      () => parts.job as LiveJob,
      (context.proc.userData as Record<symbol, unknown>)[prewarmFailed],
      (end, signal) => {
        parts.isLast = true;
        return report({ end, signal, run, ...last, session, waitMs: definition.policy.reportMs });
      },
    ),
    recorder,
    log,
    onStates: () => {
      clearTimeout(begun);
      const isExpecting = run.hasTag('expecting');
      if (run.hasTag('starting') && !run.hasTag('leaving') && !isExpecting) return;
      begun = setTimeout(() => tellPool(BEGUN), isExpecting ? NO_CALLER_MS : 0);
    },
  });
  parts.job = newJob({
    definition,
    call,
    venue,
    recorder,
    log,
    turns,
    run,
    letGo,
  });
  const ownEnds = (parts.job.ownEnds = new OwnEnds(parts.job, context));

  journal = withinBudget(await opening);
  for (const append of early.splice(0)) append();
  const leave = async () => {
    parts.isYielding = true; // its own departure is no event
    log.warn({}, 'the keeper took the session in hand; leaving without a word');
    await Promise.all([parts.job?.venue.leave(), settledWithin(last.journal.close(), 1000)]);
    process.exit(0);
  };
  const link = connectLink({
    path: process.env['LASTWORD_SOCKET'] ?? socketPath(directory),
    hello: () => {
      const token = jobToken(directory, session); // read again each time: it may be readable by now
      return [{ type: 'hello.job', session, epoch: 1, owner, identity, ...(token !== undefined && { token }) }];
    },
    log,
    onMessage: (message) => {
      const isTaken = message.type === 'yield' || (message.type === 'sealed' && !parts.isLast);
      if (isTaken && !parts.isYielding) void leave(); // D4
      if (message.type !== 'shutdown') return;
      if (message.reason === 'worker_lost') return parts.job && !parts.isYielding && loseWorker(parts.job);
      send({ type: 'shutdown.requested', end: endOf('operator', message.reason), graceMs: message.graceMs });
    },
  });
  const last = { journal, link };
  observeProcess(parts.job);
  const unwatchMemory = observeMemory(parts.job, memoryLimits(process.env));
  const unwatchCores = observeCores(parts.job);
  registerParticipants(parts.job);
  const beats = setInterval(() => link.send({ type: 'beat', session }), definition.policy.beatMs);
  run.start();

  const { end } = await run.closed;
  clearInterval(beats);
  unwatchMemory();
  unwatchCores();
  await closeJournal({ journal: last.journal, link, session });
  link.close();
  log.info({ reason: end?.reason, by: end?.by }, 'the session is closed');
  await ownEnds.shutDownJob(end?.reason ?? 'closed');
  setTimeout(() => process.exit(0), EXIT_BACKSTOP_MS).unref(); // D3
}

/** The last entry, durable; then the keeper's word that the report is sealed, for as long as the machine waits. */
async function report(last: {
  end: End;
  signal: AbortSignal;
  run: SessionRun;
  journal: Journal;
  link: Link;
  session: string;
  waitMs: number;
}): Promise<void> {
  const { end, run, journal, link, session } = last;
  journal.append('session.closed', {
    end,
    alsoTriggered: run.context().alsoTriggered,
    stage: run.stage() ?? 'connecting',
  });
  if (isStale(end)) {
    await journal.durable();
    link.send({ type: 'job.withdrawn', job: session, why: 'the dispatched room was gone' });
  } else await sayClosed({ journal, link, session }, last.waitMs);
}

/**
 * The file that called defineSession or runWorker, off the stack; empty when it cannot be told (then one a process is
 * the rule). Asked of V8 itself: a loader or `--enable-source-maps` writes other names into the text of a stack.
 * @internal
 */
export function callerFile(): string {
  const before: unknown = Reflect.get(Error, 'prepareStackTrace');
  try {
    Error.prepareStackTrace = (_, sites) => sites;
    const sites = new Error('who calls').stack as unknown as NodeJS.CallSite[];
    const files = sites.map((site) => pathOf(site.getFileName() ?? ''));
    const ours = ['./job', '../worker/run-worker'].map((name) =>
      pathOf(new URL(`${name}${extname(import.meta.url)}`, import.meta.url).href),
    );
    return files.find((file) => isAbsolute(file) && !ours.includes(file)) ?? '';
  } finally {
    Reflect.set(Error, 'prepareStackTrace', before);
  }
}

const pathOf = (file: string): string => (file.startsWith('file:') ? fileURLToPath(file) : file);
