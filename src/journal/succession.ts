/**
 * Which session a job takes over, in a file of its own: `<LASTWORD_DIR>/successions/<JOB>.json`. The keeper writes it
 * before the job is accepted, and the job looks for it before it opens a journal: a job without one begins a session.
 *
 *   Z1  Nothing of this is in the job's metadata, or on its participant: metadata is the user's, and what is on a
 *       participant everybody in the room can read and the user's `requestFunc` can write.
 */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { isJobId, isSessionId, jobIdOf, type JobId, type JobOfSession } from './ids.ts';

const folderOf = (directory: string): string => join(directory, 'successions');
const pathOf = (directory: string, job: JobId): string => join(folderOf(directory), `${jobIdOf(job)}.json`);

const succession = z.object({
  session: z.custom<JobOfSession['session']>((value) => typeof value === 'string' && isSessionId(value)),
  epoch: z.number().int().min(2),
  job: z.custom<JobId>((value) => typeof value === 'string' && isJobId(value)),
});

/** *Effect.* Durable enough: whoever reads it starts within seconds, on the same machine. @throws what the disk says */
export async function writeSuccession(directory: string, successor: JobOfSession): Promise<void> {
  const { session, epoch, job } = successor;
  await mkdir(folderOf(directory), { recursive: true, mode: 0o700 });
  await writeFile(pathOf(directory, job), JSON.stringify({ session, epoch, job }), { mode: 0o600 });
}

/** *Effect.* Undefined: this job begins a session. @throws Error for a file that cannot be read as one */
export async function readSuccession(directory: string, job: JobId): Promise<JobOfSession | undefined> {
  const path = pathOf(directory, job);
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const read = succession.safeParse(JSON.parse(text));
  if (read.success && read.data.job === job) return read.data;
  throw new Error(`${path}: expected the session and epoch that this job takes over, got ${text.slice(0, 80)}`);
}

/** *Effect.* It is over, or nobody took it. Never rejects. */
export const removeSuccession = (directory: string, job: JobId): Promise<void> =>
  rm(pathOf(directory, job), { force: true }).catch(() => undefined);
