/**
 * Callers who wait for our agent and get none: the worker was gone when they came, or full, or the keeper was slow, and
 * LiveKit offers a dispatch once. They are looked for, and the agent is called for again; whom nobody answers even so is
 * told, and let go (tell-caller.ts).
 *
 *   U1  Only where a dispatch names our agent and no job took it, a caller is, no agent is, and no session of this keeper
 *       is going on. Automatic dispatch names nobody: its rooms are left alone.
 *   U2  When they are called for again and when they are told is decided in machines/unanswered.ts, by our own clock; here
 *       are the looks, and what is done.
 *   U3  Whom the application's `requestFunc` refused stays refused. Their dispatches go, or the keeper of another host,
 *       which was not asked, would take them for somebody who was overlooked.
 *   U4  Who has deleted the dispatches, acts: LiveKit deletes each once, so of several keepers it is one. A worker that
 *       takes such a job at that moment is told by LiveKit that it is over.
 *   U5  A room in which a session of ours ever was is never entered: whoever is there was left there on purpose. Mostly the
 *       dispatch shows it; but LiveKit's room waits 3 s for the worker's answer, and a job that came later is not listed.
 */
import type { Logger } from 'pino';
import { actOnWait, type CallerWait, nextWait, type Policy, UNTAKEN_MS } from '../../machines/index.ts';
import { messageOf } from '../errors/thrown.ts';
import type { Rooms } from '../rooms/rooms.ts';
import type { WaitingRoom, WaitingRooms } from '../rooms/waiting-rooms.ts';

/** How often it is looked; sooner while somebody waits, or no worker is there. One request, when nobody waits. */
const LOOK_MS = 5_000;
const LOOK_AGAIN_MS = 2_000;
const DEADLINE_MS = 10_000;
/** For what is done about one caller. */
const ACT_MS = 4_000;
/** Each is a process that speaks. Who comes later waits on, and may yet be answered. */
const MOST_AT_ONCE = 5;
/** Room sids of whom nothing is to be done any more; the oldest is forgotten. */
const MOST_REMEMBERED = 10_000;

/** What there is to ask and to tell. */
export type Reach = {
  waiting: WaitingRooms;
  rooms: Pick<Rooms, 'dispatch' | 'undispatch'>;
  /** Empty: automatic dispatch (U1). */
  agentName: string;
  policy: Pick<Policy, 'answerMs'>;
  /** Its jobs begin when a caller publishes something: who does not is waited for. */
  waitsForTracks: boolean;
};
/** `done`: nothing more is to be done in that room. `not now`: it is looked at again. */
export type TellOutcome = 'done' | 'not now';
export type UnansweredOptions<Reached extends Reach> = {
  /** Undefined: nobody can be asked. */
  livekit: () => Reached | undefined;
  /** A worker takes calls. */
  isTakingCalls: () => boolean;
  /** No words are begun any more. */
  isEnding: () => boolean;
  isServed: (room: string) => boolean;
  /** Was a session of ours ever in this very room (U5)? */
  wasServed: (room: string, roomSid: string) => Promise<boolean>;
  /** Takes what is there away from everybody else first (U4), and lets the caller go. Cut short by its signal. */
  tell: (caller: Unanswered, reached: Reached, signal: AbortSignal) => Promise<TellOutcome>;
  log: Logger;
  now?: () => number;
};
/** One who is to be told. */
export type Unanswered = WaitingRoom & { waitedMs: number; isCalledAgain: boolean };
export type UnansweredWatch = {
  /** The application refused this room's call (U3). */
  refused(roomSid: string): void;
  /** Words that are being said are cut, and their callers let go. */
  stop(): Promise<void>;
};

/** *Effect.* U4. By id, as they come: who has the first and misses a later one has lost them all to somebody who came in between. */
export const claimed = async (
  { room, dispatches }: Pick<WaitingRoom, 'room' | 'dispatches'>,
  rooms: Pick<Rooms, 'undispatch'>,
  signal: AbortSignal,
): Promise<boolean> => {
  for (const { id } of dispatches) if (!(await rooms.undispatch(room, id, signal))) return false;
  return true;
};

const remember = (sids: Set<string>, sid: string): void => {
  sids.add(sid);
  for (const oldest of sids) {
    if (sids.size <= MOST_REMEMBERED) break;
    sids.delete(oldest);
  }
};

/** *Effect.* Looks from now on, until it is stopped. Never rejects: LiveKit is away at times. */
export function watchUnanswered<Reached extends Reach>(options: UnansweredOptions<Reached>): UnansweredWatch {
  const { livekit, isTakingCalls, isEnding, isServed, wasServed, tell, log, now = () => performance.now() } = options;
  /** By room sid. */
  const waits = new Map<string, CallerWait>();
  /** Claimed, and the agent not called for yet: LiveKit was away in between. */
  const uncalled = new Map<string, WaitingRoom>();
  const telling = new Map<string, Promise<void>>();
  const refused = new Set<string>();
  const done = new Set<string>();
  const over = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let lastTrouble: string | undefined;
  let isTroubled = false;
  let passing: Promise<void> | undefined;

  const trouble = (error: unknown): void => {
    const text = messageOf(error);
    if (text !== lastTrouble && !over.signal.aborted)
      log.info({ error: text }, 'callers without an agent could not be looked for; it is tried again');
    [lastTrouble, isTroubled] = [text, true];
  };
  /** Not cut by the end of the keeper: between deletion and new dispatch nobody else knows of the caller. */
  const acting = () => AbortSignal.timeout(ACT_MS);
  const call = async (one: WaitingRoom, { rooms, agentName }: Reached, waitedMs: number): Promise<string> => {
    const { room, sid, dispatches } = one;
    uncalled.set(sid, one);
    const dispatch = await rooms.dispatch(room, agentName, dispatches.at(-1)?.metadata ?? '', acting());
    uncalled.delete(sid);
    log.warn({ room, dispatch, waitedMs }, 'a caller waits and no job took the call; the agent is called for again');
    return dispatch;
  };
  /** A request that got no answer may have been carried out, and two dispatches are two agents: so it is looked first. */
  const callThose = async (reached: Reached): Promise<void> => {
    for (const one of uncalled.values())
      try {
        const there = await reached.waiting.look(one, reached.agentName, acting());
        if (!there || there.dispatches.length > 0 || isServed(one.room)) uncalled.delete(one.sid);
        else await call(one, reached, UNTAKEN_MS);
      } catch (error) {
        trouble(error);
      }
  };
  const callAgain = async (one: WaitingRoom, wait: CallerWait, reached: Reached, waitedMs: number): Promise<void> => {
    wait.since = now();
    if (isServed(one.room) || !(await claimed(one, reached.rooms, acting()))) return;
    wait.isCalledAgain = true;
    wait.dispatches = await call(one, reached, waitedMs);
  };
  const begin = (one: Unanswered, reached: Reached): void => {
    const { room, sid } = one;
    const work = async (): Promise<void> => {
      try {
        if ((await tell(one, reached, over.signal)) === 'done') remember(done, sid);
      } catch (error) {
        log.error({ room, err: error }, 'a caller whom nobody answers could not be told; it is tried again');
      }
      telling.delete(sid);
    };
    telling.set(sid, work());
  };

  const waitOf = ({ sid, dispatches, alone }: WaitingRoom): CallerWait => {
    const seen = { dispatches: dispatches.map(({ id }) => id).join(), alone: alone?.sid };
    const wait = nextWait(waits.get(sid), seen, now());
    waits.set(sid, wait);
    return wait;
  };
  const actOn = async (one: WaitingRoom, reached: Reached): Promise<void> => {
    const wait = waitOf(one);
    const act = actOnWait(wait, {
      at: now(),
      answerMs: reached.policy.answerMs,
      waitsForTracks: reached.waitsForTracks,
      isRefused: refused.has(one.sid),
      isTakingCalls: isTakingCalls(),
      mayTell: !isEnding() && telling.size < MOST_AT_ONCE,
    });
    if (act.type === 'wait') return;
    if (await wasServed(one.room, one.sid)) return remember(done, one.sid); // U5
    if (act.type === 'tell')
      return begin({ ...one, waitedMs: act.waitedMs, isCalledAgain: wait.isCalledAgain }, reached);
    if (act.type === 'call again') return callAgain(one, wait, reached, act.waitedMs);
    if (await claimed(one, reached.rooms, acting()))
      log.info({ room: one.room }, 'refused: the dispatch is taken back');
  };

  const look = async (): Promise<void> => {
    const reached = livekit();
    if (!reached || reached.agentName === '') return;
    await callThose(reached);
    const signal = AbortSignal.any([over.signal, AbortSignal.timeout(DEADLINE_MS)]);
    const all = await reached.waiting.find(reached.agentName, isServed, signal);
    const found = all.filter(({ sid }) => !done.has(sid) && !telling.has(sid));
    const sids = new Set(found.map(({ sid }) => sid));
    for (const sid of waits.keys()) if (!sids.has(sid) && !telling.has(sid)) waits.delete(sid);
    for (const one of found) waitOf(one);
    for (const one of found) await actOn(one, reached).catch(trouble);
  };

  const again = (): void => {
    if (over.signal.aborted) return;
    const isLikely = waits.size > 0 || uncalled.size > 0 || !isTakingCalls();
    timer = setTimeout(() => (passing = pass()), isLikely ? LOOK_AGAIN_MS : LOOK_MS).unref();
  };
  const pass = async (): Promise<void> => {
    isTroubled = false;
    await look().catch(trouble);
    if (!isTroubled) lastTrouble = undefined;
    again();
  };
  again();

  return {
    refused: (roomSid) => remember(refused, roomSid),
    async stop() {
      over.abort();
      clearTimeout(timer);
      await Promise.all([passing, ...telling.values()]);
    },
  };
}
