/**
 * Answers that lie in the page itself: an export. Each was asked when the file was made; what was not asked then cannot
 * be answered now, and says so. *Pure.*
 */
import { AnswerProblem, type AnswerName, type PageAnswers } from './page-answers.ts';
import type {
  AnswerOf,
  Entries,
  EntryRow,
  MachineAt,
  ModelSaw,
  SaidLine,
  StateAt,
  WholeEntry,
} from '../../../reads/answers.ts';
import { chipsIn, entryFields, textsOfEntry, type FilteredEntry } from '../../../reads/entry-texts.ts';
import { filterOf, isKept } from '../../../reads/filter.ts';
import { ReadError } from '../../../reads/refusal.ts';
import { recordOf, textsOf } from '../../../report/lenient.ts';

export type EmbeddedState = Omit<StateAt, 'session' | 'machines' | 'transcript'> & { machines: number[]; said: number };

/** What an export holds: the answers that are one each, and those of each entry by its index. */
export type EmbeddedAnswers = {
  version: 1;
  session: string;
  madeAt: number;
  /** What was left out, in words for people; empty: nothing. */
  redaction: string;
  one: { [Name in AnswerName]?: AnswerOf[Name] };
  story: number[];
  steps: number[];
  states: EmbeddedState[];
  /** Each once; states name them by their place. */
  machines: MachineAt[];
  /** All that was said; a state has so many of the first of them. */
  said: SaidLine[];
  whole: WholeEntry[];
  requests: ModelSaw[];
  charts: Record<string, string>;
};

export const EMBEDDED_ID = 'answers';

export function answersEmbedded(held: EmbeddedAnswers): PageAnswers {
  const all = held.one.entries?.rows ?? [];
  const isIn: Densities = { story: new Set(held.story), steps: new Set(held.steps) };
  const atEntry = <Answer extends { index: number; ref: string | null }>(answers: readonly Answer[], asked: Asked) =>
    asked.ref !== undefined
      ? answers.find(({ ref }) => ref === asked.ref)
      : answers.findLast(({ index }) => index <= (asked.index ?? Infinity));
  const found = (name: AnswerName, asked: Asked): unknown => {
    if (name === 'entries') return filtered(held, asked, isIn);
    if (name === 'state') return wholeState(held, atEntry(held.states, asked));
    if (name === 'entry') return atEntry(held.whole, asked);
    if (name === 'model') {
      const request = held.requests.findLast(({ ref }) => (indexOf(all, ref) ?? 0) <= (asked.index ?? Infinity));
      return request ?? held.requests[0];
    }
    return held.one[name];
  };
  return {
    isLive: false,
    ofFile: { madeAt: held.madeAt, leftOut: held.redaction },
    async read(name, asked) {
      const answer = answered(() => found(name, asked as Asked));
      if (answer === undefined)
        throw new AnswerProblem(404, 'This file does not hold that; lastword inspect has all of it.');
      return answer as never;
    },
    followCalls: (_asked, { tell }) => (tell('stored'), () => undefined),
    followSession: (_session, _from, { tell }) => (tell('stored'), () => undefined),
    chart: (machine) => {
      const text = held.charts[machine];
      return text === undefined
        ? Promise.reject(new AnswerProblem(404, 'This file holds no drawing of it.'))
        : Promise.resolve(text);
    },
    played: () => Promise.resolve(undefined),
    play: () => Promise.reject(new AnswerProblem(404, 'This is a file: nobody hears you.')),
    followSound: () => () => undefined,
    act: () => Promise.reject(new AnswerProblem(404, 'This is a file: nothing in it acts.')),
  };
}

const wholeState = (held: EmbeddedAnswers, state: EmbeddedState | undefined): StateAt | undefined =>
  state && {
    ...state,
    session: held.session,
    machines: state.machines.flatMap((place) => held.machines[place] ?? []),
    transcript: held.said.slice(0, state.said),
  };

/** Rows of each density; of one that is not here: all. */
type Densities = Readonly<Record<string, ReadonlySet<number> | undefined>>;

const answered = <Answer>(make: () => Answer): Answer => {
  try {
    return make();
  } catch (error) {
    if (error instanceof ReadError) throw new AnswerProblem(400, error.message);
    throw error;
  }
};

type Asked = {
  index?: number;
  ref?: string;
  density?: string;
  filter?: string;
  chips?: string[];
  from?: number;
};

const indexOf = (rows: readonly EntryRow[], ref: string | null): number | undefined =>
  rows.find((row) => row.ref === ref)?.index;

/** As the server does it (reads/entries.ts), of what the file holds: where a text was left out, its length is found. */
function filtered(held: EmbeddedAnswers, asked: Asked, isIn: Densities): Entries | undefined {
  const { entries, lanes } = held.one;
  if (!entries) return undefined;
  const terms = filterOf(asked.filter ?? '', entryFields);
  const chips = [...(asked.chips ?? []), ...chipsIn(terms)];
  const others = terms.filter(({ field }) => field !== 'is');
  const silences =
    lanes?.lanes.find(({ lane }) => lane === 'silence')?.spans.filter(({ tone }) => tone === 'bad') ?? [];
  const whole = new Map(held.whole.map((entry) => [entry.index, entry]));
  let states: readonly string[] = [];
  const seen = entries.rows.map((row): FilteredEntry => {
    const data = recordOf(whole.get(row.index)?.data);
    if (row.kind === 'transition' && (data['machine'] ?? 'session') === 'session') states = textsOf(data['to']);
    return { row, data, file: row.ref.split(':')[0] ?? '', states };
  });
  const dense = seen.filter(({ row }) => isIn[asked.density ?? 'steps']?.has(row.index) ?? true);
  const kept = dense.filter(
    (entry) =>
      (!chips.includes('failed') || entry.row.tone === 'bad') &&
      (!chips.includes('silent') ||
        silences.some(({ from, to }) => entry.row.at >= from && entry.row.at <= (to ?? Infinity))) &&
      isKept(others, (field) => textsOfEntry(entry, field)),
  );
  return { ...entries, rows: kept.map(({ row }) => row), hidden: dense.length - kept.length, next: null };
}
