/** What was said by us, how much of it was heard, and how the caller was released. Pure. */
import type { Chapter } from './chapters.ts';
import { apart, type Moment, momentOf } from './clock.ts';
import { countOf, durationOf, knownWord, recordOf, textOf, textsOf, timeOf } from './lenient.ts';
import type { Report } from './schema.ts';

export type ReportedLine = Report['lines'][number];
type HangUp = NonNullable<Report['hangUp']>;

const outcomes = ['played', 'cut', 'skipped', 'failed', 'held-back'] as const;

/** Asked for, and no word yet of how it went. */
type Pending = { id: string; line: string; rung: string | null; asked: Moment; heard?: Moment; error?: string };

const settled = (line: string, data: Record<string, unknown>, heard: Moment | undefined): ReportedLine => {
  const outcome = knownWord(outcomes, data['outcome']) ?? 'unknown';
  const plannedMs = durationOf(data['plannedMs']);
  const measuredMs = durationOf(data['heardMs']);
  // An output counts what it plays in its own time, and nobody hears more of a line than there is.
  const heardMs = measuredMs === null ? null : Math.min(measuredMs, plannedMs ?? Infinity);
  return {
    line,
    outcome,
    rung: textOf(data['rung']),
    text: textOf(data['text']),
    startedAt: timeOf(heard?.at),
    firstAudioMs: durationOf(data['firstAudioMs']),
    heardMs,
    plannedMs,
    interrupted: (outcome === 'cut' || outcome === 'failed') && (heardMs ?? 0) > 0,
    why: textOf(data['why']),
  };
};

const unsettled = ({ line, rung, heard, asked, error }: Pending): ReportedLine => ({
  line,
  outcome: error === undefined ? 'unknown' : 'failed',
  rung,
  text: null,
  startedAt: timeOf(heard?.at),
  firstAudioMs: heard === undefined ? null : durationOf(apart(asked, heard)),
  heardMs: heard === undefined && error !== undefined ? 0 : null,
  plannedMs: null,
  interrupted: false,
  why: error ?? null,
});

const linesIn = ({ entries }: Chapter): ReportedLine[] => {
  const lines: ReportedLine[] = [];
  const pending: Pending[] = [];
  for (const entry of entries) {
    const { kind, data: raw } = entry;
    const data = recordOf(raw);
    const line = textOf(data['line']);
    const rung = textOf(data['rung']);
    const isThis = (other: Pending) => other.line === line && other.rung === rung;
    if (kind === 'event') {
      const isAudible = data['type'] === 'line.audible' || data['type'] === 'apologist.audible';
      const heard = isAudible
        ? pending.find((other) => other.heard === undefined && (line === null || isThis(other)))
        : undefined;
      if (heard) heard.heard = momentOf(entry);
    } else if (kind === 'effect' && line !== null) {
      const id = textOf(data['id']) ?? '';
      if (data['phase'] === 'requested') pending.push({ id, line, rung, asked: momentOf(entry) });
      const asked = pending.find((other) => other.id === id);
      if (asked && data['phase'] === 'failed') asked.error = textOf(data['error']) ?? 'failed';
    } else if (kind === 'spoken' && line !== null) {
      // One rung of one line is asked for again only after the first has begun to play, so the oldest is the one.
      const index = pending.findIndex(isThis);
      const [asked] = index < 0 ? [] : pending.splice(index, 1);
      lines.push(settled(line, data, asked?.heard));
    }
  }
  return [...lines, ...pending.map(unsettled)];
};

export const spokenLines = (chapters: readonly Chapter[]): ReportedLine[] => chapters.flatMap(linesIn);

/** Of several tries (rungs, epochs) the one that was heard most; among equals the last. */
export const evidenceFor = (line: string, lines: readonly ReportedLine[]): ReportedLine | null =>
  lines
    .filter((each) => each.line === line)
    .reduce<ReportedLine | null>((best, each) => ((best?.heardMs ?? 0) > (each.heardMs ?? 0) ? best : each), null);

/** The one that was verified, else the last that was tried; `unknown` if all we know is that it was asked for. */
export const reportedHangUp = (jobs: readonly Chapter[], keeper: Chapter): (Moment & { evidence: HangUp }) | null => {
  let found: (Moment & { evidence: HangUp }) | null = null;
  for (const { epoch, entries } of [...jobs, keeper]) {
    const by = epoch === 0 ? 'recovery' : 'session';
    for (const entry of entries) {
      const { kind, at, data: raw } = entry;
      const data = recordOf(raw);
      if (kind === 'effect' && data['name'] === 'hangUp' && data['phase'] === 'requested' && !found) {
        const nothingYet = { strategy: null, outcome: 'unknown', attempts: 0, error: null, ms: null } as const;
        found = { ...momentOf(entry), evidence: { ...nothingYet, left: [], by, at: timeOf(at) } };
      }
      if (kind !== 'hangup' || found?.evidence.outcome === 'verified') continue;
      const evidence: HangUp = {
        strategy: textOf(data['strategy']),
        outcome: data['verified'] === true ? 'verified' : 'unverified',
        attempts: countOf(data['attempts']),
        left: textsOf(data['left']),
        by,
        error: textOf(data['error']),
        ms: durationOf(data['ms']),
        at: timeOf(at),
      };
      found = { ...momentOf(entry), evidence };
    }
  }
  return found;
};
