/**
 * What a death at one place has broken, from accounts that know nothing of each other: what the caller heard, what the
 * receiver got, which rooms are left, what is in the journals, and what the dying process said. Pure.
 *
 *   J1  It died there and nowhere else: each blow was struck, what was to be on the disk is, what was not is not.
 *   J2  One report for the room, and no second one.
 *   J3  The caller was heard again or let go, in time, as this place promises.
 *   J4  Nothing acknowledged is lost: each item of a journal, and each line that the caller heard, is in the report.
 *   J5  No room is left.
 */
import type { Entry } from '../../../src/journal/entry.ts';
import type { Report } from '../../../src/report/schema.ts';
import type { Told } from '../verdict.ts';
import type { Struck } from './blow.ts';
import type { Outcome, Point } from './points.ts';

export type Account = {
  point: Point;
  told: Told;
  struck: readonly Struck[];
  reports: readonly Report[];
  isRoomLeft: boolean;
  /** All that the journals of sessions in this room hold. */
  entries: readonly Entry[];
  /** Lines of the agent that the caller heard most of. */
  heard: readonly string[];
  /** From the first death to the next sound that is no remainder, or to the end of the line. */
  silentMs: number | undefined;
};

/**
 * From the death on. Two patiences of a slow machine (8 s) and a keeper that has to start; one that finds no worker waits
 * for its import, too. Who was not answered is looked for after 12 s.
 */
const SILENT_MS: Record<Outcome, number> = {
  answered: 38_000,
  unharmed: Infinity,
  'goes on': 20_000,
  released: 25_000,
  either: 30_000,
  ended: 20_000,
};
const ENDS: Record<Outcome, readonly Told['ended'][]> = {
  answered: ['goodbye'],
  unharmed: ['goodbye'],
  'goes on': ['goodbye'],
  released: ['let go'],
  either: ['goodbye', 'let go'],
  ended: ['goodbye', 'let go'],
};

export function brokenOf(account: Account): string[] {
  const { point, told, reports, isRoomLeft, silentMs } = account;
  const broken = [...struckAmiss(account)];
  const [report] = reports;
  if (reports.length !== 1) broken.push(`${reports.length} reports`);
  if (!ENDS[point.outcome].includes(told.ended))
    broken.push(`${told.ended}, expected ${ENDS[point.outcome].join(' or ')}; reported as ${report?.end.reason}`);
  if (told.ended !== 'goodbye' && (silentMs ?? Infinity) > SILENT_MS[point.outcome])
    broken.push(`nobody was heard for ${silentMs} ms, and the line was not down`);
  if (told.ended === 'goodbye' && (silentMs ?? 0) > SILENT_MS[point.outcome]) broken.push(`silent for ${silentMs} ms`);
  // Who is let go while they say goodbye cannot know by whom.
  const isTheirs = report?.end.reason === 'agent_ended' || point.outcome === 'either';
  if (report && told.ended === 'goodbye' && !isTheirs)
    broken.push(`ended by a goodbye, and reported as ${report.end.reason}`);
  if (report && point.outcome === 'unharmed' && report.completeness.gaps.length > 0)
    broken.push(`unharmed, and the report has a gap of ${report.completeness.gaps[0]?.ms} ms`);
  if (report) broken.push(...lostIn(account, report));
  if (isRoomLeft) broken.push('the room is left');
  return broken;
}

/** J1 */
function struckAmiss({ point, struck, entries }: Account): string[] {
  return point.blows.flatMap((blow, number) => {
    const one = struck.find((each) => each.blow === number);
    if (!one) return [`blow ${number + 1} (${blow.who} ${blow.side} ${blow.holds.join(' ')}) was not struck`];
    if (blow.place !== 'writes') return [];
    const { seq, at, kind } = JSON.parse(headOf(one.text)) as Pick<Entry, 'seq' | 'at' | 'kind'>;
    const isOurs = entries.some((entry) => entry.kind === 'session.opened' && entry.data.owner.pid === one.pid);
    if (blow.who === 'job' && kind !== 'session.opened' && !isOurs)
      return [`process ${one.pid} is no job of this call`];
    const isThere = entries.some((entry) => entry.seq === seq && entry.at === at && entry.kind === kind);
    const isMeant = blow.side === 'after' || blow.kills?.includes('itself') === false;
    return isThere === isMeant ? [] : [`${kind} is ${isThere ? '' : 'not '}in the journal`];
  });
}

/** A line may be long: what names it comes first. */
const headOf = (line: string): string => `${line.slice(0, line.indexOf(',"data"'))}}`;

/** J4 */
function lostIn({ entries, heard }: Account, report: Report): string[] {
  const texts = report.transcript.map(({ text }) => text);
  const items = entries.flatMap((entry) => (entry.kind === 'item' && entry.data.text !== '' ? [entry.data.text] : []));
  const lost = [...new Set(items)].filter((text) => !texts.includes(text));
  const unheard = heard.filter((line) => !texts.some((text) => text !== '' && line.startsWith(text.trim())));
  return [
    ...lost.map((text) => `not in the report: "${text}"`),
    ...unheard.map((text) => `heard, and not in the report: "${text}"`),
  ];
}
