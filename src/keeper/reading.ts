/**
 * What a keeper has to know of a session, read off its journal. Pure, and total as the fold is: an entry of the wrong shape
 * is one that says nothing. Whatever a keeper does for a session begins here, and what throws here would be tried again
 * for ever, without a report.
 *
 *   R1  What is acted upon is whole or not there: a pid is that of a process (0 and below are whole groups of them), a
 *       limit is a time that a timer can wait, a strategy is one of ours.
 */
import {
  defaultPolicy,
  expectedOf,
  type End,
  hangUpStrategies,
  type HangUpStrategy,
  type Policy,
} from '../../machines/index.ts';
import type { Entry, HangUpPolicy, JobFacts, Owner, SessionJournal } from '../journal/entry.ts';
import { firstJob, isJobId, type SessionId } from '../journal/ids.ts';
import { allEntries, chaptersOf, handOverIn, awaitedIn, type AwaitedCaller } from '../report/chapters.ts';
import { endIn, recordedEnd } from '../report/end.ts';
import { countOf, instantOf, readableName, knownWord, recordOf, textOf } from '../report/lenient.ts';
import { isStale } from '../session/hang-up-strategy.ts';
import { type Language, languages } from '../sound/bundled.ts';

export type Known = {
  /** The room's sid as it is now: made anew under the call, else as dispatched, else as the job found it. */
  facts: JobFacts | undefined;
  acceptedAt: number | undefined;
  openedAt: number | undefined;
  isWithdrawn: boolean;
  /** It says that its report was sealed. */
  isSealed: boolean;
  /** Its journal was removed, with what it said of its job. */
  isLost: boolean;
  isClosed: boolean;
  /** Of the last epoch that opened its journal. */
  opened: { epoch: number; owner: Owner | undefined; identity: string | undefined } | undefined;
  policy: Partial<Policy> | undefined;
  hangUp: HangUpPolicy | undefined;
  /** Why it ended, if it was ending: whoever takes over finishes that, and starts nothing new. */
  end: End | null;
  /** The caller was hung up on, and LiveKit confirmed it. */
  isReleased: boolean;
  /** A hang-up was asked for, and nobody confirmed it: refused, cut off by its deadline, or without an answer. */
  isHangUpOwed: boolean;
  /** LiveKit was away while the room was deleted: the caller's client may come back, and have the room made anew. */
  mayReturn: boolean;
  caller: string | undefined;
  /** Its caller was not there when its last job wrote last. */
  awaited: AwaitedCaller | undefined;
  /** What its last job was dispatched as. */
  dispatch: string | undefined;
  /** Dispatches that a keeper has asked for, to have it taken over. */
  called: string[];
  /** How often within a minute it may be taken over. */
  resume: number;
  /** What its caller hears when nobody takes it over. Undefined: nothing. */
  apology: { language: Language; file: string | undefined } | undefined;
  /** When it was taken over after a death, by the wall clock. */
  takenOverAt: number[];
  /** Its last job left it to the next one, whose worker was gone: that is no death of the call's. */
  isHandedOver: boolean;
};

/** For a session whose journal does not say. */
export const defaultHangUp: HangUpPolicy = { normal: 'delete-room', failure: 'delete-room', transfer: 'leave' };

const strategyOf = (value: unknown, otherwise: HangUpStrategy): HangUpStrategy =>
  knownWord(hangUpStrategies, value) ?? otherwise;

const hangUpIn = (value: unknown): HangUpPolicy | undefined => {
  const { normal, failure, transfer } = recordOf(value);
  if (typeof value !== 'object' || value === null) return undefined;
  return {
    normal: strategyOf(normal, defaultHangUp.normal),
    failure: strategyOf(failure, defaultHangUp.failure),
    transfer: strategyOf(transfer, defaultHangUp.transfer),
  };
};

/** The limits that are limits; of an earlier version: those that there were. A timer of NaN milliseconds fires at once. */
const policyIn = (value: unknown): Partial<Policy> | undefined => {
  if (typeof value !== 'object' || value === null) return undefined;
  const given = Object.entries(value).filter(
    ([name, limit]) => Object.hasOwn(defaultPolicy, name) && expectedOf(name as keyof Policy, limit) === undefined,
  );
  return Object.fromEntries(given) as Partial<Policy>;
};

/** R1. */
const ownerIn = (value: unknown): Owner | undefined => {
  const { host, bootId, pidNamespace, pid, startTicks } = recordOf(value);
  const texts = [host, bootId, pidNamespace, startTicks];
  if (!texts.every((each) => typeof each === 'string') || countOf(pid) === 0) return undefined;
  return { host, bootId, pidNamespace, pid, startTicks } as Owner;
};

const isHangUp = ({ kind, data }: Entry): boolean => kind === 'effect' && recordOf(data)['name'] === 'hangUp';
/** Also where recovery found that the room is somebody else's: then there is nothing to be noted but this. */
const isSettledWell = (entry: Entry): boolean => {
  const { phase, output } = recordOf(entry.data);
  return isHangUp(entry) && phase === 'settled' && recordOf(output)['verified'] === true;
};

const isLateDeletion = ({ kind, data }: Entry): boolean => {
  const { strategy, verified, attempts } = recordOf(data);
  return kind === 'hangup' && strategy === 'delete-room' && verified === true && countOf(attempts) > 1;
};

/** The room's sid as it is now. */
const sidIn = (entries: readonly Entry[], dispatched: string): string => {
  const sids = (change: string): string[] =>
    entries.flatMap(({ kind, data }) => {
      const { change: what, sid } = recordOf(data);
      return kind === 'room' && what === change && readableName(sid) !== null ? [sid as string] : [];
    });
  return sids('renewed').at(-1) ?? (dispatched === '' ? (sids('connected')[0] ?? '') : dispatched);
};

/** `job`: its entry, of an epoch's file or the keeper's. An entry of an earlier version names neither session nor epoch. */
const factsIn = (
  session: SessionId,
  epoch: number,
  job: Record<string, unknown>,
  entries: readonly Entry[],
): JobFacts => {
  const room = recordOf(job['room']);
  const named = textOf(job['job']) ?? '';
  return {
    ...firstJob(session),
    ...(isJobId(named) && { job: named }),
    epoch,
    agentName: textOf(job['agentName']) ?? '',
    room: { name: textOf(room['name']) ?? '', sid: sidIn(entries, textOf(room['sid']) ?? '') },
    metadata: textOf(job['metadata']) ?? '',
  };
};

/** A function of the call may have chosen another language after its journal was opened. */
const apologyIn = (value: unknown, entries: readonly Entry[]): Known['apology'] => {
  if (typeof value !== 'object' || value === null) return undefined;
  const { language, file } = recordOf(value);
  const chosen = entries.findLast(({ kind, data }) => kind === 'event' && recordOf(data)['type'] === 'lines.chosen');
  const known = knownWord(languages, recordOf(chosen?.data)['language'] ?? language);
  return { language: known ?? 'en', file: textOf(file) ?? undefined };
};

const openingOf = (entries: readonly Entry[]): Entry | undefined =>
  entries.findLast(({ kind }) => kind === 'session.opened');

/** A session is over when the last of its epochs is; what a predecessor wrote after it was taken over says nothing. */
export function whatIsKnown(journal: SessionJournal): Known {
  const { jobs } = chaptersOf(journal);
  const entries = allEntries(jobs);
  const all: Entry[] = [...entries, ...journal.keeper];
  const accepted = journal.keeper.findLast(({ kind }) => kind === 'session.accepted');
  // LiveKit offers a job that was declined again, under the same id: the last word counts.
  const offer = journal.keeper.findLast(({ kind }) => kind === 'session.accepted' || kind === 'session.withdrawn');
  const last = jobs.findLast(({ entries: own }) => openingOf(own) !== undefined);
  const opened = last && openingOf(last.entries);
  const closed = jobs.at(-1)?.entries.find(({ kind }) => kind === 'session.closed');
  // A job that runs all the same is a session, whatever its worker said before.
  const isWithdrawn = offer?.kind === 'session.withdrawn' && (!opened || opened.at <= offer.at);
  const wasStale = isStale(endIn(recordOf(closed?.data)['end']));
  const caller = entries.findLast(({ kind, data }) => kind === 'participant' && recordOf(data)['isCaller'] === true);
  const job = opened ?? accepted;
  const facts = recordOf(job?.data);
  const first = recordOf(opened?.data);
  const isReleased = all.some(({ kind, data }) => kind === 'hangup' && recordOf(data)['verified'] === true);
  const isAsked = all.some((entry) => entry.kind === 'hangup' || isHangUp(entry));
  return {
    facts: job && factsIn(journal.session, last?.epoch ?? firstJob(journal.session).epoch, facts, entries),
    acceptedAt: accepted && instantOf(accepted.at),
    openedAt: instantOf(entries.find(({ kind }) => kind === 'session.opened')?.at),
    isWithdrawn: isWithdrawn || wasStale,
    isSealed: journal.keeper.some(({ kind }) => kind === 'keeper.sealed'),
    isLost: journal.keeper.some(({ kind, data }) => kind === 'keeper.noticed' && recordOf(data)['what'] === 'lost'),
    isClosed: closed !== undefined,
    opened: last && {
      epoch: last.epoch,
      owner: ownerIn(first['owner']),
      identity: readableName(first['identity']) ?? undefined,
    },
    policy: policyIn(facts['policy']),
    hangUp: hangUpIn(facts['hangUp']),
    end: recordedEnd(journal),
    isReleased,
    isHangUpOwed: isAsked && !isReleased && !all.some(isSettledWell),
    mayReturn: all.some(isLateDeletion),
    caller: readableName(recordOf(caller?.data)['identity']) ?? undefined,
    awaited: awaitedIn(jobs),
    dispatch: readableName(facts['dispatch']) ?? undefined,
    called: journal.keeper.flatMap(({ kind, data }) =>
      kind === 'keeper.dispatched' ? (readableName(recordOf(data)['dispatch']) ?? []) : [],
    ),
    resume: countOf(first['resume']),
    apology: apologyIn(first['apology'], entries),
    takenOverAt: journal.keeper.flatMap(({ kind, at, data }) => {
      const before = countOf(recordOf(data)['epoch']) - 1;
      const isDeath = kind === 'keeper.succeeded' && !handOverIn(jobs.find(({ epoch }) => epoch === before));
      return isDeath ? (instantOf(at) ?? []) : [];
    }),
    isHandedOver: handOverIn(jobs.at(-1)) !== undefined,
  };
}
