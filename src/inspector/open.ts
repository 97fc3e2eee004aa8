/** The inspector put together: token, codes, threads, streams, server. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { ConfigError } from '../errors/config-error.ts';
import { messageOf } from '../errors/thrown.ts';
import { openSecret } from '../link/secret.ts';
import type { Actions } from './act.ts';
import { openCallsFeeds } from './calls-feed.ts';
import { openCodes } from './codes.ts';
import type { InspectorContext } from './context.ts';
import { openWatchers } from './events.ts';
import { readPageFiles } from './files.ts';
import { bracketed, isLoopback, namesOf } from './guard.ts';
import { openReading } from './reading.ts';
import { makeServer } from './serve.ts';
import { openSessionFeeds } from './session-feed.ts';

export const DEFAULT_PORT = 7373;
/** From the default on; a port that was asked for is taken, or nothing. */
const PORTS_TRIED = 20;

export type InspectorOptions = {
  /** LASTWORD_DIR. */
  directory: string;
  /** LASTWORD_STORE. */
  store: string;
  host: string;
  /** Undefined: 7373, or the next one that is free. */
  port: number | undefined;
  actions?: Actions;
  /** Each address that opens the page once. */
  printAddress: (address: string) => void;
  warn: (message: string) => void;
  /** For tests. */
  parts?: Partial<InspectorContext> & { thread?: URL; readMs?: number };
};

export type Inspector = { readonly port: number; close(): Promise<void> };

/** *Effect.* @throws ConfigError when it cannot listen */
export async function openInspector(options: InspectorOptions): Promise<Inspector> {
  const { directory, store, host, warn } = options;
  const { thread, readMs, ...parts } = options.parts ?? {};
  const threadOptions = { ...(thread && { thread }), ...(readMs !== undefined && { readMs }) };
  const replaying = parts.replaying ?? openReading({ directory, store }, threadOptions);
  const following = parts.following ?? openReading({ directory, store }, threadOptions);
  let port = 0;
  const origin = () => `http://${bracketed(reachable(host))}:${port}`;
  const printAddress = (code: string) => options.printAddress(`${origin()}/#code=${code}`);
  const context: InspectorContext = {
    codes: openCodes(),
    token: keptToken(directory, warn),
    printAddress,
    page: readPageFiles(new URL('./page/', import.meta.url)),
    charts: readPageFiles(new URL('./chart/', import.meta.url)),
    sessions: openSessionFeeds(directory, following),
    calls: openCallsFeeds(following),
    watchers: openWatchers(),
    actions: options.actions,
    ...parts,
    replaying,
    following,
  };
  const names = namesOf(host, [...addressesHere(), hostname()]);
  const server = makeServer({ context, listening: () => ({ names, port }), warn });
  try {
    const wanted = options.port ?? DEFAULT_PORT;
    const last = options.port === undefined ? wanted + PORTS_TRIED : wanted;
    for (let tried = wanted; ; tried += 1) {
      try {
        server.listen({ host, port: tried, backlog: 1_024 });
        await once(server, 'listening');
        break;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE' && tried < last) continue;
        throw notListening(error, host, tried, options.port === undefined);
      }
    }
  } catch (error) {
    await Promise.all([replaying.close(), following.close()]);
    throw error;
  }
  port = (server.address() as AddressInfo).port;
  if (!isLoopback(host))
    warn(
      `the inspector listens on ${host}: what callers said crosses the network without encryption; put TLS in front, or use ssh -L`,
    );
  printAddress(context.codes.make());
  return {
    port,
    async close() {
      context.watchers.close();
      context.calls.close();
      server.close();
      server.closeAllConnections();
      await Promise.all([replaying.close(), following.close()]);
    },
  };
}

/** One of these lies in each directory that a keeper has used (keeper/owned-folder.ts). */
const ofKeepers = ['sessions', 'secret', 'lastword.db'];

/**
 * The token of a directory outlives the process, so that pages that are open go on. A look makes no directory ours: in one
 * that no keeper has used, nothing is written, or the first keeper would take it for somebody else's.
 */
function keptToken(directory: string, warn: (message: string) => void): string {
  if (!ofKeepers.some((name) => existsSync(join(directory, name)))) {
    warn(`no keeper has used ${directory} yet: is LASTWORD_DIR right? After a restart, open pages need a new address`);
    return randomBytes(32).toString('hex');
  }
  try {
    return openSecret(directory, 'inspector-token');
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    warn(
      `the token cannot be kept in ${directory} (${messageOf(error)}); pages that are open need a new address after a restart`,
    );
    return randomBytes(32).toString('hex');
  }
}

const addressesHere = (): string[] =>
  Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ address }) => address));

/** Where a browser of this machine finds who listens everywhere. */
const reachable = (host: string): string => (host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host);

const reasons: Record<string, [got: string, advice: string]> = {
  EADDRINUSE: ['one that is taken', 'choose another --port, or leave it out'],
  EACCES: ['one that this user may not have', 'choose a --port above 1023'],
  EADDRNOTAVAIL: [
    'an address that this machine does not have',
    'give --host an address of this machine, or leave it out',
  ],
  ENOTFOUND: ['a name that nobody knows', 'give --host an address of this machine, or leave it out'],
};
function notListening(error: unknown, host: string, port: number, isDefault: boolean): ConfigError {
  const [got, advice] = reasons[(error as NodeJS.ErrnoException).code ?? ''] ?? [messageOf(error), 'choose others'];
  const range = isDefault ? `${DEFAULT_PORT} to ${port}` : String(port);
  return new ConfigError({
    field: '--host, --port',
    expected: 'a place to listen',
    got: `${host} ${range}, ${got}`,
    advice,
    cause: error,
  });
}
