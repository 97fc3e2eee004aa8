/** Two calls side by side: what the session machine of each went through, in order, and where they part. */
import { mostInCommon } from './in-common.ts';
import { recordOf, textOf, textsOf } from '../report/lenient.ts';
import type { Difference, EntryRow } from './answers.ts';
import { shownOf } from './entry-rows.ts';
import type { Asked } from './questions.ts';
import type { SessionRead } from './session-read.ts';
import type { Source } from './source.ts';
import { stateName } from './timeline.ts';

/** Steps of one call: those of two hours are 6,630, and a table of twice that is read by nobody. */
const MOST_STEPS = 2_000;

type Step = { path: string; row: EntryRow };

/** *Effect.* @throws ReadError, JournalError */
export async function readDifference(source: Source, asked: Asked<'diff'>): Promise<Difference> {
  const [one, other] = [await source.session(asked.one), await source.session(asked.other)];
  const [ofOne, ofOther] = [stepsIn(one), stepsIn(other)];
  const rows = mostInCommon(ofOne, ofOther, ({ path }) => path).map(([left, right]) => ({
    one: left?.row ?? null,
    other: right?.row ?? null,
    isSame: left !== undefined && right !== undefined,
  }));
  const first = rows.findIndex(({ isSame }) => !isSame);
  return { one: one.session, other: other.session, rows, first: first < 0 ? null : first, words: wordsOf(rows, first) };
}

const stepsIn = (read: SessionRead): Step[] => {
  const rows = shownOf(read);
  return read.all
    .flatMap(({ index, entry }): Step[] => {
      const { machine, to, event } = recordOf(entry.data);
      const row = rows[index]?.row;
      if (entry.kind !== 'transition' || (machine ?? 'session') !== 'session' || !row) return [];
      const states = textsOf(to);
      return [
        {
          path: `${textOf(event) ?? ''} → ${states.join(' + ')}`,
          row: { ...row, text: stateName(states), aside: textOf(event) ?? '' },
        },
      ];
    })
    .slice(0, MOST_STEPS);
};

const wordsOf = (rows: Difference['rows'], first: number): string => {
  if (rows.length === 0) return 'neither went anywhere';
  if (first < 0) return `the same way through, ${rows.length} steps`;
  const said = (row: EntryRow | null | undefined) => (row ? `${row.text} (${row.aside ?? ''})` : 'nothing more');
  const differing = rows[first];
  const one = differing?.one ?? rows.slice(first).find((row) => row.one)?.one;
  const other = differing?.other ?? rows.slice(first).find((row) => row.other)?.other;
  return `the same for ${first} ${first === 1 ? 'step' : 'steps'}, then ${said(one)} and ${said(other)}`;
};
