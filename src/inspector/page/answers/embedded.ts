/**
 * Answers that lie in the page itself: an export. Each was asked when the file was made; what was not asked then cannot
 * be answered now, and says so. *Pure.*
 */
import { AnswerProblem, type AnswerName, type AnswerOf, type PageAnswers } from './page-answers.ts';
import type { Entries, EntryRow, MachineAt, ModelSaw, SaidLine, StateAt, WholeEntry } from '../../../reads/answers.ts';

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
  const [story, steps] = [new Set(held.story), new Set(held.steps)];
  const atEntry = <Answer extends { index: number; ref: string | null }>(answers: readonly Answer[], asked: Asked) =>
    asked.ref !== undefined
      ? answers.find(({ ref }) => ref === asked.ref)
      : answers.findLast(({ index }) => index <= (asked.index ?? Infinity));
  const found = (name: AnswerName, asked: Asked): unknown => {
    if (name === 'entries') return filtered(held.one.entries, all, asked, story, steps);
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
    async read(name, asked) {
      const answer = found(name, asked as Asked);
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

/** Words and `kind:` only: the language of the server's filter is not in the file. */
function filtered(
  entries: Entries | undefined,
  all: readonly EntryRow[],
  asked: Asked,
  story: ReadonlySet<number>,
  steps: ReadonlySet<number>,
): Entries | undefined {
  if (!entries) return undefined;
  const dense = all.filter(({ index }) =>
    asked.density === 'entries' ? true : asked.density === 'story' ? story.has(index) : steps.has(index),
  );
  const words = (asked.filter ?? '')
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  const rows = dense.filter(
    (row) =>
      (!asked.chips?.includes('failed') || row.tone === 'bad') &&
      words.every((word) =>
        word.startsWith('kind:')
          ? row.kind === word.slice(5) || row.what === word.slice(5)
          : `${row.what} ${row.text} ${row.aside ?? ''}`.toLowerCase().includes(word.replace(/^text:/, '')),
      ),
  );
  return { ...entries, rows, hidden: dense.length - rows.length, next: null };
}
