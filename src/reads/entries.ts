/** What happened in a call, in order: one of three densities, filtered, page by page. */
import type { Entries } from './answers.ts';
import { shownOf, type Shown } from './entry-rows.ts';
import { chipsIn, entryFields, textsOfEntry, type FilteredEntry } from './entry-texts.ts';
import { filterOf, isKept } from './filter.ts';
import { lanesOf, policyInJournal } from './lanes.ts';
import type { Asked } from './questions.ts';
import type { SessionRead } from './session-read.ts';
import type { Source } from './source.ts';

/** *Effect.* @throws ReadError, JournalError */
export async function readEntries(source: Source, asked: Asked<'entries'>): Promise<Entries> {
  const terms = filterOf(asked.filter, entryFields); // before a file is read: a bad filter costs nothing
  const chips = [...asked.chips, ...chipsIn(terms)];
  const read = await source.session(asked.session);
  const silences = chips.includes('silent') ? badSilences(read, source) : [];
  const others = terms.filter(({ field }) => field !== 'is');
  const isShown = (shown: Shown): boolean =>
    (!chips.includes('failed') || shown.row.tone === 'bad') &&
    (!chips.includes('silent') ||
      silences.some(({ from, to }) => shown.row.at >= from && shown.row.at <= (to ?? Infinity))) &&
    isKept(others, (field) => textsOfEntry(filteredOf(read, shown), field));
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

const filteredOf = (read: SessionRead, { row, states }: Shown): FilteredEntry => {
  const placed = read.all[row.index];
  return { row, states, file: String(placed?.file ?? ''), data: placed?.entry.data };
};

const badSilences = (read: SessionRead, source: Source) => {
  const { lanes } = lanesOf(read, source.silenceBoundOf(policyInJournal(read.all)), source.now(), false);
  return lanes.find(({ lane }) => lane === 'silence')?.spans.filter(({ tone }) => tone === 'bad') ?? [];
};
