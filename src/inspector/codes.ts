/**
 * One-time codes: what stands in the address that is printed, and is exchanged for the token.
 *
 *   C1  It works once, and for ten minutes: an address stays in scroll-back, logs and histories.
 *   C2  Whoever comes with one that is used up learns that a new one was printed, and finds it in the terminal; strangers
 *       do not. Not more often than each ten seconds.
 */
import { randomBytes } from 'node:crypto';
import { isSameToken } from '../link/secret.ts';

const CODE_MS = 600_000;
const AGAIN_MS = 10_000;
/** Addresses that are printed and not used yet; of more the oldest is forgotten. */
const MOST = 4;

export type Codes = {
  make(): string;
  /** True once for each code. */
  take(code: string): boolean;
  /** C2: a new code, or nothing when one was made just now. */
  again(): string | undefined;
};

/** @param now milliseconds by a clock that nobody sets */
export function openCodes(now: () => number = () => performance.now()): Codes {
  let open: { code: string; until: number }[] = [];
  let lastAt = -Infinity;
  const make = () => {
    const code = randomBytes(24).toString('base64url');
    open = [...open, { code, until: now() + CODE_MS }].slice(-MOST);
    lastAt = now();
    return code;
  };
  return {
    make,
    take(code) {
      open = open.filter(({ until }) => until > now());
      const found = open.filter((one) => isSameToken(one.code, code)); // all are compared, wherever the right one is
      open = open.filter((one) => !found.includes(one));
      return found.length > 0;
    },
    again: () => (now() - lastAt < AGAIN_MS ? undefined : make()),
  };
}
