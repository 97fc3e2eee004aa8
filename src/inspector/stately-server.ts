/**
 * Stately's inspector for calls of this machine: a WebSocket that speaks its format, and a page that hands what comes to
 * the hosted inspector in the browser of whoever is online. The package's own server listens everywhere and asks nobody
 * who they are; this one is on loopback, and a code is part of the address.
 *
 *   W1  Who connects gets everything from the beginning, in order: a chart without its actors is empty.
 *   W2  What waits is bounded, for the process and for each who connects; who does not read is let go.
 */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import { messageOf } from '../errors/thrown.ts';
import { checkHost, checkOrigin, namesOf } from './guard.ts';
import { RequestProblem } from './problem.ts';
import type { StatelyMessage } from './stately.ts';

const HOST = '127.0.0.1';
const HOSTED = 'https://stately.ai';
const MOST_MESSAGES = 50_000;
const MOST_WATCHERS = 20;
/** Of one watcher, unread. */
const UNREAD_BYTES = 16 * 1024 * 1024;

const script = `
const frame = document.querySelector('iframe');
const waiting = [];
let isThere = false;
const pass = (message) => frame.contentWindow.postMessage(message, '${HOSTED}');
addEventListener('message', ({ origin, data }) => {
  if (origin !== '${HOSTED}' || data?.type !== '@statelyai.connected') return;
  isThere = true;
  for (const message of waiting.splice(0)) pass(message);
});
const socket = new WebSocket('ws://' + location.host + '/' + location.hash.slice(1));
socket.onmessage = ({ data }) => (isThere ? pass(JSON.parse(data)) : waiting.push(JSON.parse(data)));
`;
const style = 'html,body{margin:0;height:100%}iframe{width:100%;height:100%;border:0}';
const page = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Lastword, in Stately's inspector</title><style>${style}</style>
<iframe title="Stately inspector" src="${HOSTED}/inspect"></iframe><script>${script}</script></html>`;
const hashOf = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
const headers = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': `default-src 'none'; script-src ${hashOf(script)}; style-src ${hashOf(style)}; frame-src ${HOSTED}; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
};

export type StatelyServer = {
  /** For a browser. */
  readonly page: string;
  /** For `createWebSocketReceiver({ server })`. */
  readonly socket: string;
  send(message: StatelyMessage): void;
  close(): Promise<void>;
};

/** *Effect.* @param port 0: any */
export async function openStatelyServer({ port }: { port: number }): Promise<StatelyServer> {
  const code = randomBytes(16).toString('hex');
  const sent: string[] = [];
  const names = namesOf(HOST, []);
  const listening = () => ({ names, port: (server.address() as AddressInfo).port });
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    try {
      checkHost(request.headers, listening());
      const isPage = request.method === 'GET' && request.url === '/';
      response.writeHead(isPage ? 200 : 404, headers).end(isPage ? page : '');
    } catch (error) {
      response.writeHead(error instanceof RequestProblem ? error.status : 500).end(messageOf(error));
    }
  };
  const server = createServer({ maxHeaderSize: 8_192, headersTimeout: 5_000, requestTimeout: 5_000 }, answer);
  const sockets = new WebSocketServer({ noServer: true, maxPayload: 1_024 });
  const pass = (socket: WebSocket, text: string) => {
    if (socket.bufferedAmount > UNREAD_BYTES) socket.terminate(); // W2
    else socket.send(text);
  };
  server.on('upgrade', (request, socket, head) => {
    try {
      checkHost(request.headers, listening());
      checkOrigin(request.headers, listening());
      if (request.url !== `/${code}` || sockets.clients.size >= MOST_WATCHERS) throw new Error('not here');
    } catch {
      socket.end('HTTP/1.1 403 Forbidden\r\nconnection: close\r\n\r\n');
      return;
    }
    sockets.handleUpgrade(request, socket, head, (client) => {
      client.on('error', () => client.terminate());
      for (const text of sent) pass(client, text); // W1
    });
  });
  server.listen(port, HOST);
  await once(server, 'listening');
  const host = `${HOST}:${listening().port}`;
  return {
    page: `http://${host}/#${code}`,
    socket: `ws://${host}/${code}`,
    send(message) {
      const text = JSON.stringify(message);
      if (sent.length < MOST_MESSAGES) sent.push(text); // who comes later than that misses what came in between
      for (const client of sockets.clients) if (client.readyState === WebSocket.OPEN) pass(client, text);
    },
    async close() {
      for (const client of sockets.clients) client.terminate();
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}
