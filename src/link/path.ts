import { createHash } from 'node:crypto';
import { lstatSync } from 'node:fs';
import { mkdir, lstat, chmod } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { ConfigError } from '../errors/config-error.ts';

/** `sun_path` holds 108 bytes on Linux and 104 elsewhere, with a zero at the end. A longer path is cut off silently. */
export const MAX_SOCKET_PATH_BYTES = process.platform === 'linux' ? 107 : 103;

const owner = process.getuid?.() ?? 0;

/**
 * *Effect* (it looks, and makes nothing). Where the keeper of a LASTWORD_DIR listens: always the same for the same
 * directory, so that whoever lost its keeper finds the next one. In the directory itself, or, when that path is too long
 * for a socket, under a hash of it: in `/run/lastword-UID` when that is there and ours, in `XDG_RUNTIME_DIR`, or in the
 * temporary directory of the system, which strangers may write to.
 */
export function socketPath(directory: string, env: Readonly<Record<string, string | undefined>> = process.env): string {
  const absolute = resolve(directory);
  const inside = join(absolute, 'keeper.sock');
  const fits = (path: string) => Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES;
  if (fits(inside)) return inside;
  const hash = createHash('sha256').update(absolute).digest('hex').slice(0, 16);
  const run = `/run/lastword-${owner}`;
  const runtime = env['XDG_RUNTIME_DIR'] ?? '';
  const candidates = [
    ...(isOurs(run) ? [join(run, hash)] : []),
    ...(isAbsolute(runtime) && isOurs(runtime) ? [join(runtime, `lastword-${hash}`)] : []),
    join(tmpdir(), `lastword-${owner}-${hash}`),
  ];
  return (
    candidates.map((folder) => join(folder, 'keeper.sock')).find(fits) ??
    join('/tmp', `lastword-${owner}-${hash}`, 'keeper.sock')
  );
}

/** A folder of this user where nobody else may write. */
const isOurs = (folder: string): boolean => {
  const found = lstatSync(folder, { throwIfNoEntry: false });
  return found !== undefined && found.isDirectory() && found.uid === owner && (found.mode & 0o022) === 0;
};

/**
 * *Effect.* Makes the socket's folder, open to its owner alone. LASTWORD_DIR itself is checked by its keeper.
 * @throws ConfigError when somebody else made it first, as a folder or as a link: in a shared temporary directory that is
 *   an attack, not an accident; for root as for everybody.
 */
export async function makeSocketFolder(path: string): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (!isShortened(path)) return;
  const found = await lstat(folder);
  if (!found.isDirectory() || found.uid !== owner)
    throw new ConfigError({
      field: folder,
      expected: `a directory of user ${owner}, for the socket of the keeper`,
      got: found.isDirectory() ? `one of user ${found.uid}` : 'a link',
      advice: 'remove it, or set LASTWORD_DIR to a shorter path',
    });
  if ((found.mode & 0o077) !== 0) await chmod(folder, 0o700);
}

/** Not in a LASTWORD_DIR, but in a folder that is named after the hash of one. */
const isShortened = (path: string): boolean => /(^|-)[0-9a-f]{16}$/.test(basename(dirname(path)));
