/** Where the journals of a session lie: `<LASTWORD_DIR>/sessions/<ID>/{1,2,…,keeper}.jsonl`. */
import { join } from 'node:path';
import { JournalError } from './errors.ts';
import { sessionIdOf, type SessionId } from './ids.ts';

/** Who writes a file: the job of an epoch, or the keeper. */
export type JournalName = number | 'keeper';
const journalName = /^(keeper|[1-9][0-9]{0,5})$/;

export const sessionsFolder = (directory: string): string => join(directory, 'sessions');

/** Throws JournalError `EBADID` for an id that cannot be a folder name: folders are removed, too. */
export const sessionFolder = (directory: string, session: SessionId): string =>
  join(sessionsFolder(directory), sessionIdOf(session));

/** Throws JournalError `EBADID` for a file that is neither an epoch's number nor `keeper`. */
export const journalPath = (directory: string, session: SessionId, file: JournalName): string => {
  const folder = sessionFolder(directory, session);
  if (journalName.test(String(file))) return join(folder, `${file}.jsonl`);
  const got = JSON.stringify(String(file).slice(0, 80));
  throw new JournalError({
    code: 'EBADID',
    path: folder,
    message: `expected "keeper" or an epoch such as 1, got ${got}`,
  });
};

/** Of `1.jsonl` or `keeper.jsonl`; undefined for any other file. */
export const journalNameOf = (fileName: string): JournalName | undefined => {
  const name = fileName.endsWith('.jsonl') ? fileName.slice(0, -'.jsonl'.length) : '';
  if (!journalName.test(name)) return undefined;
  return name === 'keeper' ? name : Number(name);
};
