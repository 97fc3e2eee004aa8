/**
 * Which network addresses a URL that somebody else chose may lead to.
 *
 * IPv6 is an allow-list (2000::/3 is all of today's global unicast), because
 * loopback hides in many forms there: mapped (::ffff:127.0.0.1), NAT64 (64:ff9b::7f00:1), compatible (::7f00:1).
 */
import { BlockList, isIP, isIPv4 } from 'node:net';

const closed = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10], // carrier-grade NAT; also some clouds' metadata services
  ['127.0.0.0', 8],
  ['169.254.0.0', 16], // link-local: cloud metadata
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24], // 6to4 relays
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3], // multicast, reserved, broadcast
] as const) {
  closed.addSubnet(network, prefix, 'ipv4');
}
for (const [network, prefix] of [
  ['2001::', 23], // Teredo and other special uses
  ['2001:db8::', 32],
  ['2002::', 16], // 6to4: an IPv4 address in disguise
  ['3fff::', 20],
] as const) {
  closed.addSubnet(network, prefix, 'ipv6');
}
const globalUnicast = new BlockList();
globalUnicast.addSubnet('2000::', 3, 'ipv6');

/** Pure. Whether an IP address (without brackets) belongs to the public internet; false for what is no address. */
export const isPublicAddress = (address: string): boolean => {
  if (isIP(address) === 0) return false;
  if (isIPv4(address)) return !closed.check(address, 'ipv4');
  return globalUnicast.check(address, 'ipv6') && !closed.check(address, 'ipv6');
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
