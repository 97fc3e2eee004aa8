/** Text for a terminal: colours where they are wanted, durations, and nothing that a terminal would obey. */
import type { WriteStream } from 'node:tty';
import { escapeMarks, oneLine } from '../output/for-people.ts';

export type Tone = 'plain' | 'quiet' | 'state' | 'agent' | 'caller' | 'good' | 'bad' | 'strong';
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

/** *Pure.* As `oneLine`, for a message of several lines: an argument that it repeats may be anybody's. */
export const harmless = (text: string): string => text.replaceAll(/[^\P{Cc}\n\t]|[\p{Cf}\u2028\u2029]/gu, ' ');

/** *Pure.* As JSON for people. */
export const printable = (value: unknown): string => escapeMarks(JSON.stringify(value, null, 2));

/** *Pure.* `0.4 s`, `12.0 s`, `3 min 05 s`. */
export const spellMs = (ms: number): string => {
  const tenths = Math.round(ms / 100);
  if (tenths < 600) return `${(tenths / 10).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${String(seconds % 60).padStart(2, '0')} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
};

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
