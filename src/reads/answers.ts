/**
 * What can be asked about sessions, and what comes back: the seam between the files and whoever shows them (command line,
 * page, export, MCP). All of it is JSON. Texts of callers and models stand in it as they were said: whoever shows them
 * treats them as data.
 */
import { z } from 'zod';

/** An entry of a session: `1:812` is number 812 of epoch 1's file, `keeper:9` of the keeper's. */
export const reference = z.string().regex(/^(keeper|[1-9][0-9]*):[0-9]+$/);
export type Reference = `${number}:${number}` | `keeper:${number}`;
/** Up to where each file of a session has been read: `1:812,2:40,keeper:9`. */
export const position = z.string().regex(/^((keeper|[1-9][0-9]*):[0-9]+)(,(keeper|[1-9][0-9]*):[0-9]+)*$/);

export type Tone = 'plain' | 'quiet' | 'state' | 'caller' | 'agent' | 'bad' | 'good' | 'strong';

export type CallRow = {
  session: string;
  job: string;
  epoch: number;
  room: string;
  agentName: string;
  state: 'living' | 'recovering' | 'ended' | 'sealed';
  /** Where it is, in the words of its diagram: `conversing: the caller waits`. Empty where its files do not tell. */
  stage: string;
  acceptedAt: number;
  endedAt: number | null;
  /** Of a living call: how long nobody has been audible, up to now; null: somebody is, or it is not known. */
  silentMs: number | null;
  by: string | null;
  reason: string | null;
  /** Of its deliveries the one that needs somebody first: dead before due before delivered. */
  delivery: 'none' | 'delivered' | 'due' | 'dead';
  /** A hang-up that nobody confirmed: its caller may still be on the line. */
  hangUp: 'owed' | 'given-up' | null;
};
export type Calls = {
  rows: CallRow[];
  /** For the next page; null: this was the last. */
  next: string | null;
  /** How many rows the filter hid of those that were looked at. */
  hidden: number;
  /** Of the first page: there are more folders than this, so nobody looked for calls that have no row in the database. */
  unlookedAbove?: number;
};

/** One word of the answer, and the entry that proves it. */
export type Proof = {
  /** by, reason, stage, fault, goodbye, heard, hang-up, report, … */
  word: string;
  text: string;
  tone: Tone;
  proof: Reference | null;
  /** Where it can be seen: of `trace`, where LASTWORD_TRACE_URL says how. */
  href?: string;
};
export type Why = {
  session: string;
  isOver: boolean;
  /** One sentence for people. */
  sentence: string;
  words: Proof[];
};

export type Density = 'story' | 'steps' | 'entries';
export type EntryRow = {
  /** Where it stands among all entries of the session, in order of time: the slider's number. From 0. */
  index: number;
  ref: Reference;
  at: number;
  kind: string;
  what: string;
  text: string;
  aside?: string;
  tone: Tone;
};
export type FileFacts = {
  file: string;
  entries: number;
  /** An unfinished last line: its writer died while it wrote, or still writes. */
  isTorn: boolean;
  lost: number;
  passedOver: number;
  /** When its last entry was written. */
  lastAt: number | null;
};
export type Entries = {
  session: string;
  rows: EntryRow[];
  /** Index from which the next page begins; null: this was the last. */
  next: number | null;
  /** All entries of the session. */
  total: number;
  /** Rows that this density has, and that the filter hides. */
  hidden: number;
  /** Up to where the files were read. */
  position: string;
  files: FileFacts[];
};

/** One entry as it was written; longer texts are cut. */
export type WholeEntry = {
  session: string;
  index: number;
  ref: Reference;
  at: number;
  kind: string;
  data: unknown;
  /** Texts or lists were longer than what is shown. */
  isCut: boolean;
  total: number;
};

export type ArmedLimit = {
  machine: string;
  limit: string;
  state: string;
  ms: number;
  armedAt: number;
  dueAt: number;
};
export type MachineAt = {
  machine: string;
  file: string;
  /** The transition that it has written last, up to here; null: none yet. */
  ref: Reference | null;
  /** Leaves, as dotted paths: the ids of the chart's shapes. */
  states: string[];
  words: string;
  /** Context as JSON; null where only the states were recorded. */
  context: unknown;
  limits: ArmedLimit[];
  effects: { name: string; state: string; since: number }[];
  source: 'replayed' | 'recorded';
  /** Why it was not replayed; null: it was, or nobody asked for it. */
  refused: string | null;
};
export type SaidLine = {
  ref: Reference;
  at: number;
  who: string;
  text: string;
  interrupted: boolean;
};
export type StateAt = {
  session: string;
  index: number;
  ref: Reference | null;
  at: number;
  /** The transition that led here last: for the chart to draw. */
  moved: { machine: string; from: string[]; to: string[]; event: string } | null;
  machines: MachineAt[];
  transcript: SaidLine[];
};

/**
 * Each transition as it was written: what is lit at any entry is known from it without another question. States are named
 * by their places in `states`: a long call is in the same few ones again and again.
 */
export type Moves = {
  session: string;
  states: string[];
  /** In order; of very many the last ones. */
  moves: { index: number; ref: Reference; machine: string; event: string; from: number[]; to: number[] }[];
};

export type Span = {
  from: number;
  /** null: it still goes on. */
  to: number | null;
  label: string;
  ref: Reference | null;
  tone: Tone;
  /** Of a limit: how much of it was left when it was no longer armed; 0: it has passed. */
  marginMs?: number;
};
export type LaneName =
  | 'caller'
  | 'agent'
  | 'filler'
  | 'apology'
  | 'silence'
  | 'tools'
  | 'effects'
  | 'limits'
  | 'states'
  | 'epochs';
export type Lanes = {
  session: string;
  from: number;
  to: number;
  isOver: boolean;
  lanes: { lane: LaneName; spans: Span[] }[];
  /** Process deaths: lines across all lanes. */
  deaths: { at: number; label: string; ref: Reference }[];
  /** Longest silence that the policy of this call allows (silenceBound); null: the policy is not known. */
  silenceBoundMs: number | null;
  longestSilenceMs: number;
};

/** `sealed`: the very text that was sealed and sent. Else the fold of what the journal holds so far. */
export type ReportAnswer = {
  session: string;
  isSealed: boolean;
  sealedAt: number | null;
  /** JSON. */
  body: string;
};

/** A call as a vitest file. */
export type SavedTest = {
  session: string;
  file: string;
  text: string;
  /** Names, numbers and texts that were replaced. */
  replaced: number;
};

/** A call on another way: what its machine received, edited, and the states that it goes through then. */
export type Forked = {
  session: string;
  /** As it was, of its first process: edits name places in it. */
  received: { place: number; at: number; kind: string; data: unknown; ref: Reference | null }[];
  path: string[];
  /** With the edits. */
  other: string[];
  /** Index of the first step that differs; null: the same way through. */
  first: number | null;
  /** What the machine could not receive, if anything: `other` ends before it. */
  refused: string | null;
  /** As a vitest file; null where it is refused. */
  file: string;
  text: string | null;
};

export type Difference = {
  one: string;
  other: string;
  /** Aligned steps of the session machine: state paths in order. */
  rows: { one: EntryRow | null; other: EntryRow | null; isSame: boolean }[];
  /** Index in `rows` of the first that differs; null: the same way through. */
  first: number | null;
  words: string;
};

export type DeliveryRow = {
  delivery: string;
  /** The `webhook-id`: the same in each attempt. */
  report: string;
  session: string;
  kind: string;
  destination: string;
  state: string;
  attempts: number;
  createdAt: number;
  nextAt: number | null;
  lastError: string | null;
  /** The last twenty, oldest first. A receiver's words are a stranger's. */
  history: {
    at: number;
    ms: number;
    status: number | null;
    error: string | null;
    answer: string | null;
    /** Of a webhook: with how many secrets its request was signed; null: there was none, or nobody wrote it down. */
    signatures: number | null;
  }[];
};
export type Tally = {
  accepted: number;
  sealed: number;
  open: number;
  delivered: number;
  due: number;
  dead: number;
  /** Sealed, and its configuration names no destination. */
  undeliverable: number;
  isBalanced: boolean;
  differences: { session: string; what: string }[];
};

export type ModelSaw = {
  session: string;
  ref: Reference;
  at: number;
  agent: string;
  instructions: string | null;
  tools: string[];
  messages: { id: string; role: string; text: string; isKnown: boolean }[];
  /** All requests of the call: for going to another. */
  requests: { ref: Reference; at: number; agent: string }[];
};

/** What each question of the table is answered with. */
export type AnswerOf = {
  calls: Calls;
  why: Why;
  entries: Entries;
  entry: WholeEntry;
  state: StateAt;
  moves: Moves;
  lanes: Lanes;
  diff: Difference;
  deliveries: { rows: DeliveryRow[] };
  ledger: Tally;
  model: ModelSaw;
  report: ReportAnswer;
  test: SavedTest;
  fork: Forked;
};
