/** Reading journals back: one session whole, and which sessions there are. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { SessionJournal } from './entry.ts';
import { JournalError, journalErrorOf } from './errors.ts';
import { isSessionId, journalOf, sessionFolder, sessionsFolder } from './folder.ts';
import { parseJournal, type ParsedJournal } from './parse.ts';

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

const parsed = async (path: string): Promise<ParsedJournal> => {
  try {
    return parseJournal(await readFile(path, 'utf8'));
  } catch (error) {
    if (isMissing(error)) return { entries: [], torn: false };
    throw journalErrorOf(error, path, 'read');
  }
};

/**
 * All files of one session, epochs in order. May be read while they are written: an unfinished last line is left out.
 *
 * @param directory LASTWORD_DIR
 * @throws JournalError `EBADID` for an impossible id, `ENOSESSION` where there is no such session.
 */
export const readSession = async (directory: string, session: string): Promise<SessionJournal> => {
  const folder = sessionFolder(directory, session);
  const names = await namesIn(folder);
  if (!names) {
    const message = `there is no session "${session}" in ${sessionsFolder(directory)}; \`lastword sessions\` lists those there are`;
    throw new JournalError({ code: 'ENOSESSION', path: folder, message });
  }
  const journal: SessionJournal = { session, epochs: [], keeper: [] };
  for (const name of names) {
    const file = journalOf(name);
    if (file === undefined) continue;
    const { entries, torn } = await parsed(join(folder, name));
    if (file === 'keeper') journal.keeper = entries;
    else journal.epochs.push({ epoch: Number(file), entries, torn });
  }
  journal.epochs.sort((one, other) => one.epoch - other.epoch);
  return journal;
};

/**
 * The ids of all sessions that have a journal, newest first (by when the last file of each was begun).
 *
 * @param directory LASTWORD_DIR; one that does not exist yet holds no sessions.
 */
export const listSessions = async (directory: string): Promise<string[]> => {
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
