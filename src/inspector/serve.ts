/**
 * The inspector's server. It reads what others wrote, and holds none of them: whatever is asked of it has a size, a time
 * and a number that it does not exceed.
 *
 *   S1  A request is read within REQUEST_MS, its head within HEAD_MS; a connection that says nothing is closed.
 *   S2  Each answer carries the same security headers, a refusal as well.
 *   S3  What goes wrong in one request ends that request.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { messageOf } from '../errors/thrown.ts';
import { isSameToken } from '../link/secret.ts';
import type { Handler, InspectorContext } from './context.ts';
import { checkHost, checkOrigin, type ListeningAs, securityHeaders, tokenIn } from './guard.ts';
import { RequestProblem } from './problem.ts';
import { sendProblem } from './request.ts';
import { routeTable } from './route-table.ts';
import { routeOf } from './routes.ts';

const HEAD_MS = 10_000;
const REQUEST_MS = 15_000;
const IDLE_MS = 5_000;
const HEAD_BYTES = 16_384;
/** Watchers, and the requests of their pages. */
const MOST_CONNECTIONS = 3_000;

export type ServeOptions = {
  context: InspectorContext;
  /** Known when it listens. */
  listening: () => ListeningAs;
  warn: (message: string) => void;
  routes?: typeof routeTable;
};

const unread: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 PageRequest Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 PageRequest Timeout',
};

/** *Effect.* Not listening yet. */
export function makeServer(options: ServeOptions): Server {
  const server = createServer(
    {
      headersTimeout: HEAD_MS,
      requestTimeout: REQUEST_MS,
      keepAliveTimeout: IDLE_MS,
      maxHeaderSize: HEAD_BYTES,
      connectionsCheckingInterval: 2_000,
    },
    (raw, response) => void answer(raw, response, options),
  ); // S1
  server.maxConnections = MOST_CONNECTIONS;
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const status = unread[error.code ?? ''] ?? '400 Bad PageRequest';
    if (socket.writable) socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\n\r\n`);
    else socket.destroy();
  });
  return server;
}

async function answer(raw: IncomingMessage, response: ServerResponse, options: ServeOptions): Promise<void> {
  const { context, listening, warn, routes = routeTable } = options;
  raw.on('error', () => undefined);
  response.on('error', () => undefined);
  for (const [name, value] of Object.entries(securityHeaders)) response.setHeader(name, value); // S2
  try {
    checkHost(raw.headers, listening());
    const { route, parts, query } = routeOf<Handler>(routes, raw.method, raw.url ?? '');
    if (route.path.startsWith('/api/')) checkOrigin(raw.headers, listening());
    if (route.isGuarded && !isSameToken(context.token, tokenIn(raw.headers)))
      throw new RequestProblem(
        401,
        'Authorization: expected the token of this inspector, got another one; open the address that stands in its terminal',
        {
          'www-authenticate': 'Bearer',
        },
      );
    await route.handle({ raw, parts, query, response }, context);
  } catch (error) {
    if (error instanceof RequestProblem) return sendProblem(response, error);
    if (raw.destroyed || response.destroyed) return; // whoever asked is gone
    warn(`a request failed: ${messageOf(error)}`); // S3
    sendProblem(
      response,
      new RequestProblem(500, 'this should not happen; the terminal of the inspector has the reason'),
    );
  }
}
