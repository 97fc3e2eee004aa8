/** What a keeper has to know of a session, read off its journal. Pure. */
import type { End, Policy } from '../../machines/index.ts';
import type { Entry, HangUpPolicy, JobFacts, Owner, SessionJournal } from '../journal/entry.ts';
import { recordedEnd } from '../report/end.ts';
import { isStale } from '../session/hang-up-strategy.ts';

export type Known = {
  /** The room's sid as it is now: made anew under the call, else as dispatched, else as the job found it. */
  facts: JobFacts | undefined;
  acceptedAt: number | undefined;
  openedAt: number | undefined;
  isWithdrawn: boolean;
  isClosed: boolean;
  /** Of the last epoch that opened its journal. */
  opened: { epoch: number; owner: Owner; identity: string } | undefined;
  policy: Policy | undefined;
  hangUp: HangUpPolicy | undefined;
  /** Why it ended, if it was ending: whoever takes over finishes that, and starts nothing new. */
  end: End | null;
  /** The caller was hung up on, and LiveKit confirmed it. */
  isReleased: boolean;
  /** A hang-up was asked for, and nobody confirmed it: refused, cut off by its deadline, or without an answer. */
  isHangUpOwed: boolean;
  caller: string | undefined;
};

/** For a session whose journal does not say. */
export const defaultHangUp: HangUpPolicy = { normal: 'delete-room', failure: 'delete-room', transfer: 'leave' };

const isHangUp = (entry: Entry) => entry.kind === 'effect' && entry.data.name === 'hangUp';
/** Also where recovery found that the room is somebody else's: then there is nothing to be noted but this. */
const isSettledWell = (entry: Entry): boolean => {
  if (entry.kind !== 'effect' || entry.data.name !== 'hangUp' || entry.data.phase !== 'settled') return false;
  const { output } = entry.data;
  return typeof output === 'object' && output !== null && 'verified' in output && output['verified'] === true;
};

export function whatIsKnown(journal: SessionJournal): Known {
  const entries = journal.epochs.flatMap((epoch) => epoch.entries);
  const accepted = journal.keeper.findLast((entry) => entry.kind === 'session.accepted');
  // LiveKit offers a job that was declined again, under the same id: the last word counts.
  const offer = journal.keeper.findLast(({ kind }) => kind === 'session.accepted' || kind === 'session.withdrawn');
  const opened = entries.findLast((entry) => entry.kind === 'session.opened');
  const closed = entries.find((entry) => entry.kind === 'session.closed');
  // A job that runs all the same is a session, whatever its worker said before.
  const isWithdrawn = offer?.kind === 'session.withdrawn' && (!opened || opened.at <= offer.at);
  const wasStale = isStale(closed?.data.end);
  const caller = entries.findLast((entry) => entry.kind === 'participant' && entry.data.isCaller === true);
  const job = opened?.data ?? accepted?.data;
  const all: Entry[] = [...entries, ...journal.keeper];
  const isReleased = all.some((entry) => entry.kind === 'hangup' && entry.data.verified);
  const isAsked = all.some((entry) => entry.kind === 'hangup' || isHangUp(entry));
  const found = entries.find((entry) => entry.kind === 'room' && entry.data.change === 'connected');
  const foundSid = (found?.kind === 'room' && found.data.sid) || '';
  const renewed = entries.findLast((entry) => entry.kind === 'room' && entry.data.change === 'renewed');
  const renewedSid = (renewed?.kind === 'room' && renewed.data.sid) || undefined;
  return {
    facts: job && {
      job: job.job,
      agentName: job.agentName,
      room: { name: job.room.name, sid: renewedSid ?? (job.room.sid === '' ? foundSid : job.room.sid) },
      metadata: job.metadata,
    },
    acceptedAt: accepted?.at,
    openedAt: entries.find(({ kind }) => kind === 'session.opened')?.at,
    isWithdrawn: isWithdrawn || wasStale,
    isClosed: closed !== undefined,
    opened: opened && { epoch: opened.data.epoch, owner: opened.data.owner, identity: opened.data.identity },
    policy: job?.policy,
    hangUp: job?.hangUp,
    end: recordedEnd(journal),
    isReleased,
    isHangUpOwed: isAsked && !isReleased && !all.some(isSettledWell),
    caller: caller?.kind === 'participant' ? caller.data.identity : undefined,
  };
}
