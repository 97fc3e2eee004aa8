/**
 * Callers who wait for our agent and get none: the worker was gone when they came, or full, or the keeper was slow, and
 * LiveKit offers a dispatch once. They are looked for, and the agent is called for again.
 *
 *   U1  Only where a dispatch names our agent and no job took it, a caller is, no agent is, and no session of this keeper
 *       is going on. Automatic dispatch names nobody: its rooms are left alone.
 *   U2  It has to stay so for ANSWER_MS, by our own clock: an offer may be with a worker of another host for as long as
 *       LiveKit waits for its answer (10 s), and two agents are worse than a wait.
 *   U3  Whom the application's `requestFunc` refused stays refused.
 *   U4  The new dispatch first, then the old ones go: nobody takes them any more, and a list of them grows.
 */
import type { Logger } from 'pino';
import { messageOf } from '../errors/thrown.ts';
import type { Rooms } from '../rooms/rooms.ts';
import type { FindWaiting, WaitingRoom } from '../rooms/waiting-rooms.ts';

const ANSWER_MS = 12_000;
/** How often it is looked; sooner while somebody waits, or no worker is there. One request, when nobody waits. */
const LOOK_MS = 5_000;
const LOOK_AGAIN_MS = 2_000;
const DEADLINE_MS = 4_000;
/** Room sids that were refused; the oldest is forgotten. */
const MOST_REFUSED = 10_000;

export type UnansweredOptions = {
  /** Undefined: nobody can be asked. An empty name: automatic dispatch (U1). */
  livekit: () => { find: FindWaiting; rooms: Pick<Rooms, 'dispatch' | 'undispatch'>; agentName: string } | undefined;
  /** A worker takes calls. */
  isTakingCalls: () => boolean;
  isServed: (room: string) => boolean;
  log: Logger;
  now?: () => number;
};
export type Unanswered = {
  /** The application refused this room's call (U3). */
  refused(roomSid: string): void;
  stop(): void;
};

/** *Effect.* Looks from now on, until it is stopped. Never rejects: LiveKit is away at times. */
export function watchUnanswered(options: UnansweredOptions): Unanswered {
  const { livekit, isTakingCalls, isServed, log, now = () => performance.now() } = options;
  /** Since when it is known that they wait, by room sid. */
  const since = new Map<string, number>();
  const refused = new Set<string>();
  const over = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let lastTrouble: string | undefined;

  const callAgain = async ({ room, sid, dispatches }: WaitingRoom, signal: AbortSignal): Promise<void> => {
    const reached = livekit();
    if (!reached || isServed(room)) return;
    const { rooms, agentName } = reached;
    const waitedMs = Math.round(now() - (since.get(sid) ?? now()));
    since.set(sid, now());
    const dispatch = await rooms.dispatch(room, agentName, dispatches.at(-1)?.metadata ?? '', signal);
    log.warn({ room, dispatch, waitedMs }, 'a caller waits and no job took the call; the agent is called for again');
    for (const { id } of dispatches) await rooms.undispatch(room, id, signal); // U4
  };

  const look = async (): Promise<void> => {
    const reached = livekit();
    if (!reached || reached.agentName === '') return;
    const signal = AbortSignal.any([over.signal, AbortSignal.timeout(DEADLINE_MS)]);
    const found = (await reached.find(reached.agentName, isServed, signal)).filter(({ sid }) => !refused.has(sid));
    const sids = new Set(found.map(({ sid }) => sid));
    for (const sid of since.keys()) if (!sids.has(sid)) since.delete(sid);
    for (const { sid } of found) since.set(sid, since.get(sid) ?? now());
    if (!isTakingCalls()) return;
    for (const one of found) if (now() - (since.get(one.sid) ?? now()) >= ANSWER_MS) await callAgain(one, signal); // U2
  };

  const again = (): void => {
    if (over.signal.aborted) return;
    const isLikely = since.size > 0 || !isTakingCalls();
    timer = setTimeout(() => void pass(), isLikely ? LOOK_AGAIN_MS : LOOK_MS).unref();
  };
  const pass = async (): Promise<void> => {
    try {
      await look();
      lastTrouble = undefined;
    } catch (error) {
      const trouble = messageOf(error);
      if (trouble !== lastTrouble && !over.signal.aborted)
        log.info({ error: trouble }, 'callers without an agent could not be looked for; it is tried again');
      lastTrouble = trouble;
    }
    again();
  };
  again();

  return {
    refused(roomSid) {
      refused.add(roomSid);
      for (const oldest of refused) {
        if (refused.size <= MOST_REFUSED) break;
        refused.delete(oldest);
      }
    },
    stop() {
      over.abort();
      clearTimeout(timer);
    },
  };
}
