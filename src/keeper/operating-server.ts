/**
 * `/healthz`, `/readyz` and `/metrics` of the keeper, on loopback: counts, and nothing of any call.
 *
 *   O1  It answers out of memory; the store is asked behind it, with a deadline, and at most each STORE_MS.
 *   O2  Whoever floods it is refused; it has a few connections, and the keeper's loop has no others to carry.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { ConfigError } from '../errors/config-error.ts';
import { messageOf } from '../errors/thrown.ts';
import type { Store } from '../store/store.ts';
import { settledWithin } from '../waiting/deadline.ts';
import { EXPOSITION_TYPE, expositionOf } from './exposition.ts';
import type { KeeperCounts } from './keeper-counts.ts';
import { type Gauges, metricsOf } from './metrics.ts';

const STORE_MS = 5_000;
const STORE_ANSWER_MS = 1_000;
/** One that is fine enough to see 2 ms, and costs a wake-up of the loop each time. */
const DELAY_RESOLUTION_MS = 10;
const MOST_CONNECTIONS = 16;
const NANO = 1e6;

export type OperatingOptions = {
  port: number;
  counts: KeeperCounts;
  store: Pick<Store, 'owedByName' | 'oldestOwed'>;
  /** What is known without asking anybody. */
  known: () => Pick<Gauges, 'version' | 'isWorkerHere' | 'stages' | 'lostLines'>;
  /** Why no calls are taken now; undefined: they are. */
  unready: () => string | undefined;
};
export type OperatingServer = { readonly port: number; close(): void };

/** *Effect.* @throws ConfigError when the port cannot be had */
export async function openOperating(options: OperatingOptions): Promise<OperatingServer> {
  const { port, counts, store, known, unready } = options;
  const delay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });
  delay.enable();
  const startedAt = Date.now() - performance.now();
  let owed: { at: number; answer: Promise<Gauges['owed']> } | undefined;

  const askStore = async (): Promise<Gauges['owed']> => {
    const asked = await settledWithin(Promise.all([store.owedByName(), store.oldestOwed()]), STORE_ANSWER_MS);
    if (asked.kind !== 'settled') return undefined;
    const [byName, oldest] = asked.value;
    const rows = Object.values(byName).reduce((sum, count) => sum + count, 0);
    return { rows, oldestMs: oldest === undefined ? undefined : Math.max(0, Date.now() - oldest) };
  };
  const owedNow = (): Promise<Gauges['owed']> => {
    if (!owed || performance.now() - owed.at > STORE_MS) owed = { at: performance.now(), answer: askStore() }; // O1
    return owed.answer;
  };
  const loopDelay = (): Gauges['loopDelay'] => {
    // It measures from tick to tick: what a tick takes anyway is taken off.
    const late = (nanoseconds: number) =>
      Number.isFinite(nanoseconds) ? Math.max(0, nanoseconds / NANO - DELAY_RESOLUTION_MS) : 0;
    const told = { median: late(delay.percentile(50)), p99: late(delay.percentile(99)), longest: late(delay.max) };
    delay.reset();
    return told;
  };
  const metrics = async (): Promise<string> => {
    const { user, system } = process.cpuUsage();
    const gauges: Gauges = {
      ...known(),
      owed: await owedNow(),
      loopDelay: loopDelay(),
      memoryBytes: process.memoryUsage.rss(),
      cpuSeconds: (user + system) / 1e6,
      startedAt,
    };
    return expositionOf(metricsOf(counts, gauges));
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const send = (status: number, text: string, type = 'text/plain; charset=utf-8') => {
      response.writeHead(status, {
        'content-type': type,
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
      });
      response.end(request.method === 'HEAD' ? undefined : text);
    };
    if (request.method !== 'GET' && request.method !== 'HEAD') return send(405, 'expected GET\n');
    const [path] = (request.url ?? '').split('?');
    if (path === '/healthz') return send(200, 'the keeper answers\n');
    if (path === '/readyz') {
      const why = unready();
      return send(why === undefined ? 200 : 503, `${why ?? 'calls are taken'}\n`);
    }
    if (path === '/metrics') return send(200, await metrics(), EXPOSITION_TYPE);
    return send(404, 'expected /healthz, /readyz or /metrics\n');
  };
  const server = createServer(
    { headersTimeout: 5_000, requestTimeout: 5_000, keepAliveTimeout: 30_000 },
    (request, response) => {
      void answer(request, response).catch(() => response.destroy());
    },
  );
  server.maxConnections = MOST_CONNECTIONS; // O2
  server.unref();
  await listening(server, port);
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      delay.disable();
      server.close();
      server.closeAllConnections();
    },
  };
}

async function listening(server: Server, port: number): Promise<void> {
  try {
    server.listen({ host: '127.0.0.1', port });
    await once(server, 'listening');
  } catch (error) {
    const isTaken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
    throw new ConfigError({
      field: '--metrics-port',
      expected: 'a port of 127.0.0.1 that can be had',
      got: `${port}, ${isTaken ? 'which is taken' : messageOf(error)}`,
      advice: 'choose another one, or leave it out',
      cause: error,
    });
  }
}
