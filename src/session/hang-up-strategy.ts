/**
 * How a caller is let go, and for which end. A new strategy is a word of `hangUpStrategies` (machines/ends.ts); what it
 * does is a case in src/rooms/server-api.ts, and who is gone by it in src/report/facts.ts.
 */
import { type End, endOf, type HangUpStrategy } from '../../machines/index.ts';
import type { HangUpPolicy } from '../journal/entry.ts';

/** The end of a job whose room was gone when it came. */
export const staleDispatch: End = endOf('system', 'stale_dispatch', 'platform');

/** No call, and no report. A user's own reason of that name is an end like any other. */
export const isStale = (end: End | undefined): boolean =>
  end?.by === staleDispatch.by && end.reason === staleDispatch.reason;

/** How an end lets the caller go. Pure. A transfer leaves the room to those who still talk there. */
export function strategyFor(end: End | null, policy: HangUpPolicy): HangUpStrategy {
  if (end === null) return policy.failure; // nobody lived to say why
  if (end.hangUp !== undefined) return end.hangUp;
  if (end.reason === 'transferred') return policy.transfer;
  return end.by === 'system' && end.fault !== 'none' ? policy.failure : policy.normal;
}
