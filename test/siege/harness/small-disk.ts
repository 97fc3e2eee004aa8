/** A disk of its own for a keeper and its jobs, in memory and small: it can be full, and have room again. */
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const SIZE = '24m';
const BLOCK = Buffer.alloc(65_536, 1);

/** How to start a keeper whose directory is such a disk. Root, or user namespaces. */
export const onSmallDisk = (directory: string): string[] => {
  const mount = `mkdir -p "${directory}" && mount -t tmpfs -o size=${SIZE},mode=0700 tmpfs "${directory}"`;
  const script = `mount --make-rprivate / && ${mount} && exec "$@"`;
  return ['unshare', '--map-root-user', '--mount', 'sh', '-c', script, 'sh'];
};

/** The same path, as that keeper sees it. */
export const seenBy = (pid: number, path: string): string => join('/proc', String(pid), 'root', path);

/** Not a byte more fits. @returns makes room again */
export const fill = (directory: string): (() => void) => {
  const path = join(directory, 'filling');
  const descriptor = openSync(path, 'w');
  try {
    for (;;) writeSync(descriptor, BLOCK);
  } catch {
    // ENOSPC: and the last few bytes, so that nothing small fits either
    try {
      for (;;) writeSync(descriptor, BLOCK.subarray(0, 1));
    } catch {
      closeSync(descriptor);
    }
  }

  return () => {
    rmSync(path, { force: true });
  };
};
