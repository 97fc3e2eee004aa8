/**
 * Is a folder ours? PostgreSQL's rule, for root as well: what we write has secrets and personal data in it, and whoever
 * may write where we do may put links there.
 *
 *   O1  Refused: a folder of somebody else, and one below a folder where others may rename it (writable for everybody,
 *       without the sticky bit).
 *   O2  Mended: a folder of ours that is open to its group or others is closed (0700), when it is empty or was used for
 *       this before. Whoever pointed LASTWORD_DIR to a home or a shared folder does not want that one closed: refused.
 *   O3  Only said: a volume, that is a folder where a file system of its own begins. Container platforms make it, for
 *       this container, as root, often for a group (Kubernetes with `fsGroup`) or for everybody (`emptyDir`).
 */
import { randomBytes } from 'node:crypto';
import { chmod, lstat, mkdir, open, readdir, realpath, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { ConfigError } from '../errors/config-error.ts';

const OPEN_TO_OTHERS = 0o077;
const WRITABLE_FOR_ALL = 0o002;
const STICKY = 0o1000;
/** One of these lies in each directory that a keeper has used. */
const ours = ['sessions', 'secret', 'lastword.db'];
/** A new disk brings it. */
const ofDisks = 'lost+found';
const problems: Readonly<Record<string, string>> = {
  EACCES: 'where this user may not write',
  EPERM: 'where this user may not write',
  EROFS: 'whose file system is read-only',
  ENOTDIR: 'of which a part is a file',
  EEXIST: 'which is a file',
  ENOENT: 'which cannot be made there',
  ENAMETOOLONG: 'which is too long for a path',
  ELOOP: 'which is a link that leads to itself',
  ENOSPC: 'where the disk is full',
};

type Facts = { uid: number; mode: number };

/**
 * *Effect.* Makes the folder, open to its owner alone, or checks the one that is there.
 * @returns what the operator should know of it, in one line each; nothing when all is well
 * @throws ConfigError when it is not ours, or cannot be made or written
 */
export async function ownFolder(folder: string, field = 'LASTWORD_DIR'): Promise<string[]> {
  try {
    return await makeOurs(resolve(folder), field);
  } catch (error) {
    throw unusableFolder(error, folder, field) ?? error;
  }
}

/** *Pure.* What a system's error about a folder means to an operator; undefined: it is about something else. */
export function unusableFolder(error: unknown, folder: string, field: string): ConfigError | undefined {
  const problem = problems[(error as NodeJS.ErrnoException).code ?? ''];
  if (problem === undefined) return undefined;
  return new ConfigError({
    field,
    expected: 'a directory that can be written',
    got: `${resolve(folder)}, ${problem}`,
    advice: `let this user write there, or set ${field} to another directory`,
    cause: error,
  });
}

async function makeOurs(given: string, field: string): Promise<string[]> {
  await makeFolders(given);
  const path = await realpath(given);
  const found = await stat(path);
  const isVolume = await beginsFileSystem(path);
  const said: string[] = [];
  const refuse = (expected: string, got: string, advice: string) =>
    new ConfigError({ field, expected, got: `${given}, ${got}`, advice });

  const user = await userHere(path);
  if (found.uid !== user && !isVolume)
    throw refuse(
      `a directory of user ${user}`,
      `which belongs to user ${found.uid}`,
      'chown it, run as that user, or name a directory that does not exist yet',
    );
  const isOpen = (found.mode & OPEN_TO_OTHERS) !== 0;
  if (found.uid !== user)
    said.push(
      `${given} is a volume of user ${found.uid} with mode ${octal(found)}: whoever shares it can read and write`,
    );
  else if (isOpen && (await isForUs(path, found))) {
    await chmod(path, 0o700);
    said.push(`${given} was open to others (mode ${octal(found)}); it is closed now (0700)`);
  } else if (isOpen && !isVolume)
    throw refuse(
      'a directory that is open to its owner alone',
      `which has mode ${octal(found)} and other files in it`,
      'name a directory of its own, for one inside it, or chmod 700 it',
    );
  else if (isOpen) said.push(`${given} is a volume with mode ${octal(found)}: whoever shares it can read and write`);

  for (let below = path, parent = dirname(path); parent !== below; below = parent, parent = dirname(parent)) {
    const above = await stat(parent);
    if ((above.mode & WRITABLE_FOR_ALL) === 0 || (above.mode & STICKY) !== 0) continue;
    if (!(await beginsFileSystem(parent)))
      throw refuse(
        'a directory that nobody else can rename',
        `below ${parent}, where everybody may write (mode ${octal(above)})`,
        `chmod o-w or chmod +t ${parent}, or name another directory`,
      );
    said.push(`${parent} is a volume where everybody may write (mode ${octal(above)})`);
  }
  return said;
}

/** One after the other: Node's own `recursive` never ends where the system says that a folder cannot be, as in /proc. */
async function makeFolders(path: string): Promise<void> {
  const missing: string[] = [];
  for (let folder = path; !(await isThere(folder)); folder = dirname(folder)) missing.push(folder);
  for (const folder of missing.toReversed())
    await mkdir(folder, { mode: 0o700 }).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error; // another process was quicker
    });
  if (!(await stat(path)).isDirectory()) throw Object.assign(new Error(`${path} is a file`), { code: 'EEXIST' });
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );

const isForUs = async (path: string, { mode }: Facts): Promise<boolean> => {
  if ((mode & STICKY) !== 0) return false; // a shared folder, as /tmp
  const names = (await readdir(path)).filter((name) => name !== ofDisks);
  return names.length === 0 || names.some((name) => ours.includes(name));
};

const octal = ({ mode }: Facts): string => `0${(mode & 0o7777).toString(8)}`;

const beginsFileSystem = async (path: string): Promise<boolean> => {
  const [one, above] = await Promise.all([lstat(path), lstat(dirname(path))]);
  return one.dev !== above.dev;
};

/**
 * Whose the files are that we make there: on a network share or in a container with users of its own that is not always
 * the user whom the system names. It is also the proof that we can write.
 */
async function userHere(folder: string): Promise<number> {
  const probe = join(folder, `.keeper.probe.${randomBytes(6).toString('hex')}`);
  const file = await open(probe, 'wx', 0o600);
  try {
    return (await file.stat()).uid;
  } finally {
    await file.close();
    await rm(probe, { force: true });
  }
}
