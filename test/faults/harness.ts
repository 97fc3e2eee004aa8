/**
 * One call in this process: the real AgentSession, the real agent, the real machine, adapters and journal. Fakes stand
 * at the edges alone: no room (a venue of our own), no provider (models.ts), no keeper.
 *
 * Everything is waited for by what happens (`until`), with a limit that prints what did happen.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { initializeLogger, type JobContext, runWithJobContext, type voice } from '@livekit/agents';
import type { Policy } from '../../machines/index.ts';
import type { Entry, EntryData, EntryKind } from '../../src/journal/entry.ts';
import { toJson } from '../../src/journal/json.ts';
import { readSession } from '../../src/journal/read.ts';
import { type Journal, openJournal } from '../../src/journal/write.ts';
import { firstJob, sessionIdOf } from '../../src/journal/ids.ts';
import { assembleJob } from '../../src/job/assemble-job.ts';
import { effectsOf, type Reporting } from '../../src/livekit/act/effects.ts';
import type { Call } from '../../src/livekit/call.ts';
import { checkDefinition, type SessionDefinition } from '../../src/livekit/definition.ts';
import type { LiveJob } from '../../src/livekit/live-job.ts';
import { forThisCall } from '../../src/livekit/of-call.ts';
import { openCall } from '../../src/livekit/open-call.ts';
import type { Reporter } from '../../src/livekit/venue.ts';
import { fold } from '../../src/report/fold.ts';
import type { Past } from '../../src/report/past.ts';
import type { Report } from '../../src/report/schema.ts';
import { settledWithin } from '../../src/waiting/deadline.ts';
import type { Log } from '../../src/session/ports.ts';
import { runSession, type SessionRun } from '../../src/session/run.ts';
import { assertReport } from '../contract/check-report.ts';
import { expectEndedWell, type WellEnded } from '../contract/ended-well.ts';
import { type Edge, type HeardLine, madeVenue, type Placement, type Trouble } from './edges.ts';
import { type AskedOfJob, madeContext } from './job-context.ts';
import { type Script, ScriptedLlm, ToldStt, ToneTts } from './models.ts';

initializeLogger({ pretty: false, level: 'silent' });

const quiet: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet };
const PATIENCE_MS = 8000;

/** Short enough for a test, long enough for a busy machine: only what a test is about is set shorter there. */
const policy: Partial<Policy> = {
  firstAudioMs: 1500,
  rungMs: 1000,
  fillerMs: 3000,
  turnMs: 2500,
  toolMs: 5000,
  drainMs: 1000,
  closeMs: 2000,
  idleMs: 60_000,
};

export type Placed = Omit<Edge, 'venue'> & {
  call: Call;
  run: SessionRun;
  llm: ScriptedLlm;
  tts: ToneTts;
  entries: readonly Entry[];
  heard: readonly HeardLine[];
  job: LiveJob;
  context: JobContext;
  /** What reached the SDK's own JobContext and Room. */
  askedOfJob: readonly AskedOfJob[];
  ears: ToldStt;
  /** What is wrong with a track, from now on. */
  trouble: Trouble;
  /** What the caller says, now or as soon as somebody listens. */
  says: (text: string) => void;
  /** Begins to say it; `says` finishes. */
  starts: (text: string) => void;
  /** The data of all entries of one kind. */
  of: <Kind extends EntryKind>(kind: Kind) => EntryData[Kind][];
  /** The first value that `find` gives. Rejects after 8 s with what there was. */
  until: <Value>(what: string, find: () => Value | undefined | false) => Promise<Value>;
  /** Heard from its first sample on. */
  hears: (text: string) => Promise<HeardLine>;
  /** Waits for `closed`; the report, checked against the schema. */
  report: () => Promise<Report>;
  /** Waits for `closed`; the report of a session that ended well, and so. */
  endedWell: (wanted: Partial<WellEnded>) => Promise<Report>;
  [Symbol.asyncDispose](): Promise<void>;
};

export type Placing = Partial<SessionDefinition> & {
  agent: () => voice.Agent;
  script?: Script;
  /** What is wrong with a track, from the beginning. */
  trouble?: Placed['trouble'];
  /** How the voice fails, from the beginning. */
  tone?: Partial<Pick<ToneTts, 'isMute' | 'murmurs'>>;
  options?: Partial<voice.AgentSessionOptions>;
  /** The edges of the call, where they are not as usual. */
  edges?: Placement;
  /** What is left of the call, when this job takes it over. */
  past?: Past;
  /** What the job was dispatched with. */
  metadata?: string;
  /** After the last entry: what the keeper's word takes. */
  sealing?: () => Promise<unknown>;
  /** Between the observers and the machine. */
  between?: (send: Reporter['send']) => Reporter['send'];
};

/** How a call ends that nothing is wrong with. */
const asIfNothing: WellEnded = {
  reason: 'done',
  by: 'agent',
  stage: 'conversing',
  fault: 'none',
  goodbye: 'played',
  apology: null,
};

let placed = 0;

export async function place({
  script = () => ({}),
  options,
  edges = {},
  past,
  metadata = '',
  sealing,
  between = (send) => send,
  trouble = {},
  tone: failing,
  ...given
}: Placing): Promise<Placed> {
  const model = new ScriptedLlm(script);
  const ears = new ToldStt();
  const tone = Object.assign(new ToneTts(), failing);
  const defined = checkDefinition({
    session: () => ({
      stt: ears,
      llm: model,
      tts: tone,
      vad: null as never,
      turnHandling: { turnDetection: 'stt', endpointing: { minDelay: 0 } },
      ...options,
    }),
    goodbye: { say: 'Goodbye now.' },
    ...given,
    policy: typeof given.policy === 'function' ? given.policy : { ...policy, ...(given.policy as object) },
  });

  const directory = await mkdtemp(join(tmpdir(), 'lastword-faults-'));
  const id = sessionIdOf(`call-${(placed += 1)}`);
  const facts = { ...firstJob(id), epoch: past ? 2 : 1, agentName: '', room: { name: 'room', sid: 'RM_1' }, metadata };
  let journal: Journal | undefined;
  const watchers = new Set<() => void>();
  const changed = () => {
    for (const look of watchers) look();
  };
  const entries: Entry[] = [];
  const recorder: Reporter['recorder'] = {
    append: (kind, data) => {
      const seq = journal?.append(kind, data) ?? 0;
      entries.push({ seq, at: Date.now(), kind, data: toJson(data) } as unknown as Entry);
      changed();
      return seq;
    },
    durable: async () => journal?.durable(),
  };

  const heard: HeardLine[] = [];
  const { context, asked: askedOfJob } = madeContext(id, facts.room.name, changed);
  const opened = openCall({ context, facts, past, recorder, log: quiet });
  const { call } = opened;
  const definition = await forThisCall(defined, call, opened);
  journal = await openJournal({
    directory,
    session: id,
    file: facts.epoch,
    // The disk is no fault of these lanes, and a shared machine's may rest for longer than 5 s (seen: three calls at once).
    diskMs: 60_000,
    first: {
      kind: 'session.opened',
      data: {
        ...facts,
        session: id,
        epoch: facts.epoch,
        owner: { host: 'here', bootId: 'boot', pidNamespace: '1', pid: process.pid, startTicks: '1' },
        identity: 'agent',
        policy: definition.policy,
        policyHash: 'none',
        machineHash: 'none',
        hangUp: definition.hangUp,
        versions: {},
      },
    },
  });
  let edge!: Edge;
  const assemble = (): LiveJob =>
    assembleJob({
      opened,
      definition,
      venueFor: (reporter) => (edge = madeVenue(reporter, { heard, changed, trouble }, edges)).venue,
      onStates: changed,
      makeRun: (run) => {
        const made = runSession(run);
        return { ...made, send: between(made.send) };
      },
    });
  const job = runWithJobContext(context, assemble); // as in a job: what the SDK's own code asks for is there
  const { run } = job;
  const end = async (...[end]: Parameters<Reporting>) => {
    const stage = run.stage() ?? 'connecting';
    recorder.append('session.closed', { end, alsoTriggered: run.context().alsoTriggered, stage });
    await recorder.durable();
    await sealing?.();
  };
  void run.closed.then(({ end }) => job.ownEnds.shutDownJob(end?.reason ?? 'closed'));
  run.start(effectsOf(job, undefined, end));

  const story = () =>
    [
      ...entries
        .filter(({ kind }) => kind !== 'usage')
        .map(({ kind, data }) => `${kind} ${JSON.stringify(toJson(data, 1000)).slice(0, 300)}`),
      `the model was asked ${JSON.stringify(model.asked)}`,
      ...heard.map((line) => `heard ${JSON.stringify(line)}`),
    ].join('\n');
  const until: Placed['until'] = (what, find) =>
    new Promise((resolve, reject) => {
      const stop = () => {
        watchers.delete(look);
        clearTimeout(timer);
      };
      const timer = setTimeout(() => {
        stop();
        reject(new Error(`${what}: not within ${PATIENCE_MS} ms. What there was:\n${story()}`));
      }, PATIENCE_MS);
      const look = () => {
        const found = find();
        if (found === undefined || found === false) return;
        stop();
        resolve(found);
      };
      watchers.add(look);
      look();
    });
  const closed = async () => {
    const outcome = await settledWithin(run.closed, 2 * PATIENCE_MS);
    if (outcome.kind !== 'settled') throw new Error(`the session did not close. What there was:\n${story()}`);
  };

  const report = async () => {
    await closed();
    await journal?.close();
    return fold(await readSession(directory, id));
  };
  const { venue: _, ...doings } = edge;

  return {
    ...doings,
    call,
    run,
    job,
    context,
    askedOfJob,
    llm: model,
    tts: tone,
    entries,
    heard,
    ears,
    trouble,
    says: (text) => ears.hear(text),
    starts: (text) => ears.begin(text),
    of: <Kind extends EntryKind>(kind: Kind) =>
      entries.filter((entry) => entry.kind === kind).map(({ data }) => data as EntryData[Kind]),
    until,
    hears: (text) => until(`"${text}" is heard`, () => heard.find((line) => line.text.includes(text))),
    report: async () => {
      const folded = await report();
      assertReport(folded);
      return folded;
    },
    endedWell: async (wanted) => expectEndedWell({ reports: [await report()] }, { ...asIfNothing, ...wanted }),
    [Symbol.asyncDispose]: async () => {
      call.end('test_over', { drain: false });
      await closed().finally(() => journal?.close());
      await rm(directory, { recursive: true, force: true });
    },
  };
}
