/**
 * Sessions that have a folder and no row: their keeper could not write it yet, or never will. A keeper writes its rows
 * within milliseconds, so whoever has very many folders need not wait for a look at all of them; they are told that
 * nobody looked.
 */
import { opendir } from 'node:fs/promises';
import { journalPath, sessionsFolder } from '../journal/folder.ts';
import { firstJob, isSessionId, type SessionId } from '../journal/ids.ts';
import { readFileOf } from '../journal/read.ts';
import { instantOf, recordOf, textOf } from '../report/lenient.ts';
import type { PlacedRow } from '../store/sqlite-look-rows.ts';
import type { Source } from './source.ts';

/** With more folders than these nobody looks for those without a row. */
export const MOST_FOLDERS = 10_000;

export type Unindexed = {
  rows: (PlacedRow & { isUnindexed: true })[];
  /** There are more folders than are looked at: a call without a row would not be among these. */
  isUnlooked: boolean;
};
/** Of a file only its first entries are wanted. */
const KEPT_BYTES = 256 * 1024;

/** *Effect.* Newest first, at most so many. */
export async function unindexedRows(source: Source, limit: number): Promise<Unindexed> {
  const names = await namesIn(source.directory);
  if (names === undefined) return { rows: [], isUnlooked: true };
  if (names.length === 0) return { rows: [], isUnlooked: false };
  const without = source.store.look(names, (rows) => rows.withoutRow(names) as SessionId[]);
  const found: Unindexed['rows'] = [];
  for (const session of without.slice(0, limit)) {
    const row = await rowOf(source.directory, session);
    if (row) found.push(row);
  }
  return { rows: found, isUnlooked: false };
}

/** undefined: there are too many. */
async function namesIn(directory: string): Promise<SessionId[] | undefined> {
  const names: SessionId[] = [];
  try {
    for await (const entry of await opendir(sessionsFolder(directory), { bufferSize: 1_000 })) {
      if (!entry.isDirectory() || !isSessionId(entry.name)) continue;
      if (names.length >= MOST_FOLDERS) return undefined;
      names.push(entry.name);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return names;
}

/** undefined: the worker gave the job back, or there is nothing to be read. */
async function rowOf(directory: string, session: SessionId): Promise<(PlacedRow & { isUnindexed: true }) | undefined> {
  const read = (file: 1 | 'keeper') => readFileOf(journalPath(directory, session, file), { keptBytes: KEPT_BYTES });
  const [keeper, job] = [(await read('keeper')).entries, (await read(1)).entries];
  const first = [...keeper, ...job].find(({ kind }) => kind === 'session.accepted' || kind === 'session.opened');
  if (!first || (job.length === 0 && keeper.at(-1)?.kind === 'session.withdrawn')) return undefined;
  const data = recordOf(first.data);
  const acceptedAt = instantOf(first.at) ?? 0;
  return {
    ...firstJob(session),
    room: textOf(recordOf(data['room'])['name']) ?? '',
    agentName: textOf(data['agentName']) ?? '',
    acceptedAt,
    state: 'open',
    place: { epoch: 1, acceptedAt, row: -1 },
    isUnindexed: true,
  };
}
