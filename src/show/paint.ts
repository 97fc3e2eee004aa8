/** Text for a terminal: colours where they are wanted, durations, and nothing that a terminal would obey. */
import type { WriteStream } from 'node:tty';
import { escapeMarks, oneLine } from '../output/for-people.ts';
import type { Tone } from '../reads/answers.ts';

export type Paint = (tone: Tone, text: string) => string;

const codes: Record<Tone, string> = {
  plain: '',
  quiet: '2',
  state: '36',
  agent: '35',
  caller: '34',
  good: '32',
  bad: '31',
  strong: '1',
};

/** *Pure.* NO_COLOR (any value but the empty one) and `TERM=dumb` are honoured. */
export const isColoured = (
  stream: Pick<WriteStream, 'isTTY'> | { isTTY?: boolean },
  env: Readonly<Record<string, string | undefined>>,
): boolean => stream.isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';

/** *Pure.* */
export const paintWith =
  (coloured: boolean): Paint =>
  (tone, text) =>
    !coloured || codes[tone] === '' ? text : `\u001B[${codes[tone]}m${text}\u001B[0m`;

export { oneLine };
export { spellMs } from '../output/spell-ms.ts';

/** *Pure.* As `oneLine`, for a message of several lines: an argument that it repeats may be anybody's. */
export const harmless = (text: string): string => text.replaceAll(/[^\P{Cc}\n\t]|[\p{Cf}\u2028\u2029]/gu, ' ');

/** *Pure.* As JSON for people. */
export const printable = (value: unknown): string => escapeMarks(JSON.stringify(value, null, 2));

/** *Pure.* Columns as wide as their widest cell; the last one is not padded. */
export const table = (rows: readonly (readonly string[])[]): string => {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
};
