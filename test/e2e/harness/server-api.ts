/** A door before the test's server: calls and their signalling pass, its server API can be away. */
import { createServer, request, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import type { LiveKitAddress } from './server.ts';

export type Door = LiveKitAddress & {
  /** What the server API answers to everything; undefined: what the server says. */
  refusal: 401 | 503 | undefined;
  /** Nobody is let in any more, by whatever way. */
  isShut: boolean;
  /** Methods of the server API that were asked for, refused ones too. */
  readonly asked: readonly string[];
  /** Ends every web socket that is open, without a word; new ones are let in. */
  cut(): void;
  /** Workers lose their connection, and get none until `false`. Calls go on. */
  shutToWorkers(isShut: boolean): void;
  [Symbol.asyncDispose](): Promise<void>;
};

export async function openDoor(server: LiveKitAddress): Promise<Door> {
  const { hostname, port } = new URL(server.url);
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const workers = new Set<Socket>();
  let isShutToWorkers = false;
  const door = createServer((incoming, outgoing) => {
    if (opened.isShut) return void incoming.destroy();
    const method = incoming.url?.split('/twirp/livekit.RoomService/')[1];
    if (method !== undefined) asked.push(method);
    if (method !== undefined && opened.refusal !== undefined) {
      incoming.resume();
      outgoing
        .writeHead(opened.refusal, { 'content-type': 'application/json' })
        .end('{"code":"unavailable","msg":"planted"}');
      return;
    }
    const { method: verb, url: path, headers } = incoming;
    const onward = request({ hostname, port, method: verb, path, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  });
  // Web sockets: the bytes of the request, and then whatever comes.
  door.on('upgrade', (incoming: IncomingMessage, near: Socket, head: Buffer) => {
    if (opened.isShut) return void near.destroy();
    const isWorker = /^\/agent\b/.test(incoming.url ?? '');
    if (isWorker && isShutToWorkers) return near.destroy();
    if (isWorker) workers.add(near);
    const far = connect(Number(port), hostname, () => {
      const lines = [`${incoming.method} ${incoming.url} HTTP/1.1`];
      for (let at = 0; at < incoming.rawHeaders.length; at += 2)
        lines.push(`${incoming.rawHeaders[at]}: ${incoming.rawHeaders[at + 1]}`);
      far.write(`${lines.join('\r\n')}\r\n\r\n`);
      far.write(head);
      far.pipe(near).pipe(far);
    });
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        workers.delete(socket);
        other.destroy();
      });
    }
  });
  door.listen(0, '127.0.0.1');
  await once(door, 'listening');
  const opened: Door = {
    url: `ws://127.0.0.1:${(door.address() as AddressInfo).port}`,
    apiKey: server.apiKey,
    apiSecret: server.apiSecret,
    refusal: undefined,
    isShut: false,
    asked,
    cut: () => {
      for (const socket of sockets) socket.destroy();
    },
    shutToWorkers(isShut) {
      isShutToWorkers = isShut;
      if (isShut) for (const socket of workers) socket.destroy();
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      door.closeAllConnections();
      await new Promise((resolve) => door.close(resolve));
    },
  };
  return opened;
}
