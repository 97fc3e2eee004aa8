/**
 * Names that strangers chose: asked of the name server directly, over sockets and with a short patience, so that they
 * hold no thread however many there are. The hosts file and search domains are passed over: an address found there is
 * none of the public ones, which alone may be connected to.
 */
import type { LookupAddress } from 'node:dns';
import { Resolver } from 'node:dns/promises';

const PATIENCE = { timeout: 2_000, tries: 2 };

/** Rejects with the name server's word when there is no address of either kind. */
export const untrustedLookup = async (hostname: string): Promise<LookupAddress[]> => {
  const resolver = new Resolver(PATIENCE); // a new one reads the system's settings as they are now
  const [four, six] = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
  const found = [
    ...(four.status === 'fulfilled' ? four.value.map((address) => ({ address, family: 4 })) : []),
    ...(six.status === 'fulfilled' ? six.value.map((address) => ({ address, family: 6 })) : []),
  ];
  if (found.length === 0 && four.status === 'rejected') throw four.reason;
  return found;
};
