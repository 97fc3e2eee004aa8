/** A session's journal as the fold reads it: one chapter for each process, and the keeper's as chapter 0. Pure. */
import { stageOf } from '../../machines/index.ts';
import type { Entry, SessionJournal, Unread } from '../journal/entry.ts';
import type { Timed } from './clock.ts';
import { countOf, recordOf, textsOf } from './lenient.ts';

export type Chapter = {
  /** 0: the keeper. */
  epoch: number;
  entries: Timed[];
  /** The session wrote its last entry here. Else the process died, or (before the seal) it still runs. */
  isClosed: boolean;
  isTorn: boolean;
  lastSeq: number;
  /** Entries that a stalled process wrote after its successor had taken over. */
  ignored: number;
  unread: Unread;
};

/**
 * `keeper.sealed` comes after the fold: a second fold of the same session has to give the same bytes. So does what the
 * supervision machine receives, which goes on meanwhile.
 */
const isPartOfReport = ({ kind, data }: Entry): boolean =>
  kind !== 'keeper.sealed' && recordOf(data)['machine'] !== 'supervision';

export const chaptersOf = (journal: SessionJournal): { jobs: Chapter[]; keeper: Chapter } => {
  const takenOver = new Map<number, number>();
  for (const { entries } of journal.epochs) {
    for (const { kind, data } of entries) {
      if (kind !== 'session.opened') continue;
      const taken = recordOf(recordOf(data)['takenOver']);
      if (typeof taken['epoch'] !== 'number') continue;
      const lastSeq = countOf(taken['lastSeq']);
      takenOver.set(taken['epoch'], Math.min(lastSeq, takenOver.get(taken['epoch']) ?? lastSeq));
    }
  }
  const chapter = (epoch: number, all: Timed[], isTorn: boolean, { lost, passedOver }: Partial<Unread>): Chapter => {
    const last = takenOver.get(epoch) ?? Infinity;
    const entries = all.filter((entry) => entry.seq <= last && isPartOfReport(entry));
    return {
      epoch,
      entries,
      isClosed: entries.some(({ kind }) => kind === 'session.closed'),
      isTorn,
      lastSeq: countOf(entries.at(-1)?.seq),
      ignored: all.filter(({ seq }) => seq > last).length,
      unread: { lost: countOf(lost), passedOver: countOf(passedOver) },
    };
  };
  const jobs = [...journal.epochs].sort((one, other) => one.epoch - other.epoch);
  return {
    jobs: jobs.map(({ epoch, entries, torn, ...unread }) => chapter(epoch, entries, torn, unread)),
    keeper: chapter(0, journal.keeper, false, journal.keeperUnread ?? {}),
  };
};

/** All entries, epoch by epoch, the keeper's last: order of cause, for what is no matter of time. */
export const allEntries = (jobs: readonly Chapter[], keeper?: Chapter): Timed[] =>
  // `concat` copies whole lists; `flatMap` takes a hundred times as long for a call of 5,000 entries.
  ([] as Timed[]).concat(...jobs.map(({ entries }) => entries), keeper?.entries ?? []);

export type AwaitedCaller = {
  /** They were there already, and their line was lost; else they had not come yet, and nobody was spoken to. */
  wasThere: boolean;
  /** Wall clock, in ms. */
  since: number;
};

/** Did these jobs wait for their caller, when they wrote last? One that got no further than to join changes nothing. */
export const awaitedIn = (jobs: readonly Chapter[]): AwaitedCaller | undefined => {
  const statesOf = ({ data }: Timed) => textsOf(recordOf(data)['to']);
  const movesOf = ({ entries }: Chapter) =>
    entries.filter(({ kind, data }) => kind === 'transition' && recordOf(data)['machine'] === 'session');
  const isJoining = (move: Timed) => stageOf(statesOf(move)) === 'connecting';
  const all = jobs.map(movesOf).filter((moves) => moves.length > 0);
  const moves = all.findLast((own) => !own.every(isJoining)) ?? all.flat();
  const last = moves.at(-1);
  if (!last) return undefined;
  if (isJoining(last)) {
    const isCallers = ({ kind, data }: Timed) => kind === 'participant' && recordOf(data)['isCaller'] === true;
    return allEntries(jobs).some(isCallers) ? undefined : { wasThere: false, since: last.at };
  }
  const isAway = (move: Timed) => statesOf(move).some((state) => state.endsWith('suspended'));
  const since = moves[moves.findLastIndex((move) => !isAway(move)) + 1];
  return since && { wasThere: true, since: since.at };
};

/**
 * Did this job leave its call to the next one, because its worker was gone? `late`: somebody was speaking still. One whose
 * own session was over did, too, but that counts as a death: a provider that closes each session would have one for ever.
 */
export const handOverIn = (job: Chapter | undefined): 'calm' | 'late' | undefined => {
  const left = recordOf(job?.entries.findLast(({ kind }) => kind === 'handed.over')?.data);
  if (typeof left['isCalm'] !== 'boolean' || left['why'] === 'session_lost') return undefined;
  return left['isCalm'] ? 'calm' : 'late';
};
