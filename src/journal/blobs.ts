/**
 * Images of a conversation, beside its journal: `blobs/SHA256` in the session's folder, so that they go when it goes.
 *
 *   X1  Between two frames of audio nothing is hashed and nothing is written: one image after the other, in Node's threads.
 *   X2  The journal says what is kept before the file is there: who reads it may find none, after a crash or on a full disk.
 *   X3  What waits is bounded as what is kept is: an image for which there is no room is counted, and let go at once.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../errors/thrown.ts';
import type { EntryData, EntryKind } from './entry.ts';
import { sessionFolder } from './folder.ts';
import { IMAGE_BYTES, shares } from './shares.ts';
import type { SessionId } from './ids.ts';

/** `content`: asked for when its turn has come. */
export type Image = Omit<EntryData['blob'], 'sha256'> & { content: () => Uint8Array };

export type Blobs = {
  /** *Effect.* Returns at once, and never throws. */
  keep(image: Image): void;
  /** Resolves when all that was kept so far is written, or has failed. */
  written(): Promise<void>;
};

type Recorder = { append<Kind extends EntryKind>(kind: Kind, data: EntryData[Kind]): number };

/** @param where LASTWORD_DIR and the session */
export function openBlobs(where: { directory: string; session: SessionId }, recorder: Recorder): Blobs {
  let left: number = shares.images;
  const known = new Set<string>();
  let last = Promise.resolve();
  let hasFailed = false;

  const write = async ({ content: contentOf, ...facts }: Image): Promise<void> => {
    const content = contentOf();
    const hash = await crypto.subtle.digest('SHA-256', content as Uint8Array<ArrayBuffer>);
    const sha256 = Buffer.from(hash).toString('hex');
    if (known.has(sha256)) left += facts.bytes; // the same image, once more
    known.add(sha256);
    if (recorder.append('blob', { ...facts, sha256 }) === 0) return;
    const folder = join(sessionFolder(where.directory, where.session), 'blobs');
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(join(folder, sha256), content, { mode: 0o600, flag: 'wx' }).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    });
  };

  return {
    keep(image) {
      const { content: _, ...facts } = image;
      if (facts.bytes > IMAGE_BYTES || facts.bytes > left) {
        recorder.append('blob', facts); // X3
        return;
      }
      left -= facts.bytes;
      last = last
        .then(() => write(image))
        .catch((error: unknown) => {
          if (hasFailed) return;
          hasFailed = true;
          const message = `an image could not be kept: ${messageOf(error)}`;
          recorder.append('error', { component: 'journal', message, recoverable: true });
        });
    },
    written: () => last,
  };
}
