/**
 * The ledger: accepted = sealed + open, sealed = delivered + due + dead + undeliverable. Counted by the database, no body is
 * read; each difference is named with its session.
 */
import { readdir } from 'node:fs/promises';
import { sessionsFolder } from '../journal/folder.ts';
import { isSessionId } from '../journal/ids.ts';
import type { LedgerCounts, SqliteRows } from '../store/sqlite-look-rows.ts';
import type { Tally } from './answers.ts';
import type { Asked } from './questions.ts';
import type { Source } from './source.ts';

/** A million folders take seconds to list: then the rows alone are looked at, and it says so. */
const MOST_FOLDERS = 100_000;

const none: LedgerCounts = { accepted: 0, open: 0, sealed: 0, reports: 0, sent: 0, due: 0, dead: 0 };
type Named = Tally['differences'];

/** *Effect.* @throws StoreError */
export async function readLedger(source: Source, { limit }: Asked<'ledger'>): Promise<Tally> {
  const folders = await foldersOf(source.directory);
  const found = source.store.look({ counts: none, named: [] as Named, unindexed: [...folders] }, (rows) => {
    const counts = rows.counts();
    return { counts, named: namedIn(rows, counts, limit), unindexed: rows.withoutRow(folders) };
  });
  const { accepted, open, sealed, sent, due, dead } = found.counts;
  const unindexed = found.unindexed.map((session) => ({
    session,
    what: 'it has a journal, and the database has no row of it',
  }));
  const differences = [...found.named, ...unindexed].slice(0, limit);
  return {
    accepted: accepted + unindexed.length,
    sealed,
    open: open + unindexed.length,
    delivered: Math.max(0, sent - due - dead),
    due,
    dead,
    undeliverable: Math.max(0, sealed - sent),
    isBalanced: differences.length === 0,
    differences,
  };
}

function namedIn(rows: SqliteRows, { sealed, reports }: LedgerCounts, limit: number): Named {
  const say = (sessions: readonly string[], what: string): Named => sessions.map((session) => ({ session, what }));
  const [strays, early] = [rows.reportWithoutSession(limit), rows.reportOfUnsealed(limit)];
  // All other reports are of sealed sessions, one each: as many as sealed sessions, and each of these has its report.
  const isWhole = strays.length + early.length < limit && reports - strays.length - early.length === sealed;
  return [
    ...say(rows.dead(limit), 'its report is a dead letter; lastword redeliver sends it again'),
    ...say([...strays, ...early], 'it has a report, and is not sealed'),
    ...(isWhole ? [] : say(rows.sealedWithoutReport(limit), 'it is sealed, and has no report')),
  ];
}

const foldersOf = async (directory: string): Promise<string[]> => {
  try {
    const names = await readdir(sessionsFolder(directory));
    return names.length > MOST_FOLDERS ? [] : names.filter(isSessionId);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
};
