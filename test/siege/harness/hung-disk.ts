/**
 * A disk that does not answer: a named pipe stands where a file is opened, so the system call of whoever opens it waits in
 * the kernel, and with it its thread of the pool, as on a network share whose server is gone.
 */
import { execFileSync } from 'node:child_process';
import { constants, existsSync, renameSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Carried } from '../../../src/delivery/courier-messages.ts';
import { deliveriesFor } from '../../../src/delivery/rows.ts';
import { temporaryNameOf } from '../../../src/delivery/send-local.ts';
import type { FileDestination } from '../../../src/link/destination.ts';
import { reportId } from '../../../src/report/fold.ts';
import type { SessionId } from '../../../src/journal/ids.ts';

const pipeAt = (path: string) => void execFileSync('mkfifo', [path]);

/** Whoever opens this file from now on, waits. Who has it open goes on. @returns lets them go */
export function hang(path: string): () => Promise<void> {
  if (existsSync(path)) renameSync(path, `${path}.aside`);
  pipeAt(path);
  return async () => {
    // Both ends at once: every reader and writer that waits comes through.
    const handle = await open(path, constants.O_RDWR | constants.O_NONBLOCK);
    await handle.close();
  };
}

/** Writing this row to this destination never comes back. */
export function hangRow(destination: FileDestination, row: Carried): void {
  pipeAt(join(destination.directory, temporaryNameOf(row)));
}

/** Writing the report of this session to this destination never comes back. */
export function hangReport(destination: FileDestination, session: SessionId): void {
  const sealed = { session, report: reportId(session), sealedAt: 0, body: '' };
  const [row] = deliveriesFor(sealed, [destination], '');
  if (!row) throw new Error('expected a row for a file destination, got none');
  hangRow(destination, row);
}
