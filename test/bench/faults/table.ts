/** The comparison in docs/faults.md. What is bold is missed. Pure. */
import { type Bounds, misses, type Pair } from './goals.ts';
import type { Measured, Row } from './row.ts';

const COLUMNS = 'fault | ids | silence, bare | Lastword | then, bare | Lastword | report, bare | Lastword';
const seconds = (ms: number | null): string => (ms === null ? '–' : `${(ms / 1000).toFixed(1)} s`);
const flagged = (text: string, isMissed: boolean): string => (isMissed ? `**${text}**` : text);

function cells(row: Row, measured: Measured, bounds: Bounds): [silence: string, then: string, report: string] {
  const missed = misses(row, measured, bounds);
  const { outcome, isRoomLeft, reports, isTrue, heard, silenceMs } = measured;
  const cut = outcome === 'left alone' && silenceMs !== null && silenceMs >= (row.cutMs ?? 60_000) - 1000 ? '> ' : '';
  const word = { released: row.waits === false ? 'over' : 'let go', answered: 'goes on', 'left alone': 'left alone' };
  const then = [word[outcome], heard, isRoomLeft && outcome !== 'left alone' && 'room left'].filter(Boolean).join(', ');
  const report = reports === 0 ? 'none' : `${reports === 1 ? '' : `${reports}, `}${isTrue ? 'true' : 'untrue'}`;
  return [
    flagged(`${cut}${seconds(silenceMs)}`, missed.includes('silence')),
    flagged(then, missed.includes('outcome') || missed.includes('room')),
    flagged(report, missed.includes('report') || missed.includes('reason')),
  ];
}

export function lineOf({ row, bare, lastword }: Pair, bounds: Bounds): string {
  const [theirs, ours] = [cells(row, bare, bounds), cells(row, lastword, bounds)];
  const pairs = theirs.flatMap((cell, index) => [cell, ours[index]]);
  // The name first: a line that begins with an id is one of the catalogue.
  return `| ${row.name} | ${row.ids.join(' ')} | ${pairs.join(' | ')} |`;
}

const nameIn = (line: string): string => line.split(' | ')[0]?.slice(2) ?? '';

/** Lines of rows that were not run now are kept as the document has them. */
export function body(document: string, lines: readonly string[], rows: readonly Row[], about: string): string {
  const section = /<!-- bench:faults -->([^]*)<!-- \/bench:faults -->/.exec(document)?.[1] ?? '';
  const kept = section.split('\n').filter((line) => line.startsWith('| '));
  const all = rows.flatMap(({ name }) => [...lines, ...kept].find((line) => nameIn(line) === name) ?? []);
  const missed = (column: number) => all.filter((line) => line.split(' | ')[column]?.includes('**')).length;
  const count = (what: string, column: number) =>
    `| ${what} | ${all.length - missed(column)} of ${all.length} | ${all.length - missed(column + 1)} of ${all.length} |`;
  return [
    about,
    '',
    '| of the rows below | bare SDK | Lastword |',
    '| --- | --- | --- |',
    count('no silence above the limit', 2),
    count('let go, or goes on; no room left', 4),
    count('exactly one report, with the true reason', 6),
    '',
    `| ${COLUMNS} |`,
    `|${' --- |'.repeat(COLUMNS.split(' | ').length)}`,
    ...all,
  ].join('\n');
}
