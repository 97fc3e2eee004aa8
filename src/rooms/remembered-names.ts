/**
 * Where LiveKit is, also while no name can be asked for: a caller who has to be let go cannot wait for a name server, nor
 * for a thread of the pool that files and names share. Each request asks anew, for a short while; without an answer the
 * last one counts.
 *
 * Of this process as a whole: LiveKit's server SDK makes its requests with the global `fetch`.
 */
import type { LookupAddress } from 'node:dns';
import { lookup, Resolver } from 'node:dns/promises';
import { isIP } from 'node:net';
import { Agent, setGlobalDispatcher } from 'undici';
import { asLookup } from './as-lookup.ts';

/** A name server nearby answers within some milliseconds; a request to LiveKit has 1,000. */
const PATIENCE_MS = 200;
/** Of a name that was never known: the name server is asked directly, too, without a thread. */
const DIRECT = { timeout: 400, tries: 2 };
const CONNECT_MS = 5_000;

export type FindAddresses = (hostname: string) => Promise<LookupAddress[]>;

const bySystem: FindAddresses = (hostname) => lookup(hostname, { all: true });
const directly: FindAddresses = async (hostname) =>
  (await new Resolver(DIRECT).resolve4(hostname)).map((address) => ({ address, family: 4 }));

/** *Effect.* A lookup that remembers. The asking functions are for tests. */
export function rememberedLookup(
  system: FindAddresses = bySystem,
  direct: FindAddresses = directly,
  patienceMs = PATIENCE_MS,
) {
  const known = new Map<string, LookupAddress[]>();
  const asking = new Map<string, Promise<LookupAddress[]>>();
  const ask = (hostname: string): Promise<LookupAddress[]> => {
    let answer = asking.get(hostname);
    if (!answer) {
      answer = system(hostname).finally(() => asking.delete(hostname));
      asking.set(hostname, answer);
      answer.then(
        (found) => void (found.length > 0 && known.set(hostname, found)),
        () => undefined,
      );
    }
    return answer;
  };
  const late = (): Promise<undefined> =>
    new Promise((resolve) => void setTimeout(() => resolve(undefined), patienceMs));
  return async (hostname: string): Promise<LookupAddress[]> => {
    const answer = ask(hostname);
    const remembered = known.get(hostname);
    if (!remembered) return await Promise.any([answer, direct(hostname)]).catch(() => answer);
    const found = await Promise.race([answer.catch(() => undefined), late()]);
    return found && found.length > 0 ? found : remembered;
  };
}

/**
 * *Effect.* From here on, every `fetch` of this process.
 * @returns learns where the host of a URL is, before it is needed
 */
export function rememberNames(): (url: string) => void {
  const find = rememberedLookup();
  setGlobalDispatcher(new Agent({ connect: { timeout: CONNECT_MS, lookup: asLookup(find) } }));
  return (url) => {
    const { hostname } = URL.canParse(url) ? new URL(url) : { hostname: '' };
    if (hostname !== '' && isIP(hostname.replace(/^\[|\]$/g, '')) === 0) find(hostname).catch(() => undefined);
  };
}
