/**
 * One JSON object a line, over a Unix socket: between the processes of a call in the terminal. Either side takes the end of
 * the connection for the end of the other. No SDK in this file.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export type LineChannel<Out, In> = {
  /** Lost when the other side is gone. */
  send(message: Out): void;
  /** One listener; what came before it is kept for it. */
  onMessage(listen: (message: In) => void): void;
  onGone(listen: () => void): void;
  close(): void;
};

function over<Out, In>(socket: Socket): LineChannel<Out, In> {
  const early: In[] = [];
  let listen: ((message: In) => void) | undefined;
  let isGone = false;
  let tellGone = () => {};
  socket.on('error', () => {}); // `close` follows and says all there is to say
  socket.on('close', () => {
    isGone = true;
    tellGone();
  });
  createInterface({ input: socket }).on('line', (line) => {
    const message = JSON.parse(line) as In; // both ends are ours
    if (listen) listen(message);
    else early.push(message);
  });
  return {
    send: (message) => void (socket.writable && socket.write(`${JSON.stringify(message)}\n`)),
    onMessage(given) {
      listen = given;
      for (const message of early.splice(0)) given(message);
    },
    onGone(given) {
      tellGone = given;
      if (isGone) given();
    },
    close: () => void socket.end(),
  };
}

/** *Effect.* Rejects when nobody listens at `path`. */
export const joinChannel = <Out, In>(path: string): Promise<LineChannel<Out, In>> =>
  new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('error', reject);
    socket.once('connect', () => resolve(over<Out, In>(socket)));
  });

export type ChannelServer<Out, In> = {
  /** For the environment of whoever is to connect. */
  readonly path: string;
  onPeer(listen: (channel: LineChannel<Out, In>) => void): void;
  close(): Promise<void>;
};

/** *Effect.* Listens in a new folder that only this user can enter. */
export const openChannel = async <Out, In>(): Promise<ChannelServer<Out, In>> => {
  const folder = await mkdtemp(join(tmpdir(), 'lastword-'));
  const path = join(folder, 's');
  const sockets = new Set<Socket>();
  let listen: (channel: LineChannel<Out, In>) => void = () => {};
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    listen(over<Out, In>(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  return {
    path,
    onPeer: (given) => void (listen = given),
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      await rm(folder, { recursive: true, force: true });
    },
  };
};
