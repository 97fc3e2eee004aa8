/** Reading journals back: one session whole, and which sessions there are. */
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { SessionJournal } from './entry.ts';
import { JournalError, journalErrorOf } from './errors.ts';
import { journalNameOf, sessionFolder, sessionsFolder } from './folder.ts';
import { KeptEntries } from './kept.ts';
import { JournalParser, type ParsedJournal } from './parse.ts';
import { isSessionId, type SessionId } from './ids.ts';

export { parseJournal } from './parse.ts';

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException | null)?.code === 'ENOENT';

const namesIn = async (folder: string): Promise<string[] | undefined> => {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw journalErrorOf(error, folder, 'read');
  }
};

/** Of a file at once: parsed in 3 ms, so whoever reads 500 MiB does not keep its event loop from anything else. */
const CHUNK_BYTES = 256 * 1024;

export type ReadLimits = {
  /** How much of each file is kept in memory, in bytes of its lines (kept.ts). Default 64 MiB. */
  keptBytes?: number;
  /** Longest line, in bytes; a longer one counts as damaged. Default 8 MiB. */
  lineBytes?: number;
};

/** One file, by whatever path leads to it. One that is not there has no entries. @throws JournalError */
export const readFileOf = async (path: string, { keptBytes, lineBytes }: ReadLimits = {}): Promise<ParsedJournal> => {
  const kept = new KeptEntries(keptBytes);
  const parser = new JournalParser((entry, bytes) => kept.take(entry, bytes), lineBytes);
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_BYTES })) parser.push(chunk as Buffer);
  } catch (error) {
    if (!isMissing(error)) throw journalErrorOf(error, path, 'read');
  }
  const { torn, lost } = parser;
  return { entries: kept.entries, torn, lost, passedOver: kept.passedOver };
};

/**
 * All files of one session, epochs in order. May be read while they are written: an unfinished last line is left out. Line
 * by line: no file is too long, and of one that is very long the most telling entries are kept.
 *
 * @param directory LASTWORD_DIR
 * @throws JournalError `EBADID` for an impossible id, `ENOSESSION` where there is no such session.
 */
export const readSession = async (
  directory: string,
  session: SessionId,
  limits: ReadLimits = {},
): Promise<SessionJournal> => {
  const folder = sessionFolder(directory, session);
  const names = await namesIn(folder);
  if (!names) {
    const message = `there is no session "${session}" in ${sessionsFolder(directory)}; \`lastword sessions\` lists those there are`;
    throw new JournalError({ code: 'ENOSESSION', path: folder, message });
  }
  const journal: SessionJournal = { session, epochs: [], keeper: [] };
  for (const name of names) {
    const file = journalNameOf(name);
    if (file === undefined) continue;
    const { entries, torn, lost, passedOver } = await readFileOf(join(folder, name), limits);
    if (file === 'keeper') Object.assign(journal, { keeper: entries, keeperUnread: { lost, passedOver } });
    else journal.epochs.push({ epoch: file, entries, torn, lost, passedOver });
  }
  journal.epochs.sort((one, other) => one.epoch - other.epoch);
  return journal;
};

/**
 * The ids of all sessions that have a journal, newest first (by when the last file of each was begun).
 *
 * @param directory LASTWORD_DIR; one that does not exist yet holds no sessions.
 */
export const listSessions = async (directory: string): Promise<SessionId[]> => {
  const folder = sessionsFolder(directory);
  const names = (await namesIn(folder)) ?? [];
  const dated = await Promise.all(
    names.filter(isSessionId).map(async (name) => {
      const facts = await stat(join(folder, name)).catch(() => undefined); // removed meanwhile
      return facts?.isDirectory() ? { name, at: facts.mtimeMs } : undefined;
    }),
  );
  return dated
    .filter((session) => session !== undefined)
    .sort((one, other) => other.at - one.at || (one.name < other.name ? 1 : -1))
    .map(({ name }) => name);
};
