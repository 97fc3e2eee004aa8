/**
 * Between `npm start` and the terminal's host: what the user types goes down, what becomes of the job comes up. One JSON
 * object a line, over a Unix socket in a folder of its own, because the keeper stands between the two processes.
 *
 * Either side takes the end of the connection for the end of the other.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Destination } from '../link/destination.ts';
import type { TerminalSound } from '../livekit/terminal/sound.ts';
import type { TerminalMessage } from '../livekit/terminal/terminal-venue.ts';
import type { SessionId } from '../journal/ids.ts';

/** The environment variable that tells the host where to connect. */
export const CHANNEL = 'LASTWORD_TERMINAL_SOCKET';

/** What the host needs to be a worker of one call. Secrets are in it, so it is no environment variable. */
export type Begin = {
  type: 'begin';
  session: SessionId;
  /** Compiled; its default export is the session. */
  agentFile: string;
  /** For the job, on top of the host's own. */
  environment: Record<string, string>;
  reports: Destination[];
  /** Where the job's output goes. */
  logFile: string;
};
export type ToHost =
  | Begin
  | { type: 'caller'; does: TerminalMessage['value'] }
  /** SIGKILL for the job. */
  | { type: 'kill' };
export type FromHost =
  | { type: 'over'; code: number | null; signal: string | null }
  | { type: 'failed'; why: string }
  | { type: 'heard'; sound: TerminalSound['value'] };

export type DemoChannel<Out, In> = {
  /** Lost when the other side is gone. */
  send(message: Out): void;
  /** One listener; what came before it is kept for it. */
  onMessage(listen: (message: In) => void): void;
  onGone(listen: () => void): void;
  close(): void;
};

function over<Out, In>(socket: Socket): DemoChannel<Out, In> {
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
    const message = JSON.parse(line) as In; // both ends are this file
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

export type HostChannel = DemoChannel<FromHost, ToHost>;

/** *Effect.* The host's side. Rejects when nobody listens at `path`. */
export const joinChannel = (path: string): Promise<HostChannel> =>
  new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('error', reject);
    socket.once('connect', () => resolve(over<FromHost, ToHost>(socket)));
  });

export type Terminal = {
  /** For the environment of the host. */
  readonly path: string;
  /** Called for each host; a second one means that the first has died. */
  onHost(listen: (channel: DemoChannel<ToHost, FromHost>) => void): void;
  close(): Promise<void>;
};

/** *Effect.* The terminal's side: listens in a new folder that only this user can enter. */
export const openTerminal = async (): Promise<Terminal> => {
  const folder = await mkdtemp(join(tmpdir(), 'lastword-'));
  const path = join(folder, 's');
  const sockets = new Set<Socket>();
  let listen: (channel: DemoChannel<ToHost, FromHost>) => void = () => {};
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    listen(over<ToHost, FromHost>(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  return {
    path,
    onHost: (given) => void (listen = given),
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      await rm(folder, { recursive: true, force: true });
    },
  };
};
