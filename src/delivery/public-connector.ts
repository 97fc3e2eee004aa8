/**
 * Connections to public addresses only. The check runs on the address of the connection, after the name was resolved,
 * so that a name cannot show one address to the check and another to the connection.
 *
 * Apart from addresses.ts, which every job reads: the HTTP client behind this takes 50 ms to import, and a job has no
 * use for it.
 */
import { isIP } from 'node:net';
import { buildConnector } from 'undici';
import { asLookup } from '../rooms/as-lookup.ts';
import { isInsideHost, isPublicAddress, PrivateAddressError } from './addresses.ts';
import { untrustedLookup } from './untrusted-lookup.ts';

const guardedLookup = asLookup(async (hostname) => {
  const found = await untrustedLookup(hostname);
  const open = found.filter(({ address }) => isPublicAddress(address));
  if (open.length === 0) throw new PrivateAddressError(hostname, found[0]?.address ?? 'nothing');
  return open;
});

/** A connector for undici that reaches public addresses only. */
export const publicConnector = (timeoutMs: number): buildConnector.connector => {
  const connect = buildConnector({ timeout: timeoutMs, lookup: guardedLookup });
  return (options, callback) => {
    // A literal address is never looked up, and what the hosts file says is not asked: both are judged here.
    const bare = options.hostname.replace(/^\[|\]$/g, '');
    if (isInsideHost(bare))
      callback(new PrivateAddressError(bare, isIP(bare) === 0 ? 'a host of your own network' : bare), null);
    else connect(options, callback);
  };
};
