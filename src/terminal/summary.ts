/** What is printed when a call in the terminal is over. Pure. */
import { relative } from 'node:path';
import type { Report } from '../report/schema.ts';
import type { Paint } from './paint.ts';
import { oneLine, spellMs } from './paint.ts';
import { heardOf } from './timeline.ts';

export type Outcome = {
  report: Report;
  /** Where the file destination wrote it; undefined when it did not. */
  file: string | undefined;
  /** What the receiver made of it; undefined when nothing came. */
  delivered: { ok: true } | { ok: false; why: string } | undefined;
};

const deliveryOf = ({ delivered }: Outcome): { text: string; isGood: boolean } => {
  if (delivered?.ok) return { text: 'delivered, signature verified', isGood: true };
  if (delivered) return { text: `delivered, but the signature does not verify: ${delivered.why}`, isGood: false };
  return { text: 'not delivered yet; it is kept, and `lastword deliveries` says why', isGood: false };
};

/** *Pure.* */
export const isGood = (outcome: Outcome): boolean => outcome.delivered?.ok === true && outcome.file !== undefined;

export function summary(outcome: Outcome, paint: Paint): string {
  const { report, file } = outcome;
  const { completeness, end, stages, goodbye, hangUp } = report;
  // The report is sealed before the machine's last step, so it cannot hold it.
  const last = completeness.status === 'closed' ? ['closed'] : ['(the process died; the keeper went on)'];
  const path = [
    ...stages.filter(({ stage }) => stage !== 'closed').map(({ stage, ms }) => `${stage} ${spellMs(ms)}`),
    ...last,
  ];
  const delivery = deliveryOf(outcome);
  const rows: [string, string][] = [
    ['path', path.join(' → ')],
    [
      'end',
      `${oneLine(end.reason)}, by ${end.by}, while ${end.stage}${end.detail === null ? '' : `: ${oneLine(end.detail)}`}`,
    ],
    ['goodbye', goodbye === null ? 'none was due' : heardOf(goodbye)],
    ['hang-up', hangUp === null ? 'none: the caller had gone' : `${hangUp.strategy ?? 'asked for'}, ${hangUp.outcome}`],
    ['report', file === undefined ? 'no file was written' : relative(process.cwd(), file) || file],
    ['', paint(delivery.isGood ? 'good' : 'bad', delivery.text)],
  ];
  return rows.map(([name, text]) => `${paint('quiet', name.padEnd(9))}${text}`).join('\n');
}
