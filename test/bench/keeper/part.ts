/** One part of the benchmark: what it measured as Markdown, and which goals it missed. */
import { availableParallelism, cpus, loadavg } from 'node:os';

export type Part = { body: string; missed: string[] };
export type Goal = { what: string; figure: string; goal: string; isMet: boolean };

const load = () => loadavg()[0]?.toFixed(1) ?? '?';
const begun = load();

/** Where it was measured, and beside what. */
export const machine = (): string =>
  `${availableParallelism()} cores (${cpus()[0]?.model.trim()}), Node ${process.versions.node}, load ${begun} before and ${load()} at the end`;

/** A table of figures and goals; what is missed is bold. */
export const withGoals = (rows: readonly Goal[]): string =>
  [
    '| | measured | goal |',
    '| --- | --- | --- |',
    ...rows.map(({ what, figure, goal, isMet }) => `| ${what} | ${isMet ? figure : `**${figure}**`} | ${goal} |`),
  ].join('\n');
export const missedOf = (rows: readonly Goal[]): string[] =>
  rows.filter(({ isMet }) => !isMet).map(({ what, figure, goal }) => `${what}: ${figure}, goal ${goal}`);
