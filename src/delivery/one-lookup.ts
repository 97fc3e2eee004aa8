/**
 * Names for configured receivers, by the system's own rules (hosts file, search domains), one question at a time for each
 * name: a question holds a thread until it is answered or given up, which may take half a minute, and a receiver whose
 * name server is dead must not take the threads of all others.
 */
import { lookup, type LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';

type Answer = { error: NodeJS.ErrnoException | null; found: LookupAddress[] };
const asked = new Map<string, Promise<Answer>>();

const ask = (hostname: string): Promise<Answer> => {
  const known = asked.get(hostname);
  if (known) return known;
  const answer = new Promise<Answer>((resolve) =>
    lookup(hostname, { all: true }, (error, found) => resolve({ error, found })),
  );
  asked.set(hostname, answer);
  void answer.then(() => asked.delete(hostname));
  return answer;
};

/** As `dns.lookup`. */
export const oneLookup: LookupFunction = (hostname, options, callback) => {
  void ask(hostname).then(({ error, found }) => {
    const family = options.family === 4 || options.family === 6 ? options.family : undefined;
    const fitting = found?.filter((one) => family === undefined || one.family === family) ?? [];
    const [first] = fitting;
    if (error !== null || first === undefined)
      callback(error ?? Object.assign(new Error(`no address for ${hostname}`), { code: 'ENOTFOUND' }), '', 0);
    else if (options.all === true) callback(null, fitting);
    else callback(null, first.address, first.family);
  });
};
