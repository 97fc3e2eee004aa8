/**
 * The other end of the link, in a worker or a job: finds the keeper, finds it again when it is gone, and says each time
 * who is there. A keeper can die under a call at any moment, so nothing here throws and nothing here keeps a process
 * alive, except a question that somebody awaits.
 *
 *   C1  After each connection the hello goes first, then what has not been answered yet, then what waited, in order.
 *   C2  `job.closed` is said again after each reconnection until `sealed` comes: the keeper that heard it may be dead.
 *   C3  A beat is never kept for later: an old sign of life is a lie.
 *   C5  Whom the keeper refuses goes on as one without a keeper: it says why, once for each reason, and asks again from
 *       time to time. Jobs that wait for an answer are declined.
 *   C4  An offer that nobody answered in time is withdrawn, or a session would be recorded for a job that was declined.
 */
import { connect, type Socket } from 'node:net';
import type { JobFacts } from '../journal/entry.ts';
import type { SessionId } from '../journal/ids.ts';
import type { FromKeeper, ToKeeper } from './messages.ts';
import { encode, parseFromKeeper, readLines } from './wire.ts';

const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 2_000;
/** Messages kept while there is no keeper; then the oldest is given up. */
const MAX_WAITING = 256;
/**
 * Of an offer's metadata, so that the offer is never longer than a line may be (MAX_LINE; JSON makes six characters of
 * one at the worst). LiveKit allows 64 KiB; whoever raised that gets the call, and as much of the metadata in its report.
 */
const MAX_METADATA = 131_072;
/** A keeper that reads nothing for so long gets no more beats. */
const MAX_UNREAD_BYTES = 65_536;

export type LinkLog = Record<'debug' | 'info' | 'warn' | 'error', (fields: object, message: string) => void>;

export type LinkOptions = {
  /** From `socketPath(directory)`, or the environment's LASTWORD_SOCKET. */
  path: string;
  /** Who this is; asked again for each connection, for it may have changed. A worker adds `worker.ready` when it is. */
  hello: () => ToKeeper[];
  onMessage: (message: FromKeeper) => void;
  /** Each time a keeper has welcomed us. */
  onWelcome?: () => void;
  /**
   * Called once each time that no keeper has been there for `afterMs` (default 60,000). A worker takes no more jobs
   * then, drains and exits: nobody would seal what it does.
   */
  lonely?: { afterMs?: number; call: () => void };
  log?: LinkLog;
};

export type Link = {
  /** In order; kept while no keeper is there (the last 256), but for beats, which are dropped. Never throws. */
  send(message: ToKeeper): void;
  /** May this job be accepted? `true` once the keeper has it on disk. `false` when it declines, or after `deadlineMs`, and then it is withdrawn. */
  offer(facts: JobFacts, deadlineMs: number): Promise<boolean>;
  /**
   * Waits for the keeper's word that the report is sealed; `false` after `deadlineMs`. It may be called before or after
   * `job.closed` was sent, and the word may have come already.
   */
  awaitSealed(session: SessionId, deadlineMs: number): Promise<boolean>;
  /** Has a keeper welcomed us, and is it still there? */
  readonly isConnected: boolean;
  /** What was sent is still written; what waits for an answer is answered `false`. */
  close(): void;
};

const recordable = (text: string): string => {
  const over = text.length - MAX_METADATA;
  return over <= 0 ? text : `${text.slice(0, MAX_METADATA)}… [truncated: ${over} of ${text.length} characters]`;
};

type Answer = (answer: boolean) => void;
type Offer = { facts: JobFacts; settle: Answer };
type SealWaiter = { session: SessionId; settle: Answer };

/** *Effect.* Returns at once; the connection is made, and made again, behind it. */
export function connectLink(options: LinkOptions): Link {
  const link = new KeeperLink(options);
  link.open();
  return link;
}

class KeeperLink implements Link {
  readonly #options: LinkOptions;
  /** What nobody was there to be told. */
  readonly #waiting: ToKeeper[] = [];
  /** By request: said again to each keeper until one answers (C1). */
  readonly #offers = new Map<number, Offer>();
  /** C2. */
  readonly #closings = new Map<SessionId, ToKeeper>();
  /** Of which the word has come; it may be asked for later. */
  readonly #sealed = new Set<SessionId>();
  readonly #sealWaiters = new Set<SealWaiter>();
  /** Also while it connects. */
  #socket: Socket | undefined;
  #isWelcome = false;
  #isClosed = false;
  #retryMs = FIRST_RETRY_MS;
  #retry: NodeJS.Timeout | undefined;
  #lonely: NodeJS.Timeout | undefined;
  #lastRequest = 0;
  /** C5. */
  #lastRefusal: string | undefined;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#startLonely();
  }

  get isConnected(): boolean {
    return this.#isWelcome;
  }

  open(): void {
    if (this.#isClosed) return;
    const { log } = this.#options;
    const current = connect(this.#options.path);
    this.#socket = current;
    current.unref();
    readLines(current, {
      onLine: (line) => this.#heard(line, current),
      onProblem: () => current.destroy(),
    });
    current.once('connect', () => {
      try {
        this.#connected();
      } catch (error) {
        log?.error({ err: error }, 'hello failed; connecting again');
        current.destroy();
      }
    });
    current.on('error', (error) => log?.debug({ error: error.message }, 'no keeper')); // `close` follows
    current.once('close', () => this.#lost(current));
  }

  send(message: ToKeeper): void {
    if (this.#isClosed) return;
    const { log } = this.#options;
    if (message.type === 'job.closed' && !this.#sealed.has(message.session))
      this.#closings.set(message.session, message);
    if (message.type === 'beat' && (this.#socket?.writableLength ?? 0) > MAX_UNREAD_BYTES) return;
    if (this.#write(message) || message.type === 'beat' || message.type === 'job.closed') return; // C3, C2
    this.#waiting.push(message);
    if (this.#waiting.length <= MAX_WAITING) return;
    const lost = this.#waiting.shift();
    log?.warn({ type: lost?.type, waiting: MAX_WAITING }, 'no keeper for too long; the oldest message is given up');
  }

  offer(given: JobFacts, deadlineMs: number): Promise<boolean> {
    const facts = { ...given, metadata: recordable(given.metadata) };
    if (this.#isClosed) return Promise.resolve(false);
    const request = ++this.#lastRequest;
    return new Promise((resolve) => {
      const settle: Answer = (answer) => {
        clearTimeout(timer);
        this.#offers.delete(request);
        resolve(answer);
      };
      const timer = setTimeout(() => {
        settle(false);
        this.send({ type: 'job.withdrawn', job: facts.job, why: `no answer in ${deadlineMs} ms` }); // C4
      }, deadlineMs);
      this.#offers.set(request, { facts, settle });
      this.#write({ type: 'job.offered', request, facts });
    });
  }

  awaitSealed(session: SessionId, deadlineMs: number): Promise<boolean> {
    if (this.#sealed.has(session)) return Promise.resolve(true);
    if (this.#isClosed) return Promise.resolve(false);
    return new Promise((resolve) => {
      const settle: Answer = (answer) => {
        clearTimeout(timer);
        this.#sealWaiters.delete(waiter);
        resolve(answer);
      };
      const waiter = { session, settle };
      const timer = setTimeout(() => settle(false), deadlineMs);
      this.#sealWaiters.add(waiter);
    });
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#retry);
    clearTimeout(this.#lonely);
    this.#socket?.end();
    for (const { settle } of this.#offers.values()) settle(false);
    for (const { settle } of this.#sealWaiters) settle(false);
  }

  #connected(): void {
    for (const message of this.#options.hello()) this.#write(message); // C1
    for (const [request, { facts }] of this.#offers) this.#write({ type: 'job.offered', request, facts });
    for (const message of this.#closings.values()) this.#write(message); // C2
    for (const message of this.#waiting.splice(0)) this.#write(message);
  }

  #lost(one: Socket): void {
    const { log, path } = this.#options;
    if (this.#socket === one) this.#socket = undefined;
    if (this.#isWelcome) log?.warn({ path }, 'lost the keeper; looking for the next one');
    this.#isWelcome = false;
    if (this.#isClosed) return;
    this.#startLonely();
    // A hundred jobs lose the same keeper at the same instant: half of the pause is drawn by lot.
    this.#retry = setTimeout(() => this.open(), this.#retryMs * (0.5 + Math.random() / 2)).unref();
    this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS);
  }

  #startLonely(): void {
    const { lonely } = this.#options;
    if (!lonely || this.#lonely || this.#isClosed) return;
    this.#lonely = setTimeout(lonely.call, lonely.afterMs ?? 60_000).unref();
  }

  #write(message: ToKeeper): boolean {
    const socket = this.#socket;
    if (!socket || socket.connecting || socket.destroyed) return false;
    socket.write(encode(message));
    return true;
  }

  #heard(line: string, from: Socket): void {
    const { log } = this.#options;
    const parsed = parseFromKeeper(line);
    if (!parsed.ok) {
      log?.warn({ problem: parsed.problem }, 'the keeper said what is no message; connecting again');
      from.destroy();
      return;
    }
    try {
      this.#take(parsed.message);
    } catch (error) {
      log?.error({ err: error, type: parsed.message.type }, 'a message of the keeper could not be handled');
    }
  }

  #take(message: FromKeeper): void {
    const { log, onMessage, onWelcome } = this.#options;
    switch (message.type) {
      case 'welcome':
        this.#isWelcome = true;
        this.#retryMs = FIRST_RETRY_MS;
        clearTimeout(this.#lonely);
        this.#lonely = undefined;
        onWelcome?.();
        break;
      case 'refused': {
        const advice = 'the keeper refuses this process, which goes on without one; what it was told says what to do';
        if (message.why !== this.#lastRefusal) log?.error({ why: message.why }, advice); // C5
        this.#lastRefusal = message.why;
        this.#retryMs = LAST_RETRY_MS;
        for (const { settle } of this.#offers.values()) settle(false);
        break;
      }
      case 'job.recorded':
        this.#offers.get(message.request)?.settle(true);
        break;
      case 'job.refused':
        log?.info({ why: message.why }, 'the keeper declines a job');
        this.#offers.get(message.request)?.settle(false);
        break;
      case 'sealed':
        this.#sealed.add(message.session);
        this.#closings.delete(message.session);
        for (const { session, settle } of this.#sealWaiters) if (session === message.session) settle(true);
        break;
      case 'shutdown':
      case 'hand.over':
      case 'next.here':
      case 'stay':
      case 'port.wanted':
      case 'worker.retire':
      case 'worker.replaced':
      case 'reloaded':
      case 'unreloaded':
      case 'yield':
      case 'session.ending':
      case 'session.unended':
        break;
    }
    onMessage(message);
  }
}
