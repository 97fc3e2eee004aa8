/**
 * What a journal holds. One entry is one line of JSON; the report is a pure fold over entries, so whatever a report
 * says has to be written here first. Types only.
 *
 *   job's file      ID/1.jsonl (ID/2.jsonl after a crash): begins with `session.opened`, ends with `session.closed`
 *   keeper's file   ID/keeper.jsonl: begins with `session.accepted`
 */
import type { End, HangUpStrategy, Policy, TurnFact } from '../../machines/index.ts';

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

export type JobFacts = {
  job: string;
  /** The dispatched agent name; empty for automatic dispatch. */
  agentName: string;
  room: { name: string; sid: string };
  /** As dispatched: JSON or any other text. */
  metadata: string;
};

export type HangUpPolicy = {
  /** After every end that is neither of the others. Default `delete-room`. */
  normal: HangUpStrategy;
  /** Where `end.by` is `system` with a fault, and where the process died. Default `delete-room`. */
  failure: HangUpStrategy;
  /** After `transferred`. Default `leave`. */
  transfer: HangUpStrategy;
};

/** One utterance as the conversation's history has it. Text is personal data. */
export type Item = {
  id: string;
  role: 'user' | 'assistant' | 'system' | 'handoff';
  text: string;
  interrupted: boolean;
  /** The agent that spoke, or that a handoff led to. */
  agent?: string;
  /** When it was said: of the agent's, when its sound began. Milliseconds since the epoch, by the SDK's clock. */
  createdAt: number;
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
  'session.accepted': JobFacts & { worker: string; hangUp: HangUpPolicy; policy: Policy };
  'session.opened': JobFacts & {
    session: string;
    epoch: number;
    owner: Owner;
    identity: string;
    policy: Policy;
    policyHash: string;
    machineHash: string;
    hangUp: HangUpPolicy;
    versions: Record<string, string>;
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
  /** Words of the caller as they were recognised, before any item holds them; `item`: the one that they will be, if known. */
  transcript: { text: string; item?: string };
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
  /** The application's own data (`call.attach`, the outcome of `call.end`). */
  attach: { key: string; value: Json };
  /**
   * What did not fit its share of the journal (journal/shares.ts) when it came: entries, and bytes of them. Of attributes,
   * metadata, attachments and usage the last values are written later all the same. Cumulative for this process: of each
   * `part` and `identity` the last one counts.
   */
  withheld: { part: string; identity?: string; entries: number; bytes: number };
  'session.closed': { end: End; alsoTriggered: End[]; stage: string };
  /** The worker declined the job after it was recorded: no session, and no report. */
  'session.withdrawn': { why: string };
  /** Keeper: why it took the session into its hands. */
  'keeper.noticed': {
    what: 'closed' | 'died' | 'frozen' | 'unopened' | 'gone' | 'lost';
    epoch: number;
    detail?: string;
  };
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
  session: string;
  epochs: ({ epoch: number; entries: Entry[]; torn: boolean } & Partial<Unread>)[];
  keeper: Entry[];
  /** Of the keeper's file. */
  keeperUnread?: Unread;
};

/** Entries that were written and are not here: damaged or missing, and those that were too many to be kept. */
export type Unread = { lost: number; passedOver: number };
