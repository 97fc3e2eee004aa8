/** What the terms of a filter look at in an entry: the same for the server and for a call in one file. *Pure.* */
import { recordOf, textOf } from '../report/lenient.ts';
import type { EntryRow } from './answers.ts';
import type { Term } from './filter.ts';
import { refusedQuestion } from './refusal.ts';

export const entryFields = ['kind', 'status', 'state', 'text', 'file', 'name', 'who', 'is'] as const;

export type FilteredEntry = {
  row: EntryRow;
  data: unknown;
  file: string;
  /** Leaves of the session machine when it was written. */
  states: readonly string[];
};

/** *Pure.* `is:failed` is the chip *failed*. @throws ReadError `BAD_QUESTION` */
export function chipsIn(terms: readonly Term[]): string[] {
  const given = terms.filter(({ field }) => field === 'is');
  const wrong = given.find(({ value, isNot }) => isNot || (value !== 'failed' && value !== 'silent'));
  if (wrong) throw refusedQuestion('filter', 'is:failed or is:silent', `is:${wrong.value}`, 'choose one of them');
  return given.map(({ value }) => value);
}

/** *Pure.* */
export function textsOfEntry(entry: FilteredEntry, field: string | undefined): string[] {
  const { row } = entry;
  const data = recordOf(entry.data);
  const texts = (...values: unknown[]): string[] => values.flatMap((value) => textOf(value) ?? []);
  switch (field) {
    case 'kind':
      return [row.kind, row.what, row.kind.split('.')[0] ?? ''];
    case 'status':
      return texts(data['status'], data['phase'], data['outcome'], data['change'], data['what']);
    case 'state':
      return entry.states.flatMap((leaf) => [leaf, ...leaf.split('.')]);
    case 'file':
      return [entry.file];
    case 'name':
      return texts(data['name'], data['line'], data['type'], data['limit'], data['machine'], data['component']);
    case 'who':
      return texts(data['who'], data['role'], data['identity'], data['agent']);
    default:
      return [`${row.what} ${row.text} ${row.aside ?? ''}`];
  }
}
