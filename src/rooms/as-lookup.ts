import type { LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';

/** *Pure.* A way to find all addresses of a name, as the lookup that connections ask: of the wanted family, one or all. */
export const asLookup =
  (find: (hostname: string) => Promise<LookupAddress[]>): LookupFunction =>
  (hostname, options, callback) => {
    find(hostname).then(
      (found) => {
        const isWanted = ({ family }: LookupAddress) =>
          (options.family !== 4 && options.family !== 6) || family === options.family;
        const fitting = found.filter(isWanted);
        const [first] = fitting;
        if (!first) callback(Object.assign(new Error(`no address for ${hostname}`), { code: 'ENOTFOUND' }), '', 0);
        else if (options.all === true) callback(null, fitting);
        else callback(null, first.address, first.family);
      },
      (error: NodeJS.ErrnoException) => callback(error, '', 0),
    );
  };
