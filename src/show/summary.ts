/** What is printed when a call in the terminal is over. */
import { relative } from 'node:path';
import type { Report } from '../report/schema.ts';
import type { Paint } from './paint.ts';
import { oneLine, spellMs } from './paint.ts';
import { heardOf } from '../reads/timeline.ts';

export type CallSummary = {
  report: Report;
  /** Where the file destination wrote it; undefined when it did not. */
  file: string | undefined;
  /** What the receiver made of it; undefined when nothing came. */
  delivered: { ok: true } | { ok: false; why: string } | undefined;
};

const deliveryOf = ({ delivered }: CallSummary): { text: string; isGood: boolean } => {
  if (delivered?.ok) return { text: 'delivered, signature verified', isGood: true };
  if (delivered) return { text: `delivered, but the signature does not verify: ${delivered.why}`, isGood: false };
  return { text: 'not delivered yet; it is kept, and `lastword deliveries` says why', isGood: false };
};

/** From here, where that is shorter than the whole path. */
const near = (path: string): string => {
  const fromHere = relative(process.cwd(), path);
  return fromHere.startsWith('..') ? path : fromHere;
};

/** *Pure.* */
export const isGood = (outcome: CallSummary): boolean => outcome.delivered?.ok === true && outcome.file !== undefined;

/** Nothing of an ordinary call. */
const missingFrom = ({ completeness: { withheld, leftOut } }: Report): [string, string][] => {
  const all = [...withheld, ...leftOut].map(({ part, entries }) => `${part} (${entries.toLocaleString('en-US')})`);
  return all.length === 0 ? [] : [['missing', `more than fits: ${[...new Set(all)].slice(0, 8).join(', ')}`]];
};

const how: Record<string, string> = {
  died: 'the process died',
  frozen: 'the process froze, and was killed',
  gone: 'the process was gone with its host',
  lost: 'its journal was lost',
};

/** A line for each death that another process followed. */
const gapsIn = ({ completeness: { gaps, epochs } }: Report): [string, string][] =>
  gaps.map(({ toEpoch, ms, cause }) => {
    const why = how[cause] ?? oneLine(cause);
    if (toEpoch === null || ms === null) return ['silence', `${why}; another one came, and was never heard`];
    const job = epochs.find(({ epoch }) => epoch === toEpoch)?.job ?? null;
    const by = job === null ? '' : `job ${oneLine(job)}, `;
    return ['silence', `heard nothing for ${spellMs(ms)}: ${why}; heard again by ${by}epoch ${toEpoch}`];
  });

/** *Pure.* What a report says of the call as a whole: name and text. */
export function summaryRows(report: Report): [string, string][] {
  const { completeness, end, stages, goodbye, hangUp } = report;
  // The report is sealed before the machine's last step, so it cannot hold it.
  const last = completeness.status === 'closed' ? ['closed'] : ['(the process died; the keeper went on)'];
  const lasted = stages.filter(({ stage }) => stage !== 'closed').map(({ stage, ms }) => `${stage} ${spellMs(ms)}`);
  const why = end.detail === null ? '' : `: ${oneLine(end.detail)}`;
  return [
    ['path', [...lasted, ...last].join(' → ')],
    ['end', `${oneLine(end.reason)}, by ${end.by}, while ${end.stage}${why}`],
    ['goodbye', goodbye === null ? 'none was due' : heardOf(goodbye)],
    ...gapsIn(report),
    ['hang-up', hangUp === null ? 'none' : `${hangUp.strategy ?? 'asked for'}, ${hangUp.outcome}`],
    ...missingFrom(report),
  ];
}

/** *Pure.* */
export function summary(outcome: CallSummary, paint: Paint): string {
  const { report, file } = outcome;
  const delivery = deliveryOf(outcome);
  const rows: [string, string][] = [
    ...summaryRows(report),
    ['report', file === undefined ? 'no file was written' : near(file)],
    ['', paint(delivery.isGood ? 'good' : 'bad', delivery.text)],
  ];
  return rows.map(([name, text]) => `${paint('quiet', name.padEnd(9))}${text}`).join('\n');
}
