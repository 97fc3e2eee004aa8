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

/** *Effect.* Returns at once; the connection is made, and made again, behind it. */
export function connectLink(options: LinkOptions): Link {
  const { path, hello, onMessage, onWelcome, lonely, log } = options;
  const waiting: ToKeeper[] = [];
  const offers = new Map<number, { facts: JobFacts; settle: (answer: boolean) => void }>();
  const closings = new Map<SessionId, ToKeeper>();
  const sealed = new Set<SessionId>();
  const sealWaiters = new Set<{ session: SessionId; settle: (answer: boolean) => void }>();
  let socket: Socket | undefined;
  let isWelcome = false;
  let isClosed = false;
  let retryMs = FIRST_RETRY_MS;
  let retryTimer: NodeJS.Timeout | undefined;
  let lonelyTimer: NodeJS.Timeout | undefined;
  let lastRequest = 0;
  let lastRefusal: string | undefined;

  const startLonely = () => {
    if (!lonely || lonelyTimer || isClosed) return;
    lonelyTimer = setTimeout(lonely.call, lonely.afterMs ?? 60_000).unref();
  };

  const write = (message: ToKeeper): boolean => {
    if (!socket || socket.connecting || socket.destroyed) return false;
    socket.write(encode(message));
    return true;
  };

  const take = (message: FromKeeper) => {
    switch (message.type) {
      case 'welcome':
        isWelcome = true;
        retryMs = FIRST_RETRY_MS;
        clearTimeout(lonelyTimer);
        lonelyTimer = undefined;
        onWelcome?.();
        break;
      case 'refused': {
        const advice = 'the keeper refuses this process, which goes on without one; what it was told says what to do';
        if (message.why !== lastRefusal) log?.error({ why: message.why }, advice); // C5
        lastRefusal = message.why;
        retryMs = LAST_RETRY_MS;
        for (const { settle } of offers.values()) settle(false);
        break;
      }
      case 'job.recorded':
        offers.get(message.request)?.settle(true);
        break;
      case 'job.refused':
        log?.info({ why: message.why }, 'the keeper declines a job');
        offers.get(message.request)?.settle(false);
        break;
      case 'sealed':
        sealed.add(message.session);
        closings.delete(message.session);
        for (const waiter of sealWaiters) if (waiter.session === message.session) waiter.settle(true);
        break;
      case 'shutdown':
      case 'hand.over':
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
  };

  const onConnected = () => {
    for (const message of hello()) write(message); // C1
    for (const [request, { facts }] of offers) write({ type: 'job.offered', request, facts });
    for (const message of closings.values()) write(message); // C2
    for (const message of waiting.splice(0)) write(message);
  };

  const open = () => {
    if (isClosed) return;
    const current = connect(path);
    socket = current;
    current.unref();
    readLines(current, {
      onLine: (line) => {
        const parsed = parseFromKeeper(line);
        if (!parsed.ok) {
          log?.warn({ problem: parsed.problem }, 'the keeper said what is no message; connecting again');
          current.destroy();
          return;
        }
        try {
          take(parsed.message);
        } catch (error) {
          log?.error({ err: error, type: parsed.message.type }, 'a message of the keeper could not be handled');
        }
      },
      onProblem: () => current.destroy(),
    });
    current.once('connect', () => {
      try {
        onConnected();
      } catch (error) {
        log?.error({ err: error }, 'hello failed; connecting again');
        current.destroy();
      }
    });
    current.on('error', (error) => log?.debug({ error: error.message }, 'no keeper')); // `close` follows
    current.once('close', () => {
      if (socket === current) socket = undefined;
      if (isWelcome) log?.warn({ path }, 'lost the keeper; looking for the next one');
      isWelcome = false;
      if (isClosed) return;
      startLonely();
      // A hundred jobs lose the same keeper at the same instant: half of the pause is drawn by lot.
      retryTimer = setTimeout(open, retryMs * (0.5 + Math.random() / 2)).unref();
      retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
    });
  };

  startLonely();
  open();

  const link: Link = {
    send(message) {
      if (isClosed) return;
      if (message.type === 'job.closed' && !sealed.has(message.session)) closings.set(message.session, message);
      if (message.type === 'beat' && (socket?.writableLength ?? 0) > MAX_UNREAD_BYTES) return;
      if (write(message) || message.type === 'beat' || message.type === 'job.closed') return; // C3, C2
      waiting.push(message);
      if (waiting.length <= MAX_WAITING) return;
      const lost = waiting.shift();
      log?.warn({ type: lost?.type, waiting: MAX_WAITING }, 'no keeper for too long; the oldest message is given up');
    },

    offer(given, deadlineMs) {
      const facts = { ...given, metadata: recordable(given.metadata) };
      if (isClosed) return Promise.resolve(false);
      const request = ++lastRequest;
      return new Promise((resolve) => {
        const settle = (answer: boolean) => {
          clearTimeout(timer);
          offers.delete(request);
          resolve(answer);
        };
        const timer = setTimeout(() => {
          settle(false);
          link.send({ type: 'job.withdrawn', job: facts.job, why: `no answer in ${deadlineMs} ms` }); // C4
        }, deadlineMs);
        offers.set(request, { facts, settle });
        write({ type: 'job.offered', request, facts });
      });
    },

    awaitSealed(session, deadlineMs) {
      if (sealed.has(session)) return Promise.resolve(true);
      if (isClosed) return Promise.resolve(false);
      return new Promise((resolve) => {
        const waiter = {
          session,
          settle: (answer: boolean) => {
            clearTimeout(timer);
            sealWaiters.delete(waiter);
            resolve(answer);
          },
        };
        const timer = setTimeout(() => waiter.settle(false), deadlineMs);
        sealWaiters.add(waiter);
      });
    },

    get isConnected() {
      return isWelcome;
    },

    close() {
      if (isClosed) return;
      isClosed = true;
      clearTimeout(retryTimer);
      clearTimeout(lonelyTimer);
      socket?.end();
      for (const { settle } of offers.values()) settle(false);
      for (const { settle } of sealWaiters) settle(false);
    },
  };
  return link;
}
