/**
 * The few file operations that the writer needs, behind a port: a test can make any of them fail, stall or fall short.
 */
import { open, mkdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

export type DiskFile = {
  /** In bytes. */
  size(): Promise<number>;
  /** May give less than was asked for, as the system call may; nothing at the end of the file. */
  read(position: number, length: number): Promise<Buffer>;
  /** May write less than it was given, as the system call may; returns how much. */
  write(bytes: Buffer, position: number): Promise<number>;
  truncate(length: number): Promise<void>;
  /** Contents and length are on the disk. */
  datasync(): Promise<void>;
  close(): Promise<void>;
};

export type Disk = {
  /** Makes the folder and its parents; what was made is durable, so a power cut cannot take the folder away again. */
  makeFolder(path: string): Promise<void>;
  /** Opens for reading and writing, made if need be. */
  open(path: string): Promise<DiskFile>;
  syncFolder(path: string): Promise<void>;
};

const syncFolder = async (path: string): Promise<void> => {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
};

/** 0600 and 0700: transcripts are personal data. */
export const realDisk: Disk = {
  async makeFolder(path) {
    const first = await mkdir(path, { recursive: true, mode: 0o700 });
    if (first === undefined) return;
    for (let folder = resolve(path); ; folder = dirname(folder)) {
      await syncFolder(dirname(folder));
      if (folder === resolve(first) || folder === dirname(folder)) return;
    }
  },
  async open(path) {
    // No 'a': a write that failed half-way is written again at the same place, not behind its own remains.
    const handle = await open(path, 'r+').catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
      return open(path, 'wx+', 0o600);
    });
    return {
      size: async () => (await handle.stat()).size,
      read: async (position, length) => {
        const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, position);
        return buffer.subarray(0, bytesRead);
      },
      write: async (bytes, position) => (await handle.write(bytes, 0, bytes.length, position)).bytesWritten,
      truncate: (length) => handle.truncate(length),
      datasync: () => handle.datasync(),
      close: () => handle.close(),
    };
  },
  syncFolder,
};
