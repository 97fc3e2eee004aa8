import { createHash } from 'node:crypto';
import { mkdir, lstat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

/** `sun_path` holds 108 bytes on Linux and 104 elsewhere, with a zero at the end. A longer path is cut off silently. */
export const MAX_SOCKET_PATH_BYTES = process.platform === 'linux' ? 107 : 103;

const owner = process.getuid?.() ?? 0;

/**
 * *Pure.* Where the keeper of a LASTWORD_DIR listens: always the same for the same directory, so that whoever lost its
 * keeper finds the next one. In the directory itself, or, when that path is too long for a socket, under a hash of it
 * in the temporary directory of the system.
 */
export function socketPath(directory: string): string {
  const absolute = resolve(directory);
  const inside = join(absolute, 'keeper.sock');
  if (Buffer.byteLength(inside) <= MAX_SOCKET_PATH_BYTES) return inside;
  const hash = createHash('sha256').update(absolute).digest('hex').slice(0, 16);
  const short = join(tmpdir(), `lastword-${owner}-${hash}`, 'keeper.sock');
  if (Buffer.byteLength(short) <= MAX_SOCKET_PATH_BYTES) return short;
  return join('/tmp', `lastword-${owner}-${hash}`, 'keeper.sock');
}

/**
 * *Effect.* Makes the socket's folder, open to its owner alone when it is made here.
 * @throws Error when somebody else made it first: in a shared temporary directory that is an attack, not an accident.
 */
export async function makeSocketFolder(path: string): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const found = await lstat(folder);
  if (found.uid !== owner && owner !== 0)
    throw new Error(
      `${folder} belongs to user ${found.uid}; expected user ${owner}. Remove it, or set LASTWORD_DIR to a directory of your own.`,
    );
}
