/**
 * A caller who waits for our agent and gets none: waited for, called for again, told. Pure; the time is given.
 *
 *   waiting   a dispatch names our agent, and no job took it
 *   called    the agent was called for again, by us or by the keeper of another host; again after as long
 *   told      they hear the apology, and are let go
 *
 *   A1  Nothing is done before the same dispatches have stood for UNTAKEN_MS: an offer may be with a worker of another host
 *       for as long as LiveKit waits for its answer (10 s), and two agents are worse than a wait.
 *   A2  Told is who has waited alone for `answerMs`, and after the agent was called for again, when a worker takes calls.
 *       Who has company may be talking to it; who publishes nothing yet, where jobs begin with a track, is waited for.
 *   A3  Who cannot be told now (too many are, or the keeper ends) is called for again when a worker takes calls.
 *
 * A function and no XState machine, as a job's tenure is (tenure.ts): it has no timers of its own, only looks.
 */
export const UNTAKEN_MS = 12_000;

export type CallerWait = {
  /** Ids of the dispatches that were there when it was looked last. */
  dispatches: string;
  /** Since when these are. In ms of whoever looks. */
  since: number;
  isCalledAgain: boolean;
  /** The only one there, and since when. */
  alone: { sid: string; since: number } | undefined;
};
export type CallerSeen = { dispatches: string; alone: string | undefined };

/** *Pure.* What a look at the room changes. @param wait undefined: seen for the first time */
export function nextWait(wait: CallerWait | undefined, { dispatches, alone }: CallerSeen, at: number): CallerWait {
  const before = wait ?? { dispatches, since: at, isCalledAgain: false, alone: undefined };
  const isSame = before.dispatches === dispatches;
  return {
    dispatches,
    since: isSame ? before.since : at,
    isCalledAgain: isSame ? before.isCalledAgain : true, // also by another host
    alone: before.alone?.sid === alone ? before.alone : alone === undefined ? undefined : { sid: alone, since: at },
  };
}

export type WaitFacts = {
  at: number;
  answerMs: number;
  /** Jobs begin when a caller publishes something. */
  waitsForTracks: boolean;
  /** The application refused this call. */
  isRefused: boolean;
  /** A worker takes calls. */
  isTakingCalls: boolean;
  mayTell: boolean;
};
export type WaitAct =
  | { type: 'wait' }
  /** Their dispatches go, so that no other keeper takes them for somebody who was overlooked. */
  | { type: 'take back' }
  | { type: 'call again'; waitedMs: number }
  | { type: 'tell'; waitedMs: number };

/** *Pure.* What is to be done about them now. */
export function actOnWait({ since, isCalledAgain, alone }: CallerWait, facts: WaitFacts): WaitAct {
  const { at, answerMs, isTakingCalls } = facts;
  const untakenMs = Math.round(at - since);
  if (at - since < UNTAKEN_MS) return { type: 'wait' }; // A1
  if (facts.isRefused) return { type: 'take back' };
  const waitedMs = alone && !facts.waitsForTracks ? Math.round(at - alone.since) : -Infinity;
  const isTime = waitedMs >= answerMs && (isCalledAgain || !isTakingCalls); // A2
  if (isTime && facts.mayTell) return { type: 'tell', waitedMs };
  const isAnsweredInTime = waitedMs + UNTAKEN_MS <= answerMs;
  const isWorthIt = isTime || !isCalledAgain || isAnsweredInTime; // A3
  return isTakingCalls && isWorthIt ? { type: 'call again', waitedMs: untakenMs } : { type: 'wait' };
}
