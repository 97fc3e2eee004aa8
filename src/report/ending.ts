/**
 * How a call ended, and what was done for its caller: the part of a report that the first line of a call is made of. That
 * line is asked for again and again while a call goes on, and needs no transcript, no path and no figures. Pure.
 */
import type { SessionJournal } from '../journal/entry.ts';
import { causesOf } from './causes.ts';
import { allEntries, chaptersOf, type Chapter } from './chapters.ts';
import { withSteadyTime } from './clock.ts';
import { endIn, foundBy, recordedIn } from './end.ts';
import { countOf, knownWord, listOf, recordOf, textOf, timeOf } from './lenient.ts';
import { evidenceFor, reportedHangUp, spokenLines } from './lines.ts';
import type { Report } from './schema.ts';

export type Ending = Pick<
  Report,
  'session' | 'end' | 'alsoTriggered' | 'greeting' | 'goodbye' | 'apology' | 'hangUp'
> & { completeness: Pick<Report['completeness'], 'noticed'> };

type Chapters = { jobs: readonly Chapter[]; keeper: Chapter };

/** The same words as the report of this journal has them, as long as nothing had to be cut from it. */
export const endingOf = (journal: SessionJournal): Ending =>
  endedWith(journal.session, chaptersOf(withSteadyTime(journal).journal)).ending;

/** With what it was found from, for the rest of a report. */
export const endedWith = (session: string, { jobs, keeper }: Chapters) => {
  const chapters = [...jobs, keeper];
  const lines = spokenLines(chapters);
  const hangUp = reportedHangUp(jobs, keeper) ?? undefined;
  const recorded = recordedIn(jobs);
  const ended = recorded ?? foundBy(jobs, keeper);
  const { by, reason, fault, detail } = ended.end;
  const { errors: told, warnings } = causesOf(chapters, fault);
  const ending: Ending = {
    session,
    end: { by, reason, fault, detail: detail ?? lastFailure(fault, told), stage: ended.stage ?? 'connecting' },
    alsoTriggered: alsoTriggeredIn(jobs, keeper, recorded !== undefined),
    greeting: evidenceFor('greeting', lines),
    goodbye: evidenceFor('goodbye', lines),
    apology: evidenceFor('apology', lines),
    hangUp: hangUp?.evidence ?? null,
    completeness: { noticed: noticedIn(keeper) },
  };
  return { ending, ended, lines, hangUp, told, warnings };
};

const isFatal = ({ recoverable }: { recoverable: boolean }): boolean => !recoverable;

/** An end that blames somebody should say for what. */
const lastFailure = (fault: Report['end']['fault'], errors: Report['errors']): string | null =>
  fault === 'application' || fault === 'provider' ? (errors.findLast(isFatal)?.message ?? null) : null;

const withDetail = (end: ReturnType<typeof endIn>): Report['alsoTriggered'] =>
  end ? [{ by: end.by, reason: end.reason, fault: end.fault, detail: end.detail ?? null }] : [];

const alsoTriggeredIn = (jobs: readonly Chapter[], keeper: Chapter, isRecorded: boolean): Report['alsoTriggered'] => {
  const closed = allEntries(jobs).find(({ kind }) => kind === 'session.closed');
  if (closed) return listOf(recordOf(closed.data)['alsoTriggered']).flatMap((each) => withDetail(endIn(each)));
  // It was ending, and died on the way: the first reason stays, and the crash is told beside it.
  const isCrash = (data: unknown) => knownWord(['died', 'frozen', 'gone'], recordOf(data)['what']) !== null;
  const crash = isRecorded && keeper.entries.some(({ kind, data }) => kind === 'keeper.noticed' && isCrash(data));
  return crash ? withDetail(foundBy(jobs, keeper).end) : [];
};

const noticedIn = (keeper: Chapter): Report['completeness']['noticed'] =>
  keeper.entries.flatMap(({ kind, at, data: raw }) => {
    if (kind !== 'keeper.noticed') return [];
    const { what, epoch, detail } = recordOf(raw);
    return { what: textOf(what) ?? 'unknown', epoch: countOf(epoch), detail: textOf(detail), at: timeOf(at) };
  });
