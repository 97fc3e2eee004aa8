/**
 * Names for configured receivers, by the system's own rules (hosts file, search domains), one question at a time for each
 * name: a question holds a thread until it is answered or given up, which may take half a minute, and a receiver whose
 * name server is dead must not take the threads of all others.
 */
import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { asLookup } from '../rooms/as-lookup.ts';

/** As `dns.lookup`. */
export function oneLookup() {
  const asked = new Map<string, Promise<LookupAddress[]>>();
  return asLookup((hostname) => {
    const known = asked.get(hostname);
    if (known) return known;
    const answer = lookup(hostname, { all: true }).finally(() => asked.delete(hostname));
    asked.set(hostname, answer);
    return answer;
  });
}
