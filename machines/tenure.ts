/**
 * Whose call it is while its worker is gone or is being replaced, or its own session is over: the job's, until another one
 * can have it. Pure.
 *
 *   held      the worker serves
 *   awaiting  it talks on, and waits for a process that is warm
 *   leaving   there is one: it leaves at the first calm moment
 *   calling   nobody speaks: the next job is called for, and it leaves when that one has been offered
 *   left      without a word; the next job says what is to be said
 *   ending    nobody has it next: it says goodbye
 *
 *   N1  Nobody is left for a process that is not warm: its caller would sit in silence until it is.
 *   N2  It leaves in a calm moment, so that nobody is interrupted and nothing has to be excused; at the end of its time in
 *       any case, as after a crash. Who is being transferred, or is not there, is not left.
 *   N3  A worker that is replaced serves on: who cannot be followed by another job, or never has a calm moment, stays with
 *       it to its own end, unless somebody has set it a time.
 *   N4  Whose own session is over, with the call still on, has nothing to say any more: it does not wait for calm.
 *   N5  LiveKit takes a quarter of a second from a call for a job to its offer, in which nobody has to be deaf: the next job
 *       is called for before this one leaves. Whoever speaks meanwhile is heard, and is not left. Where no job is offered
 *       it leaves all the same, and is followed as after a crash.
 *
 * A function with a few words of state and no XState machine, as the deliveries' (delivery.ts): its timers are its
 * adapter's, and what the call does meanwhile is the session machine's business.
 */
export type TenurePhase = 'held' | 'awaiting' | 'leaving' | 'calling' | 'left' | 'ending';
/** `lost`: it died. `replaced`: another one has its place, and it lives. */
export type WorkerFate = 'lost' | 'replaced';
export type Tenure = {
  phase: TenurePhase;
  /** Undefined: the worker serves. */
  fate?: WorkerFate;
  /** Its own session is over. */
  isMute?: true;
  /** The next job has been offered, and waits for this one to leave. */
  isNextHere?: true;
  /** A keeper was lost while it was asked to call: it may be an older one, which does not know the word. */
  callsNobody?: true;
  /** For how long nobody has said anything, as far as it has looked. */
  calmMs: number;
};

export type TenureEvent =
  /** `mayFollow`: another job may have this call (`resume`). */
  | { type: 'worker.lost'; mayFollow: boolean }
  /** `isTimed`: it has to be over by some time; then `late` comes. */
  | { type: 'worker.replaced'; mayFollow: boolean; isTimed: boolean }
  /** Its own session cannot go on, the call does, and another job may have it. */
  | { type: 'session.lost' }
  /** A process of the next worker is warm for it. */
  | { type: 'next.warm' }
  /** Another call has that process. */
  | { type: 'next.taken' }
  /** The keeper that promised it is gone. */
  | { type: 'keeper.lost' }
  /** The next job has been offered. */
  | { type: 'next.here' }
  | { type: 'looked'; isCalm: boolean; mayBeLeft: boolean; passedMs: number }
  /** Its time is over. */
  | { type: 'late'; mayBeLeft: boolean }
  /** The call is over, or somebody else ends it. */
  | { type: 'ended' };

/**
 * What is to be done: tell the keeper that it waits, look for calm, have the next job called for or take that back, leave
 * to it, say goodbye.
 */
export type TenureAct = 'tell' | 'look' | 'call' | 'stay' | 'leave.calm' | 'leave.late' | 'end';
export type TenureStep = { tenure: Tenure; act?: TenureAct };

/** A breath between two sentences is shorter. */
export const CALM_MS = 1_000;
/** So that the next job has been offered by the end of it (N5). */
export const CALL_MS = 700;
/** A job that has not been offered by then was refused, or is called for by nobody. */
export const CALLED_MS = 2_000;
export const heldTenure: Tenure = { phase: 'held', calmMs: 0 };

/** *Pure.* What cannot happen in a phase changes nothing. */
export function nextTenure(tenure: Tenure, event: TenureEvent): TenureStep {
  const { isNextHere, ...uncalled } = tenure;
  const { phase, fate, callsNobody } = tenure;
  if (phase === 'left' || phase === 'ending') return { tenure };
  const isGoing = phase === 'leaving' || phase === 'calling';
  switch (event.type) {
    case 'ended':
      return { tenure: { ...tenure, phase: 'ending' } };
    case 'worker.lost':
      if (fate === 'lost') return { tenure };
      if (!event.mayFollow) return { tenure: { phase: 'ending', fate: 'lost', calmMs: 0 }, act: 'end' };
      if (phase !== 'held') return { tenure: { ...tenure, fate: 'lost' } }; // it waits already
      return { tenure: { phase: 'awaiting', fate: 'lost', calmMs: 0 }, act: 'tell' };
    case 'worker.replaced':
      if (phase !== 'held' || (!event.mayFollow && !event.isTimed)) return { tenure }; // N3
      return {
        tenure: { phase: 'awaiting', fate: 'replaced', calmMs: 0 },
        ...(event.mayFollow && { act: 'tell' }),
      };
    case 'session.lost':
      if (phase !== 'held') return { tenure: { ...tenure, isMute: true } };
      return { tenure: { ...tenure, phase: 'awaiting', isMute: true }, act: 'tell' };
    case 'next.warm':
      return phase === 'awaiting' ? { tenure: { ...tenure, phase: 'leaving' }, act: 'look' } : { tenure }; // N1
    case 'next.taken':
      return isGoing ? { tenure: { ...uncalled, phase: 'awaiting', calmMs: 0 } } : { tenure };
    case 'keeper.lost': {
      const lost: Tenure = { ...uncalled, ...(phase === 'calling' && { callsNobody: true as const }) };
      return isGoing ? { tenure: { ...lost, phase: 'awaiting', calmMs: 0 } } : { tenure };
    }
    case 'next.here':
      return phase === 'calling' ? { tenure: { ...tenure, isNextHere: true } } : { tenure };
    case 'looked': {
      if (!isGoing) return { tenure };
      if (tenure.isMute && event.mayBeLeft) return { tenure: { ...tenure, phase: 'left' }, act: 'leave.late' }; // N4
      if (!event.isCalm || !event.mayBeLeft) {
        if (phase === 'leaving') return { tenure: { ...tenure, calmMs: 0 } };
        return { tenure: { ...uncalled, phase: 'leaving', calmMs: 0 }, act: 'stay' };
      }
      const calmMs = tenure.calmMs + event.passedMs;
      if (calmMs < CALL_MS) return { tenure: { ...tenure, calmMs } };
      const mayCall = phase === 'leaving' && !callsNobody;
      if (mayCall) return { tenure: { ...tenure, phase: 'calling', calmMs }, act: 'call' }; // N5
      if (calmMs < (isNextHere || callsNobody ? CALM_MS : CALM_MS + CALLED_MS))
        return { tenure: { ...tenure, calmMs } };
      return { tenure: { ...tenure, phase: 'left', calmMs }, act: 'leave.calm' };
    }
    case 'late':
      if (phase === 'held') return { tenure };
      if (isGoing && event.mayBeLeft) return { tenure: { ...tenure, phase: 'left' }, act: 'leave.late' }; // N2
      return { tenure: { ...tenure, phase: 'ending' }, act: 'end' };
  }
}
