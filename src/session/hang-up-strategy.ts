import type { End } from '../../machines/index.ts';
import type { HangUpPolicy, HangUpStrategy } from '../journal/entry.ts';

/** How an end lets the caller go. Pure. A transfer leaves the room to those who still talk there. */
export function strategyFor(end: End, policy: HangUpPolicy): HangUpStrategy {
  if (end.reason === 'transferred') return policy.transfer;
  return end.by === 'system' && end.fault !== 'none' ? policy.failure : policy.normal;
}
