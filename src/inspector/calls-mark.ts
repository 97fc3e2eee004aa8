/** *Pure.* Whether two lists of calls are the same, however much later the second was made. */
import { createHash } from 'node:crypto';

/**
 * A silence that goes on is the same silence: since when it is counts, and not how long.
 * @param moment that present silence was counted up to
 */
export function callsMark(calls: unknown, moment: number): string {
  const json = JSON.stringify(calls, (key, value: unknown) =>
    key === 'silentMs' && typeof value === 'number' ? moment - value : value,
  );
  return createHash('sha256').update(json).digest('base64url');
}
