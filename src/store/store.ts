/**
 * The store's port: index of sessions, sealed reports, the outbox, and hang-ups that are still owed. SQLite (embedded) implements it now; Postgres is to
 * pass the same contract suite. Only the keeper writes sessions and seals; anyone may enqueue a delivery.
 *
 * Times are milliseconds since the epoch. Every method rejects with StoreError (what was wanted, what came).
 */

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

export type SessionRow = {
  session: string;
  job: string;
  room: string;
  agentName: string;
  acceptedAt: number;
  /** open: being followed · recovering · sealed */
  state: 'open' | 'recovering' | 'sealed';
  /** Known once sealed. */
  endedAt?: number;
  by?: string;
  reason?: string;
};

export type SealedReport = {
  session: string;
  /** Stable: derived from the session. The `webhook-id` of every attempt. */ report: string;
  sealedAt: number;
  body: string;
};

export type NewDelivery = {
  delivery: string;
  session: string;
  report: string;
  destination: string;
  kind: 'report' | 'alert';
  body: string;
  nextAt: number;
};

export type DeliveryState = 'due' | 'delivering' | 'delivered' | 'dead';
export type Delivery = NewDelivery & {
  state: DeliveryState;
  /** Attempts that were begun: `claim` adds one. */
  attempts: number;
  createdAt: number;
  settledAt?: number;
  lastError?: string;
};
export type Claimed = Delivery & { lease: string };

/** What became of one attempt. `retry` is a row again, so that it survives every process. */
export type Settlement =
  | { kind: 'delivered'; at: number }
  | { kind: 'retry'; nextAt: number; error: string }
  | { kind: 'dead'; at: number; error: string };

/** A hang-up that nobody confirmed in time: whom to release, where, and since when it is owed. One for a session. */
export type NewHangUp = {
  session: string;
  /** URL of the LiveKit server: a keeper of another one would find no such room, and call that done. */
  server: string;
  room: string;
  /** Empty when it is not known. */
  roomSid: string;
  strategy: 'delete-room' | 'remove-sip' | 'remove-caller' | 'leave';
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
  session(id: string): Promise<SessionRow | undefined>;
  /** Newest first. */
  sessions(page: Page & { state?: SessionRow['state'] }): Promise<SessionRow[]>;
  /** One transaction: report, session row and deliveries. A second seal for a session changes nothing: `false`. */
  seal(row: SessionRow, report: SealedReport, deliveries: NewDelivery[]): Promise<boolean>;
  report(session: string): Promise<SealedReport | undefined>;
  /** Rows whose `delivery` exists already are left as they are. */
  enqueue(deliveries: NewDelivery[]): Promise<void>;
  /**
   * Due rows, oldest first, now leased to `owner` until `now + leaseMs`. Rows of the destinations in `except` (busy: the
   * relay's limit for one receiver) are passed over, so that a slow receiver's backlog hides nobody else's rows.
   */
  claim(ask: { owner: string; now: number; limit: number; leaseMs: number; except?: string[] }): Promise<Claimed[]>;
  /** Changes nothing when the lease is no longer this one: `false`. */
  settle(delivery: string, lease: string, settlement: Settlement): Promise<boolean>;
  /** Rows of other owners whose lease has run out, and all rows of `deadOwner`, are due again. Returns how many. */
  reclaim(ask: { now: number; deadOwner?: string }): Promise<number>;
  /** When the next row is due; undefined when none waits. */
  nextDue(): Promise<number | undefined>;
  /** Newest first. */
  deliveries(page: Page & { session?: string; state?: DeliveryState }): Promise<Delivery[]>;
  /** Written down, to be done later. A session that owes one already, or did, is left as it is: `false`. */
  owe(hangUp: NewHangUp): Promise<boolean>;
  /**
   * Owed rows of one server that are due, oldest first. Their attempts are counted, and they are due again at `again`,
   * so that nobody else tries meanwhile, and somebody does when this keeper dies.
   */
  takeOwed(ask: { server: string; now: number; again: number; limit: number }): Promise<OwedHangUp[]>;
  /** Changes nothing when it is not owed any more: `false`. */
  settleHangUp(session: string, settlement: HangUpSettlement): Promise<boolean>;
  /** When the next owed row of this server is due; undefined when none waits. */
  nextOwed(server: string): Promise<number | undefined>;
  /** Newest first. */
  hangUps(page: Page & { session?: string; state?: HangUpState }): Promise<OwedHangUp[]>;
  close(): Promise<void>;
}
