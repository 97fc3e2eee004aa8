/**
 * One caller whom nobody answered is told so, and let go: the apology that a dead call's caller hears, then the hang-up.
 *
 *   L1  A session of ours was in that room once, and whoever is there was left there on purpose (a transfer, `leave`):
 *       never entered.
 *   L2  It is looked once more right before, and the dispatches go before the first word: no worker can take the call
 *       then. Who has taken it meanwhile has it.
 *   L3  What has to be done is a row of the store before the dispatches go, since without them no keeper would find the
 *       caller again. Whoever dies here, the hang-up is owed (owed.ts).
 *   L4  Words and hang-up have limits, and no trouble with the words keeps a caller.
 */
import type { HangUpStrategy, Policy } from '../../machines/index.ts';
import { messageOf } from '../errors/thrown.ts';
import { isSessionId, type SessionId, sessionIdOf } from '../journal/ids.ts';
import type { HangUpResult, Rooms } from '../rooms/rooms.ts';
import type { WaitingRoom } from '../rooms/waiting-rooms.ts';
import type { Log } from '../session/ports.ts';
import type { HangUpSettlement, Store } from '../store/store.ts';
import { unlessAborted } from '../waiting/deadline.ts';
import type { Apologize } from './recover.ts';
import { claimed, type Reach, type TellOutcome, type Unanswered } from './unanswered.ts';

/** For a look, and for the claim. */
const LOOK_MS = 4_000;
/** The row is nobody else's before: what is done here takes no longer. */
const MARGIN_MS = 1_000;
/**
 * Until the first word, where `apologistMs` is less. That is the time of a caller whose call has just died; this one has
 * waited for long, and is let go without a word when a busy machine took 1.1 s for it.
 */
const FIRST_WORD_MS = 5_000;
/** Of a hang-up that was not confirmed: as owed.ts has it. */
const AGAIN_MS = 2_000;
const unconfirmed: HangUpResult = { verified: false, attempts: 0, left: [] };

export type TellReach = Reach & {
  /** URL of the LiveKit server. */
  server: string;
  rooms: Pick<Rooms, 'undispatch' | 'occupants' | 'sidOf' | 'hangUp'> & Reach['rooms'];
  policy: Pick<Policy, 'answerMs' | 'apologistMs' | 'apologyMs' | 'hangUpMs'>;
  strategy: HangUpStrategy;
  /** Undefined: no words are wanted. */
  apologize: Apologize | undefined;
};
export type TellOptions = {
  store: Pick<Store, 'owe' | 'settleHangUp' | 'wasServed'>;
  isServed: (room: string) => boolean;
  isTakingCalls: () => boolean;
  /** To the operator's destinations. Never rejects. */
  alert: (alert: {
    session: SessionId;
    room: string;
    message: string;
    detail: string;
    metadata: string;
  }) => Promise<void>;
  /** A hang-up may be due. */
  onOwed: () => void;
  log: Log;
  now?: () => number;
};

const firstWordMs = ({ apologistMs }: Pick<Policy, 'apologistMs'>) => Math.max(apologistMs, FIRST_WORD_MS);
const idsOf = ({ dispatches }: WaitingRoom): string => dispatches.map(({ id }) => id).join();

/** *Effect.* What becomes of one caller (unanswered.ts). Its signal cuts the words; the hang-up is tried all the same. */
export function tellCaller(options: TellOptions) {
  const { store, isServed, isTakingCalls, alert, onOwed, log, now = Date.now } = options;

  return async (one: Unanswered, reached: TellReach, signal: AbortSignal): Promise<TellOutcome> => {
    const { room, sid, alone } = one;
    const { rooms, waiting, agentName, policy, strategy, server } = reached;
    if (!alone || !isSessionId(sid)) return 'done';
    const caller = alone.identity;
    /** No session has this caller: what is written down goes by the room's sid, and by when; a claim may have been lost before. */
    const row = sessionIdOf(`${sid}.${now()}`);
    const soon = () => AbortSignal.timeout(LOOK_MS);

    if (await store.wasServed(room, sid)) return 'done'; // L1
    const there = await waiting.look(one, agentName, soon());
    const isAsBefore = there?.alone?.sid === alone.sid && idsOf(there) === idsOf(one);
    if (!there || !isAsBefore || isServed(room) || signal.aborted) return 'not now'; // L2

    const longestMs = firstWordMs(policy) + policy.apologyMs + policy.hangUpMs + 3 * LOOK_MS;
    const isOwed = strategy !== 'leave';
    if (isOwed) {
      const times = { since: now(), nextAt: now() + longestMs + MARGIN_MS };
      await store
        .owe({ session: row, server, room, roomSid: sid, strategy, caller, ...times })
        .catch((error: unknown) => log.warn({ room, err: error }, 'a hang-up could not be written down before it')); // L3
    }
    const settle = async (how: HangUpSettlement) => {
      if (!isOwed) return;
      await store
        .settleHangUp(row, how)
        .catch((error: unknown) =>
          log.warn({ room, err: error }, 'what became of a hang-up could not be written down'),
        );
    };
    if (!(await claimed(there, rooms, soon()))) {
      await settle({ kind: 'done', at: now() });
      return 'not now'; // somebody else has called again, or tells them
    }
    /** Who took the call in that very moment has it. */
    const isAnswered = async (): Promise<boolean> => {
      if (isServed(room)) return true;
      const [occupants, sidNow] = await Promise.all([rooms.occupants(room, soon()), rooms.sidOf(room, soon())]);
      return sidNow !== sid || occupants.some(({ kind }) => kind === 'agent');
    };
    const leave = async (): Promise<TellOutcome> => {
      log.info({ room }, 'the room of a caller whom nobody answered is gone, or an agent is there: left alone');
      await settle({ kind: 'done', at: now() });
      return 'done';
    };
    if (await isAnswered().catch(() => false)) return leave();

    const workers = isTakingCalls()
      ? 'a worker takes calls, and took none of it: is it full?'
      : 'no worker takes calls';
    const waited = `waited for ${Math.round(one.waitedMs / 1_000)} s`;
    const called = one.isCalledAgain ? 'the agent was called for again' : 'the agent could not be called for again';
    const detail = `${waited}; ${called}; ${workers}`;
    log.warn({ room, detail }, 'nobody answered a caller; they are told, and let go');
    const metadata = there.dispatches.at(-1)?.metadata ?? '';
    void alert({ session: sid, room, message: 'Nobody answered a caller, who is let go', detail, metadata });

    const words = await spoken(reached, room, signal);
    if (!isOwed) {
      log.info({ room, words }, 'the caller stays in the room: `hangUp.failure` is `leave`');
      return 'done';
    }
    // A room is deleted by its name: which one it is now has to be known.
    const unseen = await isAnswered().catch((error: unknown) => messageOf(error));
    if (unseen === true) return leave();
    const hangUp = { room, roomSid: sid, strategy, caller, signal: AbortSignal.timeout(policy.hangUpMs) };
    const result = unseen === false ? await rooms.hangUp(hangUp) : { ...unconfirmed, error: unseen };
    const { verified, attempts, left, error } = result;
    log.info(
      {
        room,
        strategy,
        words,
        verified,
        attempts,
        'pii.left': left,
        ...(error !== undefined && { 'pii.error': error }),
      },
      verified ? 'the caller was released' : 'the hang-up is unconfirmed',
    );
    if (verified) await settle({ kind: 'done', at: now() });
    else await settle({ kind: 'retry', nextAt: now() + AGAIN_MS, error: error ?? 'LiveKit does not confirm it' });
    onOwed();
    return 'done';
  };
}

/** L4. @returns what the caller heard of it */
async function spoken({ apologize, policy }: TellReach, room: string, cut: AbortSignal): Promise<string> {
  if (!apologize) return 'none are wanted';
  const late = new AbortController();
  const within = firstWordMs(policy);
  let timer = setTimeout(() => late.abort(), within);
  const signal = AbortSignal.any([cut, late.signal]);
  let isAudible = false;
  const onAudible = () => {
    isAudible = true;
    clearTimeout(timer);
    timer = setTimeout(() => late.abort(), policy.apologyMs);
  };
  try {
    await unlessAborted(apologize({ room, signal, onAudible }), signal);
    return 'played';
  } catch (error) {
    if (isAudible) return 'cut';
    return `failed: ${late.signal.aborted ? `no word within ${within} ms` : messageOf(error)}`;
  } finally {
    clearTimeout(timer);
  }
}
