/** Destinations on this machine: a directory, and standard output. Both reject when it did not work. */
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Output } from '../output/standard-output.ts';
import type { Carried } from './courier-messages.ts';

/** Pure. A session's name as a file name: nothing in it can lead out of the directory or hide the file. */
export const fileNameOf = (session: string): string =>
  session
    .replace(/[^\w.-]/gu, (one) => `%${one.codePointAt(0)?.toString(16)}`)
    .replace(/^\./, '%2e')
    .slice(0, 180);

const nameOf = ({ session, kind, report }: Pick<Carried, 'session' | 'kind' | 'report'>): string =>
  kind === 'report' ? `${fileNameOf(session)}.json` : `${fileNameOf(session)}.${fileNameOf(report)}.json`;

/** *Pure.* The same name for each attempt, so that what a crash left behind is overwritten. */
export const temporaryNameOf = (row: Pick<Carried, 'session' | 'kind' | 'report' | 'delivery'>): string =>
  `.${nameOf(row)}.${fileNameOf(row.delivery).slice(-24)}.tmp`;

/**
 * Effect. Whoever looks sees the whole file or none: it is written beside, flushed, renamed, and the directory flushed.
 * A second attempt writes the same bytes to the same name.
 */
export const writeReport = async (directory: string, delivery: Carried): Promise<void> => {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const temporary = join(directory, temporaryNameOf(delivery));
  try {
    const handle = await open(temporary, 'w', 0o600);
    try {
      await handle.writeFile(delivery.body);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, join(directory, nameOf(delivery)));
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
  const folder = await open(directory, 'r');
  try {
    await folder.sync(); // the name, too, survives a power cut
  } finally {
    await folder.close();
  }
};

const oneLine = (body: string): string => (body.includes('\n') ? JSON.stringify(JSON.parse(body)) : body);

/**
 * Effect. A line of its own on standard output, behind whatever the log writes there. Rejects when nobody takes it, or
 * when the signal ends the attempt: then it is not printed later.
 */
export const printReport = (output: Pick<Output, 'print'>, body: string, signal?: AbortSignal): Promise<void> =>
  output.print(`${oneLine(body)}\n`, signal);
