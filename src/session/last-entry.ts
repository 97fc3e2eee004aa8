/**
 * A session's last entry: durable, said to the keeper, sealed. Whatever the disk does meanwhile.
 *
 *   E1  A disk that is full, or does not answer: the keeper gets the lines that are missing, and seals with them when it
 *       can write.
 *   E2  Until then, or until the disk has them after all, the process stays, as long as `STAY_MS`: two who remember are
 *       better than one.
 */
import { settledWithin } from '../waiting/deadline.ts';
import type { JobOfSession } from '../journal/ids.ts';
import type { Journal } from '../journal/write.ts';
import type { Link } from '../link/client.ts';

/** Of the lines: quotes and line breaks become two characters each in a message, which has 1 MiB. */
const MOST_TAIL = 400_000;
const STAY_MS = 60_000;
const STAY_POLL_MS = 1_000;
const CLOSE_MS = 1_000;

type Last = { journal: Journal; link: Link } & Pick<JobOfSession, 'session' | 'epoch'>;

/**
 * *Effect.* After `session.closed` was appended. Never rejects, and takes no longer than `waitMs`.
 * @returns the keeper's word that the report is sealed
 */
export async function sayClosed({ journal, link, session, epoch }: Last, waitMs: number): Promise<boolean> {
  const begun = performance.now();
  const { kind } = await settledWithin(journal.durable(), waitMs / 2);
  const tail = kind === 'settled' ? {} : { tail: journal.pending().slice(-MOST_TAIL) }; // E1
  link.send({ type: 'job.closed', session, epoch, lastSeq: journal.lastSeq, ...tail });
  return await link.awaitSealed(session, Math.max(0, waitMs - (performance.now() - begun)));
}

/** *Effect.* The last of a process. Never rejects. */
export async function closeJournal({ journal, link, session }: Omit<Last, 'epoch'>): Promise<void> {
  const isWritten = () =>
    journal.durable().then(
      () => true,
      () => false,
    );
  const written = async () => {
    while (!(await isWritten())) if (await link.awaitSealed(session, STAY_POLL_MS)) return; // E2
  };
  await settledWithin(written(), STAY_MS);
  await settledWithin(journal.close(), CLOSE_MS);
}
