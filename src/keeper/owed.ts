/**
 * Hang-ups that nobody confirmed in time: rows of the store, tried again until LiveKit confirms them. The report is
 * sealed meanwhile, and the caller may still be on the line.
 *
 *   O1  The row is there before the report is sealed, so whoever dies in between, somebody knows.
 *   O2  Nobody is touched who came later: a room of the same name with another sid, or an agent that joined after the
 *       hang-up was owed, is another call. Both are looked at before every attempt, and end the work.
 *   O3  An attempt has a deadline, the next one a pause, the row an end; what was given up is kept, and told once, loudly.
 *   O4  Only of the server that this keeper's worker talks to: any other would say that there is no such room.
 */
import type { Logger } from 'pino';
import type { Occupant, Rooms } from '../rooms/rooms.ts';
import { messageOf } from '../errors/thrown.ts';
import { settledWithin } from '../waiting/deadline.ts';
import { strategyFor } from '../session/hang-up-strategy.ts';
import type { NewHangUp, OwedHangUp, Store } from '../store/store.ts';
import { defaultHangUp, type Known } from './reading.ts';
import type { SessionId } from '../journal/ids.ts';

/** A request of the session's own may still be under way, and two deletions at once can bring a room back. */
const FIRST_PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 60_000;
const ATTEMPT_MS = 10_000;
/** A row that was taken is due again then: whoever took it is dead. */
const TAKEN_MS = ATTEMPT_MS + 5_000;
/** LiveKit has long closed a room without an agent, or an operator has seen the log. */
const GIVE_UP_MS = 24 * 3_600_000;
/** Without a sid nobody can tell the room from a later one of its name. */
const GIVE_UP_UNNAMED_MS = 300_000;
const AT_ONCE = 32;
const POLL_MS = 10_000;
/** One line a minute for a day would hide others. */
const TOLD_AT_FIRST = 6;
const TOLD_AGAIN = 30;
const LAST_TRY_MS = 4_000;

/** *Pure.* What a session owes by its journal; undefined when its room is not known. */
export const owedBy = (session: SessionId, known: Known, server: string, now: number): NewHangUp | undefined => {
  const { facts, caller, opened } = known;
  if (!facts || facts.room.name === '') return undefined;
  return {
    session,
    server,
    room: facts.room.name,
    roomSid: facts.room.sid,
    strategy: strategyFor(known.end, known.hangUp ?? defaultHangUp),
    ...(caller !== undefined && { caller }),
    ...(opened?.identity !== undefined && { agent: opened.identity }),
    since: now,
    nextAt: now + FIRST_PAUSE_MS,
  };
};

/** *Pure.* Up to a fifth less, by `chance` (0 to 1): what LiveKit refused at once must not all come back at once. */
export const pauseAfter = (attempts: number, chance: number): number =>
  Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.max(0, attempts - 1)) * (1 - chance / 5);

/** O2. Somebody else's agent: ours never began, or this one came when ours was long to be gone. */
const isAnother = ({ agent, since }: OwedHangUp, { kind, identity, joinedAt }: Occupant): boolean =>
  kind === 'agent' && identity !== agent && (agent === undefined || (joinedAt ?? 0) > since);

/** One attempt. @returns why nothing is owed any more, or what is in the way */
const tryOnce = async (
  row: OwedHangUp,
  rooms: Rooms,
  signal: AbortSignal,
): Promise<{ done: string } | { error: string }> => {
  const { room, roomSid, strategy, caller, agent } = row;
  const sid = await rooms.sidOf(room, signal);
  if (sid === undefined) return { done: 'the room is gone' };
  if (roomSid !== '' && sid !== roomSid) return { done: 'another room has its name now' };
  const occupants = await rooms.occupants(room, signal);
  if (occupants.some((occupant) => isAnother(row, occupant))) return { done: 'another agent has the room now' };
  const who = { ...(caller !== undefined && { caller }), ...(agent !== undefined && { agent }) };
  const sip = occupants.filter(({ kind }) => kind === 'sip').map(({ identity }) => identity);
  const { verified, error } = await rooms.hangUp({ room, roomSid: sid, strategy, ...who, sip, signal });
  return verified ? { done: 'the caller was released, late' } : { error: error ?? 'LiveKit does not confirm it' };
};

export type Owed = {
  /** There may be something to do. */
  wake(): void;
  /** One more attempt at each row, due or not, within a few seconds. @returns how many are left for the next keeper */
  lastTry(): Promise<number>;
  stop(): Promise<void>;
};

/** *Effect.* Starts at once, and waits for the worker that knows LiveKit. */
export function startOwed(options: {
  store: Pick<Store, 'takeOwed' | 'settleHangUp' | 'nextOwed' | 'hangUps' | 'hastenOwed'>;
  /** Undefined while no worker has said it, or when there is none. */
  livekit: () => { server: string; rooms: Rooms } | undefined;
  log: Logger;
  now?: () => number;
}): Owed {
  const { store, livekit, log, now = Date.now } = options;
  const running = new Map<SessionId, Promise<void>>();
  let round: Promise<void> | undefined;
  let isWanted = false;
  const stopping = new AbortController();
  let timer: NodeJS.Timeout | undefined;

  const settle = async (row: OwedHangUp, outcome: Awaited<ReturnType<typeof tryOnce>>) => {
    const { session, room, attempts, since, roomSid } = row;
    const facts = { session, room, attempts, sinceMs: now() - since };
    if ('done' in outcome) {
      await store.settleHangUp(session, { kind: 'done', at: now() });
      return log.info(facts, outcome.done);
    }
    const { error } = outcome;
    const nextAt = now() + Math.round(pauseAfter(attempts, Math.random()));
    const endMs = roomSid === '' ? GIVE_UP_UNNAMED_MS : GIVE_UP_MS;
    if (nextAt - since <= endMs) {
      await store.settleHangUp(session, { kind: 'retry', nextAt, error });
      const isTold = attempts <= TOLD_AT_FIRST || attempts % TOLD_AGAIN === 0;
      const line = { ...facts, nextAt, 'pii.error': error }; // an error may name a number
      return log[isTold ? 'warn' : 'debug'](line, 'the hang-up is still owed');
    }
    await store.settleHangUp(session, { kind: 'given-up', at: now(), error });
    const advice = 'the caller may still be in the room: delete it by hand';
    log.error({ ...facts, 'pii.error': error }, `not hung up within ${endMs / 60_000} minutes, given up; ${advice}`); // O3
  };

  const work = (row: OwedHangUp, rooms: Rooms) => {
    const { session, room } = row;
    if (running.has(session)) return;
    const done = (async () => {
      try {
        const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(ATTEMPT_MS)]);
        await settle(row, await tryOnce(row, rooms, signal).catch((error: unknown) => ({ error: messageOf(error) })));
      } catch (error) {
        log.error({ session, room, err: error }, 'an owed hang-up could not be written down; it is tried again');
      }
    })().finally(() => {
      running.delete(session);
      wake();
    });
    running.set(session, done);
  };

  /** Takes what is due until then. @returns when the next row is */
  const take = async (due: number): Promise<number | undefined> => {
    const known = livekit();
    if (!known || stopping.signal.aborted) return undefined; // O4
    const { server, rooms } = known;
    const next = await store.nextOwed(server);
    const limit = AT_ONCE - running.size;
    if (limit <= 0) return undefined; // the end of an attempt wakes us
    if (next !== undefined && next > now() + 2 * LONGEST_PAUSE_MS)
      // no pause is as long: a clock was ahead
      return (await store.hastenOwed({ now: now(), furthestMs: LONGEST_PAUSE_MS })) > 0 ? now() : next;
    if (next === undefined || next > due) return next; // no write transaction for nothing
    for (const row of await store.takeOwed({ server, now: due, again: now() + TAKEN_MS, limit })) work(row, rooms);
    return await store.nextOwed(server);
  };

  const pump = async () => {
    let waitMs = POLL_MS;
    try {
      const next = await take(now());
      if (next !== undefined) waitMs = Math.min(POLL_MS, Math.max(0, next - now()));
    } catch (error) {
      log.error({ err: error }, 'the store does not say which hang-ups are owed; asking again');
    }
    round = undefined;
    if (stopping.signal.aborted) return;
    timer = setTimeout(wake, isWanted ? 0 : waitMs);
    isWanted = false;
  };
  function wake(): void {
    if (stopping.signal.aborted) return;
    clearTimeout(timer);
    if (round) isWanted = true;
    else round = pump();
  }

  wake();
  return {
    wake,
    async lastTry() {
      const known = livekit();
      if (!known) return 0;
      try {
        await round;
        const far = now() + GIVE_UP_MS;
        if ((await store.nextOwed(known.server)) === undefined) return 0;
        await take(far);
        await settledWithin(Promise.all(running.values()), LAST_TRY_MS);
        return (await store.hangUps({ state: 'owed', limit: 1_000 })).length;
      } catch (error) {
        log.error({ err: error }, 'the store does not say which hang-ups are owed');
        return 0;
      }
    },
    async stop() {
      stopping.abort();
      clearTimeout(timer);
      await settledWithin(Promise.all([round, ...running.values()]), LAST_TRY_MS); // or they meet a closed store
    },
  };
}
