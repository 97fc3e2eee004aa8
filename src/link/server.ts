/**
 * The keeper's end of the link: a Unix socket, and one peer for each worker or job that is connected.
 *
 * It owns the socket file and the peers. It knows no session: what a message means is the keeper's business.
 *
 *   S1  Whoever sends what is no message, or reads so slowly that 4 MiB wait for it, is disconnected; nobody else is.
 *   S2  `onClose` of a peer is called exactly once, after its last `onMessage`.
 *   S3  The socket is open to its owner alone from the first moment: it carries secrets.
 */
import { unlink } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import type { Logger } from 'pino';
import type { FromKeeper, ToKeeper } from './messages.ts';
import { makeSocketFolder } from './path.ts';
import { encode, parseToKeeper, readLines } from './wire.ts';

const MAX_WAITING_BYTES = 4 * 1_048_576;
/** Who connects and says nothing for so long is no peer of ours. */
const HELLO_MS = 5_000;
const PROBE_MS = 1_000;

export type Peer = {
  /** Counts up from 1; for logs. */
  readonly id: number;
  /** Never throws; what is sent to a peer that has gone is lost, and `onClose` tells of it. */
  send(message: FromKeeper): void;
  close(): void;
};
export type PeerHandler = { onMessage(message: ToKeeper): void; onClose(): void };
export type LinkServer = {
  readonly path: string;
  /** Disconnects every peer and removes the socket. */
  close(): Promise<void>;
};

/** Somebody listens on this path already. */
export class LinkInUseError extends Error {
  override name = 'LinkInUseError';
  constructor(path: string) {
    super(
      `a keeper already listens on ${path}; expected none. Stop it first, or set LASTWORD_DIR to another directory.`,
    );
  }
}

/** Does anybody listen there? The kernel accepts for a process that is frozen, too: that counts as somebody. */
export const isListening = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(path);
    const settle = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(PROBE_MS, () => settle(true));
    socket.once('connect', () => settle(true));
    // Refused: its process is dead. Any other trouble (EAGAIN: a full backlog) means that somebody is behind it.
    socket.once('error', ({ code }: NodeJS.ErrnoException) => settle(code !== 'ECONNREFUSED' && code !== 'ENOENT'));
  });

/**
 * *Effect.* Listens on a Unix socket. A socket file that a dead keeper left behind is replaced.
 * @param options.onPeer called for each connection; the handler that it returns gets what this peer says
 * @throws LinkInUseError when another process listens there
 */
export async function listen(options: {
  path: string;
  onPeer: (peer: Peer) => PeerHandler;
  log?: Logger;
}): Promise<LinkServer> {
  const { path, onPeer, log } = options;
  await makeSocketFolder(path);
  if (await isListening(path)) throw new LinkInUseError(path);
  await unlink(path).catch(() => undefined);

  const sockets = new Set<Socket>();
  let lastId = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    const id = ++lastId;
    const peer: Peer = {
      id,
      send: (message) => {
        if (socket.destroyed) return;
        socket.write(encode(message));
        if (socket.writableLength > MAX_WAITING_BYTES) refuse('reads too slowly'); // S1
      },
      close: () => socket.end(),
    };
    const refuse = (problem: string) => {
      log?.warn({ peer: id, problem }, 'peer disconnected');
      socket.destroy();
    };
    const handler = onPeer(peer);
    const silent = setTimeout(() => refuse(`no hello in ${HELLO_MS} ms`), HELLO_MS).unref();
    readLines(socket, {
      onLine: (line) => {
        const parsed = parseToKeeper(line);
        if (!parsed.ok) return refuse(parsed.problem);
        clearTimeout(silent);
        const { message } = parsed;
        if (message.type === 'hello.worker' || message.type === 'hello.job') peer.send({ type: 'welcome' });
        handler.onMessage(message);
      },
      onProblem: refuse,
    });
    socket.on('error', (error) => log?.debug({ peer: id, error: error.message }, 'peer failed')); // `close` follows
    socket.once('close', () => {
      clearTimeout(silent);
      sockets.delete(socket);
      handler.onClose(); // S2
    });
  });

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    const before = process.umask(0o177); // S3: bind() happens inside listen(), before it returns
    try {
      server.listen(path, resolve);
    } finally {
      process.umask(before);
    }
  });
  // Out of file descriptors, for one: whoever could not connect tries again, and the calls of the others go on.
  server.on('error', (error) => log?.error({ err: error }, 'a connection could not be accepted'));
  return {
    path,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
