/**
 * Entries as rows, in three densities: all of them, the steps (what `lastword show` prints), and the story (what a person
 * would tell). Nothing is deleted: each density is a choice of the same rows, in the same order.
 */
import { stageOf } from '../../machines/index.ts';
import { oneLine } from '../output/for-people.ts';
import { whenOf } from '../report/clock.ts';
import { recordOf, textsOf } from '../report/lenient.ts';
import type { EntryRow } from './answers.ts';
import { wellFormedStart } from './cut-json.ts';
import { refOf, type Placed, type SessionRead } from './session-read.ts';
import { timeline, type TimelineRow } from './timeline.ts';

export type Shown = {
  row: EntryRow;
  isStep: boolean;
  isStory: boolean;
  /** Leaves of the session machine when it was written. */
  states: readonly string[];
};

const MOST_CHARACTERS = 1_000;
const short = (text: string): string =>
  text.length <= MOST_CHARACTERS ? text : `${wellFormedStart(text, MOST_CHARACTERS - 1)}…`;

/** All of a session; its list is the slider's. */
export const shownOf = (read: SessionRead): Shown[] =>
  read.kept('rows', () => {
    const rowOf = timeline();
    let states: readonly string[] = [];
    const rows = read.all.map((placed): Shown => {
      const { index, file, entry } = placed;
      const data = recordOf(entry.data);
      if (entry.kind === 'transition' && (data['machine'] ?? 'session') === 'session') states = textsOf(data['to']);
      const step = attempted(() => rowOf(entry, file));
      const { what, text, tone, aside } = step ?? bareRow(placed);
      const kind = oneLine(entry.kind).slice(0, 80);
      const row: EntryRow = { index, ref: refOf(placed), at: whenOf(entry), kind, what, text: short(text), tone };
      if (aside !== undefined) row.aside = short(aside);
      return { row, isStep: step !== undefined, isStory: false, states };
    });
    tellStory(read.all, rows);
    return rows;
  });

/** A journal may hold anything at all, and a row of the wrong shape says what its kind is. */
const attempted = <Row>(make: () => Row | undefined): Row | undefined => {
  try {
    return make();
  } catch {
    return undefined;
  }
};

/** Most of an entry's data is cut away: not all of it need be written for that. */
const briefly = (data: unknown): string => {
  const parts = Object.entries(recordOf(data)).map(([name, value]) => {
    if (typeof value === 'string') return `${name}=${wellFormedStart(value, 120)}`;
    if (typeof value !== 'object' || value === null) return `${name}=${String(value)}`;
    if (Array.isArray(value) && value.every((each) => typeof each === 'string'))
      return `${name}=${value.slice(0, 5).join('+')}`;
    return `${name}={${Object.keys(value).slice(0, 5).join(',')}}`;
  });
  return wellFormedStart(parts.slice(0, 12).join(' '), 300);
};

const bareRow = ({ entry }: Placed): Omit<TimelineRow, 'at'> => {
  const { type, machine, limit, change, who } = recordOf(entry.data);
  const subject = [machine, type, limit, who, change].filter((each) => typeof each === 'string');
  const text = subject.length > 0 ? subject.join(' ') : briefly(entry.data);
  return { what: oneLine(entry.kind).slice(0, 20), text: oneLine(text), tone: 'quiet' };
};

const STORY_ROWS = 20;

/** How much a person would miss it: 1 the most. undefined: no part of the story. */
function weightOf({ entry }: Placed, row: EntryRow, isNewStage: boolean): number | undefined {
  const data = recordOf(entry.data);
  switch (entry.kind) {
    case 'session.closed':
    case 'session.withdrawn':
    case 'keeper.noticed':
    case 'hangup':
      return data['what'] === 'closed' ? 6 : 1;
    case 'session.opened':
    case 'keeper.resumed':
    case 'keeper.sealed':
    case 'transfer':
      return 2;
    case 'error':
      return data['recoverable'] === false ? 2 : 5;
    case 'participant':
      return data['isCaller'] === true && data['change'] !== 'attributes' && data['change'] !== 'metadata'
        ? 2
        : undefined;
    case 'spoken':
      return data['line'] === 'filler' || data['line'] === 'nudge' ? 5 : 3;
    case 'tool':
      return row.tone === 'bad' ? 3 : data['status'] === 'settled' ? 4 : undefined;
    case 'transition':
      return isNewStage ? 3 : undefined;
    case 'item':
      return row.what === 'handoff' ? 3 : 4;
    case 'attach':
      return data['key'] === 'outcome' ? 3 : 6;
    case 'withheld':
    case 'provider':
      return 5;
    default:
      return undefined;
  }
}

/** The weightiest; of those that weigh the same the first and the last ones, for the middle of a call is more of the same. */
function tellStory(all: readonly Placed[], rows: readonly Shown[]): void {
  let stage = '';
  let states: readonly string[] = [];
  const told = rows.flatMap((shown, index) => {
    const placed = all[index];
    if (!placed || !shown.isStep) return [];
    const isMoved = shown.states !== states && shown.states.length > 0;
    const now = isMoved ? (stageOf(shown.states) ?? '') : stage;
    const isNewStage = now !== stage;
    [stage, states] = [now, shown.states];
    const weight = weightOf(placed, shown.row, isNewStage);
    return weight === undefined ? [] : [{ shown, weight }];
  });
  const byWeight = new Map<number, Shown[]>();
  for (const { shown, weight } of told) {
    const these = byWeight.get(weight);
    if (these) these.push(shown);
    else byWeight.set(weight, [shown]);
  }
  let left = STORY_ROWS;
  for (const weight of [...byWeight.keys()].sort((one, other) => one - other)) {
    const these = byWeight.get(weight) ?? [];
    const first = Math.ceil(Math.min(left, these.length) / 2);
    const last = Math.min(left, these.length) - first;
    const chosen = these.length <= left ? these : [...these.slice(0, first), ...these.slice(these.length - last)];
    for (const shown of chosen) shown.isStory = true;
    left -= chosen.length;
    if (left <= 0) return;
  }
}
