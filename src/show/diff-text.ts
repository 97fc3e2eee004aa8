/** Two calls side by side, for a terminal. Pure. What is the same is told once, and a long stretch of it is folded. */
import type { Difference, EntryRow } from '../reads/answers.ts';
import { oneLine, type Paint } from './paint.ts';

const WIDTH = 58;
/** Steps that are shown around a difference. */
const AROUND = 2;

const cell = (row: EntryRow | null): string => {
  const text = row ? oneLine(`${row.text}${row.aside ? ` (${row.aside})` : ''}`) : '';
  return text.length > WIDTH ? `${text.slice(0, WIDTH - 1)}…` : text;
};

export function diffText({ one, other, rows, words }: Difference, paint: Paint): string {
  const isNear = rows.map((_, index) =>
    rows.slice(Math.max(0, index - AROUND), index + AROUND + 1).some(({ isSame }) => !isSame),
  );
  const lines: string[] = [];
  let folded = 0;
  const fold = () => {
    if (folded > 0) lines.push(paint('quiet', `    … ${folded} ${folded === 1 ? 'step is' : 'steps are'} the same`));
    folded = 0;
  };
  for (const [index, row] of rows.entries()) {
    if (!isNear[index]) {
      folded += 1;
      continue;
    }
    fold();
    const mark = row.isSame ? ' ' : row.one ? '<' : '>';
    const text = `${mark}   ${cell(row.one).padEnd(WIDTH)}  ${cell(row.other)}`.trimEnd();
    lines.push(paint(row.isSame ? 'quiet' : 'bad', text));
  }
  fold();
  const heading = `    ${oneLine(one).padEnd(WIDTH)}  ${oneLine(other)}`;
  return [paint('strong', oneLine(words)), '', paint('strong', heading), ...lines].join('\n');
}
