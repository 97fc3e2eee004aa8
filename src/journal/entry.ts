/**
 * What a journal holds. One entry is one line of JSON; the report is a pure fold over entries, so whatever a report
 * says has to be written here first. No personal data outside `item`, `tool`, `transcript`, `participant` and keys named
 * `pii`. Types only.
 *
 *   job's file      ID/1.jsonl (ID/2.jsonl after a crash): begins with `session.opened`, ends with `session.closed`
 *   keeper's file   ID/keeper.jsonl: begins with `session.accepted`
 */
import type { End, HangUpStrategy, Policy, TurnFact } from '../../machines/index.ts';
import type { JobId, JobOfSession, SessionId } from './ids.ts';

export type MachineName = 'session' | 'recovery' | 'supervision';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Who writes a file: enough to tell, after any restart, whether that process still lives. */
export type Owner = {
  host: string;
  /** /proc/sys/kernel/random/boot_id */
  bootId: string;
  /** The inode of /proc/self/ns/pid: a pid means nothing in another namespace. */
  pidNamespace: string;
  pid: number;
  /** Field 22 of /proc/PID/stat, in clock ticks since boot: tells a reused pid. */
  startTicks: string;
};

export type JobFacts = JobOfSession & {
  /** The dispatched agent name; empty for automatic dispatch. */
  agentName: string;
  room: { name: string; sid: string };
  /** As dispatched: JSON or any other text. */
  metadata: string;
  /** The dispatch's id; none of a room that asks for agents by itself. */
  dispatch?: string;
};

export type HangUpPolicy = {
  /** After every end that is neither of the others. Default `delete-room`. */
  normal: HangUpStrategy;
  /** Where `end.by` is `system` with a fault, and where the process died. Default `delete-room`. */
  failure: HangUpStrategy;
  /** After `transferred`. Default `leave`. */
  transfer: HangUpStrategy;
};

/** One item of the conversation's history. Personal data. */
export type Item = {
  id: string;
  /** `tool`: a call of one, or what it gave; without a text. */
  role: 'user' | 'assistant' | 'system' | 'handoff' | 'tool';
  text: string;
  interrupted: boolean;
  /** The agent that spoke, or that a handoff led to. */
  agent?: string;
  /** When it was said: of the agent's, when its sound began. Milliseconds since the epoch, by the SDK's clock. */
  createdAt: number;
  /** The speech that it was said by (`audible`). */
  speech?: string;
  /** The SDK's own JSON of it, for whoever has to make it again. In the place of an image is `{ blob: ref }`: see `blob`. */
  sdk?: Json;
};

export type ToolStatus = 'started' | 'settled' | 'failed' | 'abandoned';

export type ModelUsage = {
  /** llm | tts | stt | other kinds that the SDK may add */
  type: string;
  provider: string;
  model: string;
  [measure: string]: Json;
};

export type LineName = 'greeting' | 'recovery' | 'filler' | 'nudge' | 'again' | 'windDown' | 'goodbye' | 'apology';

/** By kind: what an entry's `data` is. Add kinds and optional fields freely; never change the meaning of one. */
export type EntryData = {
  'session.accepted': JobFacts & {
    worker: string;
    hangUp: HangUpPolicy;
    policy: Policy;
    /** LiveKit began a job again whose session was sealed by then: that session. */
    follows?: SessionId;
  };
  'session.opened': JobFacts & {
    owner: Owner;
    identity: string;
    policy: Policy;
    policyHash: string;
    machineHash: string;
    hangUp: HangUpPolicy;
    versions: Record<string, string>;
    /** How often within a minute another process may take the call over when this one dies. Absent: never. */
    resume?: number;
    /** What its caller hears when nobody takes it over: a WAV file, else the recording of a language. Absent: nothing. */
    apology?: { language: string; file?: string };
    /** room, publisher or participant. */
    jobType?: string;
    pii?: { participant: string };
    /** Of the epoch before this one: the last seq that was taken over. */
    takenOver?: { epoch: number; lastSeq: number };
  };
  /** A machine's run begins: with `input`, and with what it receives from here on, the same `build` walks the same way. */
  'machine.began': { machine: MachineName; build: string; input: Json };
  /** An event as a machine received it, without personal data. Without `machine`: the session's. */
  event: { type: string; [detail: string]: Json };
  /** A machine received that a limit has passed: the name of the limit, and the state that it is a limit of. */
  limit: { machine: MachineName; limit: string; state: string };
  /** A machine received the last `of` things again, in turn, so many `times`: where it was, they led nowhere. */
  again: { machine: MachineName; of: number; times: number; digest: string };
  /** A machine has received something, is in the same states, and is not the same: another context, limit or effect. */
  step: { machine: MachineName; digest: string };
  /** What the ledger of turns was told (machines/turns.ts), without personal data. */
  fact: TurnFact;
  /** States are the leaves, as dotted paths below `session`: `live.conversing.dialogue.active`. */
  transition: {
    machine: MachineName;
    from: string[];
    to: string[];
    /** What led here: `start`, an event, `after LIMIT`, `EFFECT done`, `EFFECT failed`. */
    event: string;
    /** Of states, context, armed limits and awaited effects (machines/analysis/digest.ts). */
    digest?: string;
    /** The session's end, on the transition that recorded it: what a timer ended has no event that says why. */
    end?: End;
  };
  item: Item;
  /**
   * Words of the caller as they were recognised, before any item holds them; `item`: the one that they will be, if known;
   * language and speaker where the recognition told them. Personal data.
   */
  transcript: { text: string; item?: string; language?: string; speaker?: string };
  /**
   * Who begins and who ends to be heard. Of a reply also how it goes on, each second: the words that were played since the
   * entry before. An item holds them only after its playout; whoever dies before that has said them all the same.
   */
  audible: {
    who: 'caller' | 'agent';
    change: 'begins' | 'goes-on' | 'ends';
    /** A reply, or a line of ours through the session. */
    speech?: string;
    agent?: string;
    /** A line of ours on a track of its own. */
    line?: LineName;
    /** At its end: how much of it was played so far. */
    heardMs?: number;
    /** Nothing of it is left to be played. */
    isWhole?: boolean;
    pii?: { text: string };
  };
  /** What a model was asked. Not of a realtime model, which is not asked: it hears. */
  request: {
    agent: string;
    /**
     * Ids of all that it was given, in order. With `after`: the first `count` are those of the request that has this seq,
     * then come these.
     */
    items: string[];
    after?: { seq: number; count: number };
    /** A hash: the text stands in the first request that has it. */
    instructions?: string;
    /** By name. Absent: those of the request before. */
    tools?: string[];
    pii?: {
      instructions?: string;
      /** The SDK's JSON of what no `item` holds: what a hook added, a history that the agent was made with. Each once. */
      items?: Json[];
    };
  };
  /**
   * An image of an item, in the session's folder as `blobs/SHA256`; `ref` stands in the item. One without a hash is not
   * kept: it is only counted.
   */
  blob: {
    ref: string;
    sha256?: string;
    bytes: number;
    mimeType?: string;
    /** Of one that is no file but pixels: LiveKit's number of their order. */
    pixels?: { width: number; height: number; type: number };
  };
  tool: {
    call: string;
    name: string;
    status: ToolStatus;
    agent?: string;
    args?: Json;
    output?: Json;
    error?: string;
    ms?: number;
    /** From here on nobody waits for it: it told of its progress (`ctx.update`), and its result is spoken when it comes. */
    isBackground?: boolean;
  };
  /** Cumulative for this process so far: its last one wins. */
  usage: { models: ModelUsage[] };
  /**
   * `id` joins the phases of one effect. `settled` and `failed`: as the machine received it. `late`: settled after the
   * machine had gone on.
   */
  effect: {
    machine: MachineName;
    /** The state that asked for it. */
    state?: string;
    id: string;
    name: string;
    phase: 'requested' | 'settled' | 'failed' | 'aborted' | 'late';
    line?: LineName;
    rung?: 'live' | 'bundled';
    output?: Json;
    error?: string;
    ms?: number;
  };
  /** A line of ours, as it went: written once when it is over. `heardMs` is what was played to somebody. */
  spoken: {
    line: LineName;
    rung: 'live' | 'bundled';
    text?: string;
    firstAudioMs?: number;
    heardMs: number;
    /** Length of the whole line where it is known. */
    plannedMs?: number;
    outcome: 'played' | 'cut' | 'skipped' | 'failed' | 'held-back';
    why?: string;
  };
  /** The caller handed to somebody else; `to` is a number or an identity. */
  transfer: {
    id: string;
    how: 'refer' | 'warm';
    to: string;
    status: 'asked' | 'settled';
    outcome?: string;
    detail?: string;
    ms?: number;
  };
  hangup: {
    strategy: HangUpStrategy;
    attempts: number;
    verified: boolean;
    /** What the server said was left: identities in the room, or an empty list. */
    left?: string[];
    error?: string;
    ms: number;
  };
  /** `component`: llm, tts, stt, tool, hook, room, orchestrator, process, … */
  error: { component: string; message: string; code?: string; recoverable: boolean; label?: string; stack?: string };
  participant: {
    /** `linked`: they are the caller from now on, and nobody else is. */
    change: 'joined' | 'left' | 'lost' | 'returned' | 'linked' | 'attributes' | 'metadata';
    identity: string;
    sid?: string;
    kind?: string;
    isCaller?: boolean;
    /** A telephone that is not picked up yet. */
    isRinging?: boolean;
    /** LiveKit's disconnect reason, by name. */
    reason?: string;
    attributes?: Record<string, string>;
    metadata?: string;
  };
  /** A key that the caller pressed on their telephone: that it was, and, apart, which one. */
  key: { identity: string; pii: { digit: string } };
  room: {
    /** `renewed`: the server made the room anew, with this sid, and the call goes on in it. */
    change: 'connected' | 'reconnecting' | 'reconnected' | 'renewed' | 'disconnected' | 'metadata' | 'deleted';
    sid?: string;
    reason?: string;
    metadata?: string;
  };
  /** Provider switches of a fallback adapter, first-audio latencies, false interruptions: facts without a machine event. */
  provider: { component: 'llm' | 'tts' | 'stt'; label: string; provider?: string; model?: string; available: boolean };
  latency: { measure: 'greeting' | 'turn'; ms: number };
  log: { level: string; message: string; [field: string]: Json };
  /** The call's trace in OpenTelemetry, where somebody has set that up. */
  trace: { trace: string };
  /** The application's own state (`snapshot`), for whoever takes the call over: the last one counts. */
  snapshot: { pii: Json };
  /** The application's own data (`call.attach`, the outcome of `call.end`). */
  attach: { key: string; value: Json };
  /**
   * What did not fit its share of the journal (journal/shares.ts) when it came: entries, and bytes of them. Of attributes,
   * metadata, attachments and usage the last values are written later all the same. Cumulative for this process: of each
   * `part` and `identity` the last one counts.
   */
  withheld: { part: string; identity?: string; entries: number; bytes: number };
  'session.closed': { end: End; alsoTriggered: End[]; stage: string };
  /** Another job has the call now: its worker was gone, or (`why`) its own session. `isCalm`: nobody had said anything for a while. */
  'handed.over': { isCalm: boolean; why?: 'session_lost' };
  /** The worker declined the job after it was recorded: no session, and no report. */
  'session.withdrawn': { why: string };
  /** Keeper: why it took the session into its hands. */
  'keeper.noticed': {
    what: 'closed' | 'died' | 'frozen' | 'unopened' | 'gone' | 'lost';
    epoch: number;
    detail?: string;
  };
  /** Keeper: the agent was called for again, to take the session over. */
  'keeper.dispatched': { dispatch: string };
  /** Keeper: this job is the session's next epoch, before it begins. */
  'keeper.succeeded': { epoch: number; job: JobId; dispatch: string };
  /** Keeper: the caller hears the agent again, so many ms after the session was taken in hand. */
  'keeper.resumed': { epoch: number; ms: number };
  'keeper.sealed': { report: string; bytes: number };
};

export type EntryKind = keyof EntryData;
export type EntryOf<Kind extends EntryKind> = {
  /** Begins at 1 in each file and has no gaps. */
  seq: number;
  /** Milliseconds since the epoch, by the machine's clock: it may be set while a call goes on. */
  at: number;
  /** Whole milliseconds since boot, by the clock that is never set. Absent: of an earlier version. */
  up?: number;
  /** The boot that `up` counts from, on the first line that each writer of a file writes. Absent: not known. */
  boot?: string;
  kind: Kind;
  data: EntryData[Kind];
};
export type Entry = { [Kind in EntryKind]: EntryOf<Kind> }[EntryKind];

/** One session as the files have it. */
export type SessionJournal = {
  session: SessionId;
  epochs: ({ epoch: number; entries: Entry[]; torn: boolean } & Partial<Unread>)[];
  keeper: Entry[];
  /** Of the keeper's file. */
  keeperUnread?: Unread;
};

/** Entries that were written and are not here: damaged or missing, and those that were too many to be kept. */
export type Unread = { lost: number; passedOver: number };
