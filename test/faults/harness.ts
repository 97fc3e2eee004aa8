/**
 * One call in this process: the real AgentSession, the real agent, the real machine, adapters and journal. Fakes stand
 * at the edges alone: no room (a venue of our own), no provider (models.ts), no keeper.
 *
 * Everything is waited for by what happens (`until`), with a limit that prints what did happen.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { initializeLogger, type JobContext, type voice } from '@livekit/agents';
import type { AudioFrame } from '@livekit/rtc-node';
import { endOf, type SessionEvent } from '../../machines/index.ts';
import type { Entry, EntryData, EntryKind } from '../../src/journal/entry.ts';
import { toJson } from '../../src/journal/json.ts';
import { readSession } from '../../src/journal/read.ts';
import { openJournal } from '../../src/journal/write.ts';
import { effectsOf } from '../../src/livekit/act/effects.ts';
import { type Call, setCurrentCall } from '../../src/livekit/call.ts';
import { checkDefinition, type SessionDefinition } from '../../src/livekit/definition.ts';
import type { LiveJob } from '../../src/livekit/live-job.ts';
import { makeCall } from '../../src/livekit/make-call.ts';
import { Turns } from '../../src/livekit/observe/turns.ts';
import { isLoud } from '../../src/livekit/loudness.ts';
import { LineInput } from '../../src/livekit/terminal/line-input.ts';
import { PacedOutput } from '../../src/livekit/terminal/paced-output.ts';
import type { Pcm, Reporter, TrackOf, Venue } from '../../src/livekit/venue.ts';
import { fold } from '../../src/report/fold.ts';
import type { Report } from '../../src/report/schema.ts';
import { settledWithin, unlessAborted } from '../../src/session/deadline.ts';
import type { Log } from '../../src/session/ports.ts';
import { runSession, type SessionRun } from '../../src/session/run.ts';
import { assertReport } from '../contract/check-report.ts';
import { type Script, ScriptedLlm, textOf, ToldStt, ToneTts } from './models.ts';

initializeLogger({ pretty: false, level: 'silent' });

const quiet: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet };
/** Bundled recordings last seconds; the tests do not. */
const RECORDED_SPEED = 20;
const CLEARING_MS = 40;
const PATIENCE_MS = 8000;

/** Short enough for a test, long enough for a busy machine: only what a test is about is set shorter there. */
const policy: SessionDefinition['policy'] = {
  firstAudioMs: 1500,
  rungMs: 1000,
  toolMs: 5000,
  drainMs: 1000,
  closeMs: 2000,
  idleMs: 60_000,
};

/** A line as it came out: through the session's output or on the track of our own. */
export type HeardLine = {
  text: string;
  through: 'session' | 'own track';
  heardMs: number;
  isOver: boolean;
  isCut: boolean;
};

export type Placed = {
  call: Call;
  run: SessionRun;
  llm: ScriptedLlm;
  tts: ToneTts;
  entries: readonly Entry[];
  heard: readonly HeardLine[];
  /** How many lines had begun when the caller was let go. */
  heardAtHangUp: () => number;
  ears: ToldStt;
  /** What is wrong with a track, from now on. */
  trouble: Partial<Record<TrackOf, string>>;
  /** The reasons that the client was told. */
  told: readonly string[];
  says: (text: string) => void;
  leaves: () => void;
  /** Gone, and no event says so yet. */
  vanishes: () => void;
  /** The data of all entries of one kind. */
  of: <Kind extends EntryKind>(kind: Kind) => EntryData[Kind][];
  /** The first value that `find` gives. Rejects after 8 s with what there was. */
  until: <Value>(what: string, find: () => Value | undefined | false) => Promise<Value>;
  /** Heard from its first sample on. */
  hears: (text: string) => Promise<HeardLine>;
  /** Waits for `closed`; the report, checked against the schema. */
  report: () => Promise<Report>;
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
};

let placed = 0;

export async function place({
  script = () => ({}),
  options,
  trouble = {},
  tone: failing,
  ...given
}: Placing): Promise<Placed> {
  const model = new ScriptedLlm(script);
  const ears = new ToldStt();
  const tone = Object.assign(new ToneTts(), failing);
  const definition = checkDefinition({
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
    policy: { ...policy, ...given.policy },
  });

  const directory = await mkdtemp(join(tmpdir(), 'lastword-faults-'));
  const id = `call-${(placed += 1)}`;
  const facts = { job: id, agentName: '', room: { name: 'room', sid: 'RM_1' }, metadata: '' };
  const journal = await openJournal({
    directory,
    session: id,
    file: '1',
    first: {
      kind: 'session.opened',
      data: {
        ...facts,
        session: id,
        epoch: 1,
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

  const watchers = new Set<() => void>();
  const changed = () => {
    for (const look of watchers) look();
  };
  const entries: Entry[] = [];
  const recorder: Reporter['recorder'] = {
    append: (kind, data) => {
      const seq = journal.append(kind, data);
      entries.push({ seq, at: Date.now(), kind, data: toJson(data) } as unknown as Entry);
      changed();
      return seq;
    },
    durable: () => journal.durable(),
  };

  const heard: HeardLine[] = [];
  const parts: { job?: LiveJob } = {};
  const send = (event: SessionEvent) => parts.job?.run.send(event);
  const edge = madeVenue(heard, changed, trouble);
  const letGo = new AbortController();
  const context = { room: { metadata: '' }, job: { id }, proc: { userData: {} } } as unknown as JobContext;
  const call = makeCall({
    context,
    facts,
    venue: edge.venue,
    recorder,
    log: quiet,
    letGo: letGo.signal,
    job: () => parts.job,
  });
  const turns = new Turns(send, (ms) => recorder.append('latency', { measure: 'turn', ms }));
  const { greeting, goodbye } = definition;
  const run = runSession({
    input: {
      policy: definition.policy,
      resumed: false,
      elapsedMs: 0,
      greeting: typeof greeting === 'object' ? 'say' : greeting,
      goodbye: goodbye !== 'none',
    },
    effects: effectsOf(
      () => parts.job as LiveJob,
      undefined,
      async (end) => {
        const stage = run.stage() ?? 'connecting';
        recorder.append('session.closed', { end, alsoTriggered: run.context().alsoTriggered, stage });
        await recorder.durable();
      },
    ),
    recorder,
    log: quiet,
    onStates: changed,
  });
  parts.job = {
    definition,
    call,
    venue: edge.venue,
    recorder,
    log: quiet,
    turns,
    run,
    letGo,
    session: undefined,
    playout: undefined,
    speeches: new Set(),
    tools: new Set(),
    asked: new Set(),
  };
  setCurrentCall(call);
  run.start();

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

  return {
    call,
    run,
    llm: model,
    tts: tone,
    entries,
    heard,
    heardAtHangUp: edge.heardAtHangUp,
    ears,
    trouble,
    told: edge.told,
    says: (text) => ears.hear(text),
    leaves: () => {
      edge.leave();
      send({ type: 'caller.left', end: endOf('caller', 'caller_hung_up') });
    },
    of: <Kind extends EntryKind>(kind: Kind) =>
      entries.filter((entry) => entry.kind === kind).map(({ data }) => data as EntryData[Kind]),
    vanishes: edge.leave,
    until,
    hears: (text) => until(`"${text}" is heard`, () => heard.find((line) => line.text.includes(text))),
    report: async () => {
      await closed();
      await journal.close();
      const report = fold(await readSession(directory, id));
      assertReport(report);
      return report;
    },
    [Symbol.asyncDispose]: async () => {
      call.end('test_over', { drain: false });
      await closed().finally(() => journal.close());
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** A room in which the caller is from the beginning. */
function madeVenue(heard: HeardLine[], changed: () => void, trouble: Placed['trouble']) {
  const input = new LineInput(16_000);
  const caller = { identity: 'caller', isSip: false };
  let isThere = true;
  let atHangUp = Number.POSITIVE_INFINITY;
  let playing: AbortController | undefined;
  const told: string[] = [];
  const venue: Venue = {
    connect: async () => {},
    awaitCaller: async () => caller,
    caller: () => (isThere ? caller : undefined),
    isCallerThere: () => isThere,
    presence: async () => {},
    wire: (session) => {
      session.input.audio = input;
      session.output.audio = new HeardOutput(heard, changed, () => trouble.voice !== undefined);
      return { record: false };
    },
    play: async (audio, given, onAudible) => {
      playing?.abort();
      playing = new AbortController();
      const signal = AbortSignal.any([given, playing.signal]);
      if (trouble['own track'] !== undefined) await unlessAborted(new Promise(() => {}), signal);
      return playFast(audio, signal, onAudible, heard, changed);
    },
    trouble: (track) => trouble[track],
    announce: async ({ reason }) => void told.push(reason),
    hangUp: async () => {
      isThere = false;
      atHangUp = heard.length;
      return { verified: true, attempts: 1, left: [] };
    },
    hush: () => playing?.abort(),
    leave: () => Promise.resolve(),
    close: async () => {
      playing?.abort();
      await input.close();
    },
  };
  return { venue, told, heardAtHangUp: () => atHangUp, leave: () => void (isThere = false) };
}

/**
 * The paced output, and what somebody who listens to it would say was said. As in a room, cutting takes a while, and
 * what is pushed meanwhile is lost.
 */
class HeardOutput extends PacedOutput {
  readonly #heard: HeardLine[];
  readonly #changed: () => void;
  /** As before a track that nobody subscribed: what is pushed waits, for ever. */
  readonly #isParked: () => boolean;
  #line: HeardLine | undefined;
  #isClearing = false;
  #isCut = false;

  constructor(heard: HeardLine[], changed: () => void, isParked: () => boolean) {
    super();
    this.#heard = heard;
    this.#changed = changed;
    this.#isParked = isParked;
    this.on(PacedOutput.EVENT_PLAYBACK_FINISHED, (event: { playbackPosition: number; interrupted: boolean }) => {
      if (this.#line) {
        Object.assign(this.#line, {
          isOver: true,
          isCut: event.interrupted,
          heardMs: Math.round(event.playbackPosition * 1000),
        });
      }
      this.#line = undefined;
      changed();
    });
  }

  override clearBuffer(): void {
    if (!this.#line || this.#isClearing) return;
    this.#isClearing = true;
    this.#isCut = false;
    super.clearBuffer();
    if (!this.#isCut) this.#isClearing = false; // nothing had been played yet
  }

  override onPlaybackFinished(event: { playbackPosition: number; interrupted: boolean }): void {
    if (!this.#isClearing) return super.onPlaybackFinished(event);
    this.#isCut = true;
    setTimeout(() => {
      this.#isClearing = false;
      super.onPlaybackFinished(event);
    }, CLEARING_MS);
  }

  override flush(): void {
    if (!this.#isClearing) super.flush();
  }

  override async captureFrame(frame: AudioFrame): Promise<void> {
    if (this.#isClearing) return;
    if (this.#isParked()) await new Promise(() => {});
    const text = textOf(frame.data);
    if (!this.#line) {
      this.#line = { text, through: 'session', heardMs: 0, isOver: false, isCut: false };
      this.#heard.push(this.#line);
    } else if (!this.#line.text.endsWith(text)) this.#line.text += ` ${text}`;
    await super.captureFrame(frame);
    this.#changed();
  }
}

async function playFast(
  audio: AsyncIterable<Pcm>,
  signal: AbortSignal,
  onAudible: () => void,
  heard: HeardLine[],
  changed: () => void,
) {
  let plannedMs = 0;
  let line: HeardLine | undefined;
  for await (const { samples, sampleRate } of audio) {
    if (signal.aborted) break;
    plannedMs += (samples.length * 1000) / sampleRate;
    if (!line && isLoud(samples)) {
      line = { text: textOf(samples), through: 'own track', heardMs: 0, isOver: false, isCut: false };
      heard.push(line);
      onAudible();
      changed();
    }
  }
  const end = new Promise((resolve) => setTimeout(resolve, plannedMs / RECORDED_SPEED));
  await unlessAborted(end, signal).catch(() => {});
  const heardMs = line && !signal.aborted ? plannedMs : 0;
  if (line) Object.assign(line, { heardMs, isOver: true, isCut: signal.aborted });
  changed();
  return { heardMs, plannedMs };
}
