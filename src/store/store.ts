/**
 * The store's port: index of sessions, sealed reports, the outbox, and hang-ups that are still owed. SQLite (embedded) implements it now; Postgres is to
 * pass the same contract suite. Only the keeper writes sessions and seals; anyone may enqueue a delivery.
 *
 * Times are milliseconds since the epoch. Every method rejects with StoreError (what was wanted, what came).
 */
import type { HangUpStrategy } from '../../machines/index.ts';
import type { JobOfSession, SessionId } from '../journal/ids.ts';

export type StoreErrorCode =
  /** The address is none that can be opened, or not built yet. */
  | 'BAD_ADDRESS'
  /** The directory or file cannot be made, read or written. */
  | 'UNWRITABLE'
  /** SQLite is older than 3.51.3, or the database was written by a newer Lastword. */
  | 'TOO_OLD'
  | 'TOO_NEW'
  /** Another process holds the database for longer than the store waits. Try again. */
  | 'BUSY'
  /** Used after `close()`. */
  | 'CLOSED'
  /** The database refuses: damaged, full, or a row that it cannot hold. */
  | 'FAILED';

export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;

  constructor(options: { code: StoreErrorCode; message: string; cause?: unknown }) {
    super(`${options.code}: ${options.message}`, { cause: options.cause });
    this.code = options.code;
  }
}

/** `epoch` and `job`: of the process that was heard of last. */
export type SessionRow = JobOfSession & {
  room: string;
  /** Tells the room from a later one of the same name; absent when it is not known. */
  roomSid?: string;
  agentName: string;
  acceptedAt: number;
  /** open: being followed · recovering · sealed */
  state: 'open' | 'recovering' | 'sealed';
  /** Known once sealed. */
  endedAt?: number;
  by?: string;
  reason?: string;
  /** What its journals and its report take on the disk. */
  bytes?: number;
};

/** A sealed session that may go: nothing of it is owed to anybody. */
export type KeptSession = { session: SessionId; sealedAt: number; bytes: number };
export type Purged = { sessions: number; deliveries: number };

export type SealedReport = {
  session: SessionId;
  /** Stable: derived from the session. The `webhook-id` of every attempt. */ report: string;
  sealedAt: number;
  body: string;
};

export type NewDelivery = {
  delivery: string;
  session: SessionId;
  report: string;
  /** The configured name; for a URL from metadata `NAME => URL`. */
  destination: string;
  /** Whose answers it waits for: rows of one receiver share its places. Default: the destination. */
  lane?: string;
  kind: 'report' | 'alert';
  body: string;
  nextAt: number;
};

export type DeliveryState = 'due' | 'delivering' | 'delivered' | 'dead';
/** A row without its body, which may be large: `body()` reads that. */
export type Delivery = Omit<NewDelivery, 'body' | 'lane'> & {
  lane: string;
  state: DeliveryState;
  /** Attempts whose request was allowed to begin: `begin` adds one. */
  attempts: number;
  /** When the first of them began. */
  firstAt?: number;
  /** Processes that ended while they carried it. */
  deaths: number;
  createdAt: number;
  settledAt?: number;
  lastError?: string;
};
export type Claimed = Delivery & { lease: string };
/** `history`: the last 20 attempts, oldest first; none of those that an earlier version made. */
export type ListedDelivery = Delivery & { history: Attempt[] };

/** One attempt that was begun. */
export type Attempt = {
  /** When its request was allowed to begin. */
  at: number;
  ms: number;
  /** Of the answer; absent: there was none. */
  status?: number;
  error?: string;
  /** The first characters of an answer that refuses. A stranger's text. */
  answer?: string;
  /** Of a webhook: with how many secrets its request was signed. Absent: no request was made, or no webhook is there. */
  signatures?: number;
};

/** What became of one attempt. `retry` is a row again, so that it survives every process. */
export type Settlement = (
  | { kind: 'delivered'; at: number }
  | { kind: 'retry'; nextAt: number; error: string; /** The process that carried it has ended. */ hasDied?: boolean }
  | { kind: 'dead'; at: number; error: string }
) & {
  /** Absent: its request was not begun. */
  attempt?: Attempt;
};

/** What may be claimed. */
export type ClaimAsk = {
  owner: string;
  now: number;
  limit: number;
  leaseMs: number;
  /** Configured names. Rows of others are somebody else's, and cost nobody an attempt. */
  names: readonly string[];
  /** The most of one lane. */
  each: number;
  /** The same for some lanes: the places that are free there. */
  seats?: Readonly<Record<string, number>>;
};

/** A hang-up that nobody confirmed in time: whom to release, where, and since when it is owed. One for a session. */
export type NewHangUp = {
  session: SessionId;
  /** URL of the LiveKit server: a keeper of another one would find no such room, and call that done. */
  server: string;
  room: string;
  /** Empty when it is not known. */
  roomSid: string;
  strategy: HangUpStrategy;
  /** The linked caller's identity. */
  caller?: string;
  /** The identity of the session's own agent; unknown when its job never began. */
  agent?: string;
  since: number;
  nextAt: number;
};
export type HangUpState = 'owed' | 'done' | 'given-up';
export type OwedHangUp = NewHangUp & {
  state: HangUpState;
  /** That were begun; the session's own are in its journal. */
  attempts: number;
  settledAt?: number;
  lastError?: string;
};

export type HangUpSettlement =
  | { kind: 'done'; at: number }
  | { kind: 'retry'; nextAt: number; error: string }
  | { kind: 'given-up'; at: number; error: string };

/** `before`: only rows accepted (sessions), created (deliveries) or owed (hang-ups) earlier than this. */
export type Page = { limit: number; before?: number };

export interface Store {
  /** Insert, or update what is known better now; a sealed session never becomes open again. */
  putSession(row: SessionRow): Promise<void>;
  session(id: SessionId): Promise<SessionRow | undefined>;
  /** Newest first. */
  sessions(page: Page & { state?: SessionRow['state'] }): Promise<SessionRow[]>;
  /** Withdrawn: there is no such session. One that is sealed is left. */
  dropSession(id: SessionId): Promise<void>;
  /** Rows that are not sealed, newest first: what a keeper has to follow after a restart. */
  unsealed(): Promise<SessionRow[]>;
  /** Was a session ever in this very room? */
  wasServed(room: string, roomSid: string): Promise<boolean>;
  /** Of these sessions, those that have no report. */
  withoutReport(sessions: readonly SessionId[]): Promise<SessionId[]>;
  /** Of these sessions, those that have no row: their keeper could not write it yet. */
  withoutRow(sessions: readonly SessionId[]): Promise<SessionId[]>;
  /** One transaction: report, session row and deliveries. A second seal for a session changes nothing: `false`. */
  seal(row: SessionRow, report: SealedReport, deliveries: NewDelivery[]): Promise<boolean>;
  report(session: SessionId): Promise<SealedReport | undefined>;
  /** Rows whose `delivery` exists already are left as they are. */
  enqueue(deliveries: NewDelivery[]): Promise<void>;
  /**
   * Due rows of the destinations in `names`, oldest first, now leased to `owner` until `now + leaseMs`: no more of one lane
   * than it has places, so that a slow receiver's backlog hides nobody else's rows.
   */
  claim(ask: ClaimAsk): Promise<Claimed[]>;
  /** Counts an attempt, before its request is made. Changes nothing when the lease is no longer this one: `false`. */
  begin(delivery: string, lease: string, at: number): Promise<boolean>;
  /** Changes nothing when the lease is no longer this one: `false`. */
  settle(delivery: string, lease: string, settlement: Settlement): Promise<boolean>;
  /** A claimed row whose attempt was not begun is due again, as if it had not been claimed. */
  release(delivery: string, lease: string): Promise<boolean>;
  /**
   * Rows of other owners whose lease has run out, and all rows of `deadOwner`, are due again. Rows that are due, and leases
   * that last, further ahead than `furthestMs` were written by a clock that was wrong: they are due now. Returns how many.
   */
  reclaim(ask: { now: number; deadOwner?: string; furthestMs: number }): Promise<number>;
  /** When the next row of the destinations in `names` is due; undefined when none waits. */
  nextDue(names: readonly string[]): Promise<number | undefined>;
  /** Undefined: there is no such delivery. */
  delivery(id: string): Promise<Delivery | undefined>;
  /** Undefined: there is no such delivery. */
  body(delivery: string): Promise<string | undefined>;
  /** Rows that are due or in flight, by the name of their destination. */
  owedByName(): Promise<Record<string, number>>;
  /** When the oldest row was made that is due or in flight; undefined: nothing is owed. */
  oldestOwed(): Promise<number | undefined>;
  /** Newest first, each with its last attempts. */
  deliveries(page: Page & { session?: SessionId; state?: DeliveryState }): Promise<ListedDelivery[]>;
  /** Written down, to be done later. A session that owes one already, or did, is left as it is: `false`. */
  owe(hangUp: NewHangUp): Promise<boolean>;
  /**
   * Owed rows of one server that are due, oldest first. Their attempts are counted, and they are due again at `again`,
   * so that nobody else tries meanwhile, and somebody does when this keeper dies.
   */
  takeOwed(ask: { server: string; now: number; again: number; limit: number }): Promise<OwedHangUp[]>;
  /** Owed rows that are due further ahead than `furthestMs` were written by a clock that was wrong: they are due now. */
  hastenOwed(ask: { now: number; furthestMs: number }): Promise<number>;
  /** Changes nothing when it is not owed any more: `false`. */
  settleHangUp(session: SessionId, settlement: HangUpSettlement): Promise<boolean>;
  /** When the next owed row of this server is due; undefined when none waits. */
  nextOwed(server: string): Promise<number | undefined>;
  /** Newest first. */
  hangUps(page: Page & { session?: SessionId; state?: HangUpState }): Promise<OwedHangUp[]>;
  /** Sealed sessions of which nothing is owed any more (deliveries, hang-ups), the oldest first. */
  kept(ask: { sealedBefore?: number; limit: number }): Promise<KeptSession[]>;
  /** All that sealed sessions take on the disk. */
  keptBytes(): Promise<number>;
  /** Sealed sessions by who took part in them, or by when they were sealed; for `lastword purge`. */
  find(ask: { participant?: string; from?: number; before?: number; limit: number }): Promise<KeptSession[]>;
  /** What is owed yet, deliveries and hang-ups, by session. */
  owedOf(sessions: readonly SessionId[]): Promise<Record<string, number>>;
  /** Forgets sealed sessions: rows, reports, deliveries and their bodies, hang-ups. One that is not sealed is left. */
  purge(sessions: readonly SessionId[]): Promise<Purged>;
  /** Forgets what is left of callers who never had a session: alerts that went out, hang-ups that are settled. Returns how many. */
  purgeUnserved(before: number): Promise<number>;
  close(): Promise<void>;
}
