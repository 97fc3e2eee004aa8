/**
 * The journal of a session, as whole as it can be had: its files, what its job could not write any more, and files that
 * lost their name while a process still has them open.
 *
 *   J1  A file that was removed is there as long as a process holds it: `/proc/PID/fd` leads to it.
 *   J2  What cannot be had at all is said in the report (`keeper.noticed`, `lost`), and what the keeper remembers is
 *       sealed. A session without a journal is a session: somebody waits for its report.
 */
import { readdir, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { Entry, JobFacts, Owner, SessionJournal } from '../journal/entry.ts';
import { JournalError } from '../journal/errors.ts';
import { journalPath } from '../journal/folder.ts';
import { parseJournal, readFileOf, readSession } from '../journal/read.ts';
import type { SessionId } from '../journal/ids.ts';

const KEEPER_FILE = 'keeper.jsonl';

export type Remembered = {
  directory: string;
  session: SessionId;
  facts: JobFacts | undefined;
  acceptedAt: number;
  /** The epoch of the job that was heard of last; 0: none. */
  epoch: number;
  owner: Owner | undefined;
  /** Lines that the job could not write, as it handed them over. */
  tail: string;
};

/** *Effect.* @throws JournalError where the files are there and cannot be read: then it is tried again */
export async function readWhole(remembered: Remembered): Promise<SessionJournal> {
  const { directory, session, epoch, owner, tail } = remembered;
  const journal = await readSession(directory, session).catch((error: unknown): SessionJournal => {
    if (error instanceof JournalError && error.code === 'ENOSESSION') return { session, epochs: [], keeper: [] };
    throw error;
  });
  const lost: string[] = [];
  if (journal.keeper.length === 0) {
    const found = await openedBy(process.pid, journalPath(directory, session, 'keeper'));
    if (found) journal.keeper = found.entries;
    else lost.push(KEEPER_FILE);
  }
  if (epoch > 0 && !journal.epochs.some((one) => one.epoch === epoch)) {
    const path = journalPath(directory, session, epoch);
    const found = owner && owner.host === hostname() ? await openedBy(owner.pid, path) : undefined;
    if (found) journal.epochs.push({ epoch, ...found });
    else lost.push(`${epoch}.jsonl`);
  }
  return withLost(withTail(journal, epoch, tail), lost, remembered);
}

/** J1. */
async function openedBy(pid: number, path: string) {
  const folder = `/proc/${pid}/fd`;
  const descriptors = await readdir(folder).catch(() => []); // it is gone, or not ours
  for (const descriptor of descriptors) {
    const link = `${folder}/${descriptor}`;
    const target = await readlink(link).catch(() => '');
    if (target === `${path} (deleted)`) return await readFileOf(link).catch(() => undefined);
  }
  return undefined;
}

/** *Pure.* With the lines that never reached the disk, or only later. */
export const withTail = (journal: SessionJournal, epoch: number, tail: string): SessionJournal => {
  if (tail === '') return journal;
  const rest = parseJournal(tail).entries;
  const one = journal.epochs.find((other) => other.epoch === epoch);
  if (!one) return { ...journal, epochs: [...journal.epochs, { epoch, entries: rest, torn: false }] };
  const last = one.entries.at(-1)?.seq ?? 0;
  const entries = [...one.entries, ...rest.filter(({ seq }) => seq > last)];
  return {
    ...journal,
    epochs: journal.epochs.map((other) => (other === one ? { ...one, entries, torn: false } : other)),
  };
};

/** *Pure.* J2. Nothing of it is written: the same files give the same journal. */
const withLost = (journal: SessionJournal, missing: readonly string[], remembered: Remembered): SessionJournal => {
  const { facts, acceptedAt, epoch } = remembered;
  const isOpened = journal.epochs.some(({ entries }) => entries.some(({ kind }) => kind === 'session.opened'));
  const isAccepted = journal.keeper.some(({ kind }) => kind === 'session.accepted');
  // A session that began without an offer has no file of the keeper's; one whose file was removed has a new one by now.
  const lost = missing.filter((name) => name !== KEEPER_FILE || !isOpened);
  if (facts && !isAccepted && !isOpened && !lost.includes(KEEPER_FILE)) lost.unshift(KEEPER_FILE);
  if (lost.length === 0) return journal;
  const accepted = { seq: 0, at: acceptedAt, kind: 'session.accepted', data: { ...facts } } as Entry;
  const entries: Entry[] = facts && !isAccepted ? [accepted, ...journal.keeper] : [...journal.keeper];
  const last = entries.at(-1);
  const detail = `its journal is gone (${lost.join(', ')}): removed or replaced while the session went on`;
  entries.push({
    seq: (last?.seq ?? 0) + 1,
    at: last?.at ?? acceptedAt,
    kind: 'keeper.noticed',
    data: { what: 'lost', epoch, detail },
  });
  return { ...journal, keeper: entries };
};
