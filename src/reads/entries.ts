/** What happened in a call, in order: one of three densities, filtered, page by page. */
import { recordOf, textOf } from '../report/lenient.ts';
import type { Entries } from './answers.ts';
import { shownOf, type Shown } from './entry-rows.ts';
import { filterOf, isKept } from './filter.ts';
import { lanesOf, policyInJournal } from './lanes.ts';
import type { Asked } from './questions.ts';
import { refusedQuestion } from './refusal.ts';
import type { SessionRead } from './session-read.ts';
import type { Source } from './source.ts';

export const entryFields = ['kind', 'status', 'state', 'text', 'file', 'name', 'who', 'is'] as const;

/** *Effect.* @throws ReadError, JournalError */
export async function readEntries(source: Source, asked: Asked<'entries'>): Promise<Entries> {
  const terms = filterOf(asked.filter, entryFields); // before a file is read: a bad filter costs nothing
  const given = terms.filter(({ field }) => field === 'is');
  const wrong = given.find(({ value, isNot }) => isNot || (value !== 'failed' && value !== 'silent'));
  if (wrong) throw refusedQuestion('filter', 'is:failed or is:silent', `is:${wrong.value}`, 'choose one of them');
  const read = await source.session(asked.session);
  const chips = [...asked.chips, ...given.map(({ value }) => value)];
  const silences = chips.includes('silent') ? badSilences(read, source) : [];
  const others = terms.filter(({ field }) => field !== 'is');
  const isShown = (shown: Shown): boolean =>
    (!chips.includes('failed') || shown.row.tone === 'bad') &&
    (!chips.includes('silent') ||
      silences.some(({ from, to }) => shown.row.at >= from && shown.row.at <= (to ?? Infinity))) &&
    isKept(others, (field) => textsOfEntry(read, shown, field));
  const ofDensity = shownOf(read).filter(({ isStep, isStory }) => {
    if (asked.density === 'entries') return true;
    return asked.density === 'steps' ? isStep : isStory;
  });
  const kept = terms.length === 0 && chips.length === 0 ? ofDensity : ofDensity.filter(isShown);
  const behind = kept.filter(({ row }) => row.index >= asked.from);
  return {
    session: read.session,
    rows: behind.slice(0, asked.limit).map(({ row }) => row),
    next: behind[asked.limit]?.row.index ?? null,
    total: read.all.length,
    hidden: ofDensity.length - kept.length,
    position: read.position,
    files: read.facts,
  };
}

const badSilences = (read: SessionRead, source: Source) => {
  const { lanes } = lanesOf(read, source.silenceBoundOf(policyInJournal(read.all)), source.now());
  return lanes.find(({ lane }) => lane === 'silence')?.spans.filter(({ tone }) => tone === 'bad') ?? [];
};

/** What a term looks at. */
function textsOfEntry(read: SessionRead, { row, states }: Shown, field: string | undefined): string[] {
  const placed = read.all[row.index];
  const data = recordOf(placed?.entry.data);
  const texts = (...values: unknown[]): string[] => values.flatMap((value) => textOf(value) ?? []);
  switch (field) {
    case 'kind':
      return [row.kind, row.what, row.kind.split('.')[0] ?? ''];
    case 'status':
      return texts(data['status'], data['phase'], data['outcome'], data['change'], data['what']);
    case 'state':
      return states.flatMap((leaf) => [leaf, ...leaf.split('.')]);
    case 'file':
      return [String(placed?.file ?? '')];
    case 'name':
      return texts(data['name'], data['line'], data['type'], data['limit'], data['machine'], data['component']);
    case 'who':
      return texts(data['who'], data['role'], data['identity'], data['agent']);
    default:
      return [`${row.what} ${row.text} ${row.aside ?? ''}`];
  }
}
