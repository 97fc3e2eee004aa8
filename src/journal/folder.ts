/** Where the journals of a session lie: `<LASTWORD_DIR>/sessions/<ID>/{1,2,…,keeper}.jsonl`. */
import { join } from 'node:path';
import { JournalError } from './errors.ts';

/** A folder name on every file system, and never a path: ids come from outside (a job id, a command line). */
const safeName = /^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,127}$/;
const journalName = /^(keeper|[1-9][0-9]{0,5})$/;

export const sessionsFolder = (directory: string): string => join(directory, 'sessions');

export const isSessionId = (session: string): boolean => safeName.test(session);

/** Throws JournalError `EBADID` for an id that cannot be a folder name. */
export const sessionFolder = (directory: string, session: string): string => {
  if (isSessionId(session)) return join(sessionsFolder(directory), session);
  const got = JSON.stringify(session.slice(0, 80));
  throw new JournalError({
    code: 'EBADID',
    path: sessionsFolder(directory),
    message: `expected a session id (letters, digits, "_", "-", "."; no leading dot; at most 128), got ${got}`,
  });
};

/** Throws JournalError `EBADID` for a file that is neither an epoch's number nor `keeper`. */
export const journalPath = (directory: string, session: string, file: string): string => {
  const folder = sessionFolder(directory, session);
  if (journalName.test(file)) return join(folder, `${file}.jsonl`);
  const got = JSON.stringify(file.slice(0, 80));
  throw new JournalError({
    code: 'EBADID',
    path: folder,
    message: `expected "keeper" or an epoch such as "1", got ${got}`,
  });
};

/** The name in `1.jsonl` or `keeper.jsonl`; undefined for any other file. */
export const journalNameOf = (fileName: string): string | undefined => {
  const name = fileName.endsWith('.jsonl') ? fileName.slice(0, -'.jsonl'.length) : '';
  return journalName.test(name) ? name : undefined;
};
