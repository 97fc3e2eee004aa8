/**
 * Which network addresses a URL that somebody else chose may lead to.
 *
 * IPv6 is an allow-list (2000::/3 is all of today's global unicast), because loopback hides in many forms there: mapped
 * (::ffff:127.0.0.1), NAT64 (64:ff9b::7f00:1), compatible (::7f00:1, which for the library is an address like any other).
 */
import { createRequire } from 'node:module';
import { isIP } from 'node:net';

/** When an address is asked about: every job reads this file, and hardly one asks. */
const library = () => createRequire(import.meta.url)('ipaddr.js') as typeof import('ipaddr.js');

/** Pure. Whether an IP address (without brackets) belongs to the public internet; false for what is no address. */
export const isPublicAddress = (address: string): boolean => {
  if (isIP(address) === 0) return false; // the library also takes what only some would: 127.1, 0x7f000001
  const { parse, parseCIDR } = library();
  const parsed = parse(address);
  if (parsed.range() !== 'unicast') return false;
  return parsed.kind() === 'ipv4' || parsed.match(parseCIDR('2000::/3'));
};

/** Pure. Whether a URL's host is plainly inside one's own network: a private address, localhost, or a name without a public suffix. */
export const isInsideHost = (hostname: string): boolean => {
  const bare = hostname.replace(/^\[|\]$/g, '');
  if (isIP(bare) !== 0) return !isPublicAddress(bare);
  return !bare.includes('.') || /\.(localhost|local|internal|svc|lan|home\.arpa)$/.test(bare);
};

/** A connection was refused before it was made. Never to be tried again. */
export class PrivateAddressError extends Error {
  readonly code = 'LASTWORD_PRIVATE_ADDRESS';
  constructor(hostname: string, address: string) {
    super(
      `${hostname} leads to ${address}, which is not a public address; ` +
        'set allowPrivate on the webhook if URLs from job metadata may reach your own network',
    );
    this.name = 'PrivateAddressError';
  }
}
