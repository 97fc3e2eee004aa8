/**
 * Connections to public addresses only. The check runs on the address of the connection, after the name was resolved,
 * so that a name cannot show one address to the check and another to the connection.
 *
 * Apart from addresses.ts, which every job reads: the HTTP client behind this takes 50 ms to import, and a job has no
 * use for it.
 */
import { isIP } from 'node:net';
import type { LookupFunction } from 'node:net';
import { buildConnector } from 'undici';
import { isInsideHost, isPublicAddress, PrivateAddressError } from './addresses.ts';
import { untrustedLookup } from './untrusted-lookup.ts';

const guardedLookup: LookupFunction = (hostname, options, callback) => {
  untrustedLookup(hostname).then(
    (found) => {
      const open = found.filter(({ address }) => isPublicAddress(address));
      const [chosen] = open;
      if (chosen === undefined) callback(new PrivateAddressError(hostname, found[0]?.address ?? 'nothing'), '', 0);
      else if (options.all === true) callback(null, open);
      else callback(null, chosen.address, chosen.family);
    },
    (error: NodeJS.ErrnoException) => callback(error, '', 0),
  );
};

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
