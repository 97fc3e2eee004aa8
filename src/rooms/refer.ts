/**
 * A blind transfer: LiveKit's SIP service sends the caller's telephone a REFER, and the caller's own provider dials.
 *
 *   F1  One attempt. A request without an answer may have been carried out, and it cannot be taken back: the SIP service
 *       knows no cancel. So `unknown` is an outcome; whether the caller is still in the room says the rest.
 *   F2  The destination's refusal comes as an HTTP status too, 403 for one: the SIP status is looked at first, or a busy
 *       telephone would be told as a refused API key.
 */
import { ServerError, SipCallError } from 'livekit-server-sdk';

export type ReferOptions = {
  /**
   * How long the destination may ring: more than 0 and at most 600,000 ms, default 30,000, sent in whole seconds. The
   * answer is waited for a little longer.
   */
  ringingMs?: number;
  /** What the caller hears meanwhile; default false: silence, or the hold music of their provider. */
  playDialtone?: boolean;
  /** Go with the REFER. Default: none. */
  headers?: Record<string, string>;
};

/** Longer than any telephone rings; the answer is waited for, so this is a deadline too. */
export const MAX_RINGING_MS = 600_000;

export type Referral =
  | { outcome: 'transferred' }
  | {
      /** `gone`: the caller is not in the room. `unknown`: nobody answered (F1). `failed`: everything else, as `error` says. */
      outcome: 'busy' | 'declined' | 'no_answer' | 'gone' | 'failed' | 'unknown';
      /** Of the destination, when it answered. */
      sipStatus?: number;
      error: string;
    };

/** What a job needs for `call.transfer` to a telephone number. */
export interface Referrals {
  /**
   * Transfers one SIP participant away from the room, and waits until the destination has answered. Never rejects; ends
   * with its own deadline (ringing, and one request) or with the signal.
   * @param to `tel:+15551234` or `sip:…`
   */
  refer(room: string, identity: string, to: string, signal: AbortSignal, options?: ReferOptions): Promise<Referral>;
}

/** RFC 3261: 408 and 480 nobody picks up, 487 we stopped ringing, 486 and 600 busy, 403 and 603 no. */
const ANSWERS: Record<number, Exclude<Referral['outcome'], 'transferred'>> = {
  403: 'declined',
  408: 'no_answer',
  480: 'no_answer',
  486: 'busy',
  487: 'no_answer',
  600: 'busy',
  603: 'declined',
};

/** *Pure.* What a rejected request says of the transfer; `error` is told by whoever asked. */
export const refusalOf = (thrown: unknown): Omit<Exclude<Referral, { outcome: 'transferred' }>, 'error'> => {
  const sipStatus = thrown instanceof SipCallError ? thrown.sipStatusCode : undefined;
  if (sipStatus !== undefined) return { outcome: ANSWERS[sipStatus] ?? 'failed', sipStatus }; // F2
  if (thrown instanceof ServerError) {
    if (thrown.status === 404) return { outcome: 'gone' };
    return { outcome: thrown.status === 408 ? 'unknown' : 'failed' };
  }
  const cause: unknown = thrown instanceof Error ? thrown.cause : undefined;
  const neverSent =
    cause instanceof Error && 'code' in cause && ['ECONNREFUSED', 'ENOTFOUND'].includes(String(cause.code));
  return { outcome: neverSent ? 'failed' : 'unknown' };
};
