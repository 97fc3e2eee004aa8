/**
 * A report that every receiver takes: at most REPORT_BYTES, whatever the journal holds. Pure, and total.
 *
 *   C1  What fits is left as it is. What does not loses parts in a fixed order, what fewest will miss first, and no more of
 *       each than it must; `completeness.leftOut` says which and how much.
 *   C2  How the call ended, its times, the hang-up and the evidence for greeting, goodbye and apology stay: of them only
 *       texts are cut, and those last of all, when nothing else is left.
 *   C3  It fits the schema before and after.
 */
import type { Json } from '../journal/entry.ts';
import { jsonBytes, type Cut, cutEverywhere, emptied, middleOut, shortened } from './cut.ts';
import type { Report } from './schema.ts';

/**
 * 4 MiB. Receivers commonly take 1 to 10 MB; a call of two hours makes about 1. Not an option: bytes are sealed once, for
 * every receiver, and who takes less has to hear of it before, not by a setting that is missing.
 */
export const REPORT_BYTES = 4 * 1024 * 1024;

type LeftOut = Report['completeness']['leftOut'][number];
/** `excess`: bytes that the report is too long by. */
type Step = { part: string; cut: (report: Report, excess: number) => Cut<Report> };

const LONG_TEXT = 4 * 1024;
const nothing: Json = null;
const isCaller = ({ isCaller: is }: Report['participants'][number]): boolean => is;

/** One field of the report, as what is cut from it. */
const field = <Name extends keyof Report>(
  name: Name,
  cut: (value: Report[Name], excess: number) => Cut<Report[Name]>,
  part: string = name,
): Step => ({
  part,
  cut: (report, excess) => {
    const { value, ...count } = cut(report[name], excess);
    return { value: { ...report, [name]: value }, ...count };
  },
});

/** C1: the order. */
const steps: readonly Step[] = [
  field('path', middleOut),
  field(
    'participants',
    (people, excess) =>
      emptied(people, excess, (one) => (isCaller(one) ? one : { ...one, attributes: {}, metadata: null })),
    'participants.attributes',
  ),
  field('tools', (tools, excess) => emptied(tools, excess, (tool) => ({ ...tool, output: nothing })), 'tools.output'),
  field('tools', (tools, excess) => emptied(tools, excess, (tool) => ({ ...tool, args: nothing })), 'tools.args'),
  field('warnings', middleOut),
  field('errors', middleOut),
  field('providerSwitches', middleOut),
  field(
    'application',
    ({ outcome, attachments }, excess) => {
      const { value, ...count } = emptied(
        Object.entries(attachments),
        excess,
        ([key]) => [key, nothing] as [string, Json],
      );
      return { value: { outcome, attachments: Object.fromEntries(value) }, ...count };
    },
    'application.attachments',
  ),
  field('metadata', (value) => {
    const bytes = jsonBytes(value);
    return bytes > LONG_TEXT ? { value: nothing, entries: 1, bytes } : { value, entries: 0, bytes: 0 };
  }),
  field('lines', middleOut),
  field('participants', (people, excess) => middleOut(people, excess, isCaller)),
  field(
    'transcript',
    (rows, excess) => emptied(rows, excess, (row) => ({ ...row, text: shortened(row.text, LONG_TEXT) })),
    'transcript.text',
  ),
  field('transcript', (rows, excess) => middleOut(rows, excess)),
  field('tools', middleOut),
  field('usage', (models, excess) =>
    emptied(models, excess, ({ type, provider, model }) => ({ type, provider, model })),
  ),
  // What is left is long only where somebody wanted it to be.
  {
    part: 'texts',
    cut: (report) => {
      const value = cutEverywhere(report) as Report;
      return { value, entries: 1, bytes: jsonBytes(report) - jsonBytes(value) };
    },
  },
];

/** What the marks themselves may take. */
const MARKS_BYTES = 4 * 1024;

/** *Pure.* The report, with as much left out as it is above `limit` bytes. */
export const withinCap = (report: Report, limit: number = REPORT_BYTES): Report => {
  let bytes = jsonBytes(report);
  if (bytes <= limit) return report;
  const leftOut: LeftOut[] = [];
  let rest = report;
  for (const { part, cut } of steps) {
    const excess = bytes + MARKS_BYTES - limit;
    if (excess <= 0) break;
    const { value, ...count } = cut(rest, excess);
    if (count.entries === 0) continue;
    leftOut.push({ part, ...count });
    rest = value;
    bytes = jsonBytes(rest);
  }
  return { ...rest, completeness: { ...rest.completeness, leftOut } };
};
