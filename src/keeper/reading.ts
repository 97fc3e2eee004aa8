/** What a keeper has to know of a session, read off its journal. Pure. */
import { ends, type End, type Policy } from '../../machines/index.ts';
import type { EntryOf, HangUpPolicy, HangUpStrategy, JobFacts, Owner, SessionJournal } from '../journal/entry.ts';

export type Known = {
  facts: JobFacts | undefined;
  acceptedAt: number | undefined;
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
  caller: string | undefined;
};

export function whatIsKnown(journal: SessionJournal): Known {
  const entries = journal.epochs.flatMap((epoch) => epoch.entries);
  const accepted = journal.keeper.find((entry) => entry.kind === 'session.accepted');
  const opened = entries.findLast((entry) => entry.kind === 'session.opened');
  const caller = entries.findLast((entry) => entry.kind === 'participant' && entry.data.isCaller === true);
  const job = opened?.data ?? accepted?.data;
  return {
    facts: job && { job: job.job, agentName: job.agentName, room: job.room, metadata: job.metadata },
    acceptedAt: accepted?.at,
    // A job that runs all the same is a session, whatever its worker said.
    isWithdrawn: !opened && journal.keeper.some(({ kind }) => kind === 'session.withdrawn'),
    isClosed: entries.some(({ kind }) => kind === 'session.closed'),
    opened: opened && { epoch: opened.data.epoch, owner: opened.data.owner, identity: opened.data.identity },
    policy: job?.policy,
    hangUp: job?.hangUp,
    end: recordedEnd(journal),
    isReleased: [...entries, ...journal.keeper].some((entry) => entry.kind === 'hangup' && entry.data.verified),
    caller: caller?.kind === 'participant' ? caller.data.identity : undefined,
  };
}

/** The first reason that led out of `live` wins; an ending by a timer has none in its events, and is an ending still. */
function recordedEnd(journal: SessionJournal): End | null {
  const entries = journal.epochs.flatMap((epoch) => epoch.entries);
  const closed = entries.find((entry) => entry.kind === 'session.closed');
  if (closed) return closed.data.end;
  const isLeaving = (entry: EntryOf<'transition'>) =>
    entry.data.machine === 'session' &&
    entry.data.to.length > 0 &&
    !entry.data.to.some((leaf) => leaf.startsWith('live.'));
  const left = entries.findIndex((entry) => entry.kind === 'transition' && isLeaving(entry));
  const leaving = entries[left];
  if (leaving?.kind !== 'transition') return null;
  const cause = entries
    .slice(0, left)
    .findLast((entry) => entry.kind === 'event' && typeof entry.data['end'] === 'object' && entry.data['end'] !== null);
  if (cause?.kind === 'event') return cause.data['end'] as unknown as End;
  if (leaving.data.to.some((leaf) => leaf.startsWith('startupFailed'))) return ends.startupFailed;
  if (leaving.data.to.some((leaf) => leaf.startsWith('runtimeFailed'))) return ends.modelFailed;
  return { by: 'limit', reason: 'ended', fault: 'none' };
}

/** Which strategy an end calls for. */
export const strategyFor = (end: End, policy: HangUpPolicy): HangUpStrategy =>
  end.reason === 'transferred' ? policy.transfer : end.by === 'system' ? policy.failure : policy.normal;
