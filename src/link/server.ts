/**
 * The keeper's end of the link: a Unix socket, and one peer for each worker or job that is connected.
 *
 * It owns the socket file and the peers. It knows no session: what a message means is the keeper's business.
 *
 *   S1  Whoever sends what is no message, or reads so slowly that 4 MiB wait for it, is disconnected; nobody else is.
 *   S2  `onClose` of a peer is called exactly once, after its last `onMessage`.
 *   S4  A socket file that is removed or replaced (a cleaned temporary folder) is made again within a second.
 *   S3  The socket is open to its owner alone from the first moment: it carries secrets.
 */
import { unlink } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import type { Logger } from 'pino';
import type { Admission } from './admission.ts';
import { isListening } from './listening.ts';
import type { FromKeeper, ToKeeper } from './messages.ts';
import { makeSocketFolder } from './path.ts';
import { fileAt, watchPath } from './watch-path.ts';
import { encode, parseToKeeper, readLines } from './wire.ts';

const MAX_WAITING_BYTES = 4 * 1_048_576;
/** Who connects and says nothing for so long is no peer of ours. */
const HELLO_MS = 5_000;
/** Who is refused gets so long to read why. */
const FAREWELL_MS = 1_000;
/** See `isReachable`. */
const RETURN_MS = 5_000;

export type Peer = {
  /** Counts up from 1; for logs. */
  readonly id: number;
  /** Never throws; what is sent to a peer that has gone is lost, and `onClose` tells of it. */
  send(message: FromKeeper): void;
  close(): void;
};
export type PeerHandler = {
  onMessage(message: ToKeeper): void;
  onClose(): void;
  /** It may not say this; it is told why, and disconnected. */
  onRefused?(message: ToKeeper): void;
};
export type LinkServer = {
  readonly path: string;
  /**
   * Could whoever lost its connection have come back by now? False while the socket is not to be found or no connection
   * can be taken, and for 5 s after that: they try again every 2 s, and have to say who they are.
   */
  readonly isReachable: boolean;
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

/**
 * *Effect.* Listens on a Unix socket. A socket file that a dead keeper left behind is replaced.
 * @param options.onPeer called for each connection; the handler that it returns gets what this peer says
 * @param options.admission who may say what; everybody may say everything without it
 * @throws LinkInUseError when another process listens there; ConfigError when the folder is not ours
 */
export async function listen(options: {
  path: string;
  onPeer: (peer: Peer) => PeerHandler;
  admission?: Admission;
  log?: Logger;
}): Promise<LinkServer> {
  const { path, onPeer, admission, log } = options;
  await makeSocketFolder(path);
  if (await isListening(path)) throw new LinkInUseError(path);
  await unlink(path).catch(() => undefined);

  const sockets = new Set<Socket>();
  let lastId = 0;
  const onSocket = (socket: Socket) => {
    sockets.add(socket);
    const id = ++lastId;
    let isRefused = false;
    const peer: Peer = {
      id,
      send: (message) => {
        if (socket.destroyed || isRefused) return;
        socket.write(encode(message));
        if (socket.writableLength <= MAX_WAITING_BYTES) return;
        log?.warn({ peer: id, problem: 'reads too slowly' }, 'peer disconnected');
        socket.destroy(); // S1
      },
      close: () => socket.end(),
    };
    /** It hears why; what it says afterwards is not read. */
    const refuse = (why: string) => {
      if (isRefused) return;
      log?.warn({ peer: id, problem: why }, 'peer disconnected');
      peer.send({ type: 'refused', why });
      isRefused = true;
      socket.destroySoon();
      setTimeout(() => socket.destroy(), FAREWELL_MS).unref();
    };
    const handler = onPeer(peer);
    const admitted = admission?.peer();
    const silent = setTimeout(() => refuse(`expected a hello within ${HELLO_MS} ms, got none`), HELLO_MS).unref();
    readLines(socket, {
      onLine: (line) => {
        if (isRefused) return;
        const parsed = parseToKeeper(line);
        if (!parsed.ok) return refuse(parsed.problem);
        const { message } = parsed;
        const why = admitted?.refusal(message);
        if (why !== undefined) {
          handler.onRefused?.(message);
          return refuse(why);
        }
        clearTimeout(silent);
        if (message.type.startsWith('hello.')) peer.send({ type: 'welcome' });
        try {
          handler.onMessage(message);
        } catch (error) {
          log?.error({ err: error, type: message.type }, 'a message could not be handled');
          refuse(`expected a ${message.type} that can be handled, got one that cannot; the log of the keeper says why`);
        }
      },
      onProblem: refuse,
    });
    socket.on('error', (error) => log?.debug({ peer: id, error: error.message }, 'peer failed')); // `close` follows
    socket.once('close', () => {
      clearTimeout(silent);
      sockets.delete(socket);
      admitted?.gone();
      handler.onClose(); // S2
    });
  };

  let shutAt = -Infinity;
  const onShut = () => (shutAt = performance.now());
  let door = await openDoor(path, onSocket, onShut, log);
  let isClosed = false;
  const watch = watchPath({
    path,
    onShut,
    ours: () => door.file,
    log,
    async reopen() {
      // Closing removes whatever lies at the path, so it comes first. Who is connected stays connected.
      door.server.close();
      await makeSocketFolder(path);
      await unlink(path).catch(() => undefined);
      if (isClosed) return;
      door = await openDoor(path, onSocket, onShut, log);
      if (isClosed) door.server.close();
    },
  });
  return {
    path,
    get isReachable() {
      return performance.now() - shutAt > RETURN_MS;
    },
    close: () =>
      new Promise((resolve) => {
        isClosed = true;
        watch.stop();
        door.server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

type Door = { server: Server; file: string | undefined };

async function openDoor(
  path: string,
  onSocket: (socket: Socket) => void,
  onShut: () => void,
  log?: Logger,
): Promise<Door> {
  const server = createServer(onSocket);
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
  server.on('error', (error) => {
    onShut();
    log?.error({ err: error }, 'a connection could not be accepted');
  });
  return { server, file: fileAt(path) };
}
