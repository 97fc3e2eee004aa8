/**
 * PostgreSQL and Redis for the peers, each with a folder of its own and as durable as it is by default: PostgreSQL flushes
 * every commit, Redis appends to its log and flushes once a second. What is not installed is not had, and said.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { createServer, connect, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const START_MS = 15_000;
const END_MS = 10_000;
const DEBIAN = '/usr/lib/postgresql';

export type PeerServer = {
  /** Of a database that nobody has used. */
  fresh(): string;
  stop(): Promise<void>;
};

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
};
const listens = async (port: number): Promise<void> => {
  for (const until = performance.now() + START_MS; ; await pause(50)) {
    const socket = connect(port, '127.0.0.1');
    const isThere = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    socket.destroy();
    if (isThere) return;
    if (performance.now() > until) throw new Error(`nobody listens on port ${port} after ${START_MS} ms`);
  }
};
const stopper = (child: ChildProcess) => async () => {
  const ended = once(child, 'exit');
  child.kill('SIGINT');
  await Promise.race([ended, pause(END_MS, undefined, { ref: false })]);
  child.kill('SIGKILL');
};

/** PostgreSQL refuses to run as root; Debian's package brings a user for it. */
const userOfPostgres = (): { uid: number; gid: number } | undefined => {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
};

/** @throws Error: it is not installed, or does not start */
export async function startPostgres(scratch: string): Promise<PeerServer> {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).toSorted() : [];
  const tools = versions.length > 0 ? join(DEBIAN, versions.at(-1) ?? '', 'bin') : '';
  const user = userOfPostgres();
  const folder = join(scratch, 'postgres');
  mkdirSync(folder);
  if (user) chownSync(folder, user.uid, user.gid);
  const data = join(folder, 'data');
  const options = { stdio: 'ignore', cwd: folder, ...user } as const;
  execFileSync(join(tools, 'initdb'), ['-D', data, '-U', 'bench', '-A', 'trust', '--locale=C'], options);
  const port = await freePort();
  const settings = ['fsync=on', 'synchronous_commit=on', 'max_connections=100', 'shared_buffers=256MB'];
  const flags = settings.flatMap((setting) => ['-c', setting]);
  const where = ['-D', data, '-h', '127.0.0.1', '-p', String(port), '-k', folder];
  const child = spawn(join(tools, 'postgres'), [...where, ...flags], options);
  await listens(port);
  await pause(500); // it listens a moment before it takes connections
  let last = 0;
  return {
    fresh() {
      const name = `bench${(last += 1)}`;
      execFileSync(join(tools, 'createdb'), ['-h', '127.0.0.1', '-p', String(port), '-U', 'bench', name], options);
      return `postgres://bench@127.0.0.1:${port}/${name}`;
    },
    stop: stopper(child),
  };
}

/** @throws Error: it is not installed, or does not start */
export async function startRedis(scratch: string): Promise<PeerServer> {
  const port = await freePort();
  const folder = join(scratch, 'redis');
  mkdirSync(folder);
  const durable = ['--appendonly', 'yes', '--appendfsync', 'everysec'];
  const where = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder];
  const child = spawn('redis-server', [...where, ...durable], { stdio: 'ignore' });
  await Promise.race([listens(port), once(child, 'error').then(([error]) => Promise.reject(error as Error))]);
  let last = 0;
  return { fresh: () => `redis://127.0.0.1:${port}/${(last += 1)}`, stop: stopper(child) };
}
