/**
 * The report: a pure fold over a session's journal. A healthy end and a crash go through here alike.
 *
 *   F1  Total: whatever the journal holds, or does not hold, there is a report that fits the schema.
 *   F2  The same journal gives the same bytes; there is no clock here, and nothing is taken from this process.
 *   F3  What a process wrote after its successor had taken over does not count.
 *   F4  Never longer than a receiver takes; what that costs is said (cap.ts).
 */
import type { Json, SessionJournal } from '../journal/entry.ts';
import { toJson } from '../journal/json.ts';
import { withinCap } from './cap.ts';
import { allEntries, chaptersOf, type Chapter } from './chapters.ts';
import { withEnd } from './causes.ts';
import { elapsed, type Moment, type Timed, whenOf, withSteadyTime } from './clock.ts';
import { endedWith } from './ending.ts';
import {
  applicationOf,
  latencyOf,
  participantsOf,
  peopleOf,
  type Person,
  providerSwitchesOf,
  toolsOf,
  transfersOf,
  usageOf,
} from './facts.ts';
import { gapsOf } from './gaps.ts';
import { countOf, readableName, recordOf, textMapOf, textOf, timeOf } from './lenient.ts';
import { pathOf, stagesOf } from './path.ts';
import type { Report } from './schema.ts';
import { presenceOf } from './spans.ts';
import { transcriptOf } from './transcript.ts';
import { withheldIn } from './withheld.ts';

const PREFIX = 'rep_';
/**
 * *Pure.* The id of a session's report: stable, so that two who seal seal the same, and a receiver can tell a repeat. A dot
 * would make its signature ambiguous (sign.ts refuses it), and a session may have one: `~`, which none has, stands for it.
 */
export const reportId = (session: string): string => `${PREFIX}${session.replaceAll('.', '~')}`;
/** *Pure.* The session of such an id; of a session's own id, that. */
export const sessionOfReport = (id: string): string =>
  id.startsWith(PREFIX) ? id.slice(PREFIX.length).replaceAll('~', '.') : id;

/** *Pure.* The bytes that are sealed, signed and sent. */
export const serializeReport = (report: Report): string => JSON.stringify(report);

/** *Pure.* The report of a session, from all that its journal holds. Never throws. */
export const fold = (journal: SessionJournal): Report => {
  const { journal: timed, movedMs } = withSteadyTime(journal);
  const { jobs, keeper } = chaptersOf(timed);
  const chapters = [...jobs, keeper];
  const entries = allEntries(jobs, keeper);
  const path = pathOf(chapters);
  const people = peopleOf(entries);
  const caller = people.find(({ isCaller }) => isCaller);
  const { ending, ended, lines, hangUp, told, warnings } = endedWith(journal.session, { jobs, keeper });
  const errors = withEnd(told, ended, jobs.at(-1)?.epoch ?? 0);

  return withinCap({
    type: 'session.report',
    version: 1,
    id: reportId(journal.session),
    timestamp: timeOf(lastOf(entries)?.at),
    session: journal.session,
    ...identityOf(jobs, keeper),
    times: timesOf(jobs, keeper, ended.at, hangUp, caller),
    end: ending.end,
    alsoTriggered: ending.alsoTriggered,
    stages: stagesOf(path),
    path,
    greeting: ending.greeting,
    goodbye: ending.goodbye,
    apology: ending.apology,
    lines,
    hangUp: ending.hangUp,
    transcript: transcriptOf(jobs, presenceOf(caller?.identity, entries)),
    tools: toolsOf(jobs),
    transfers: transfersOf(jobs),
    errors,
    warnings,
    usage: usageOf(jobs),
    latency: latencyOf(entries, caller?.came),
    participants: participantsOf(people),
    providerSwitches: providerSwitchesOf(entries),
    application: applicationOf(entries),
    completeness: {
      ...completenessOf(jobs, keeper, movedMs, ending.completeness),
      withheld: withheldIn(jobs),
      leftOut: [],
    },
  });
};

const earlier = (one: Timed, other: Timed): Timed => (whenOf(other) < whenOf(one) ? other : one);
const later = (one: Timed, other: Timed): Timed => (whenOf(other) > whenOf(one) ? other : one);
const firstOf = ([first, ...others]: readonly Timed[]): Timed | undefined => first && others.reduce(earlier, first);
const lastOf = ([first, ...others]: readonly Timed[]): Timed | undefined => first && others.reduce(later, first);

type Identity = Pick<
  Report,
  'follows' | 'job' | 'agentName' | 'room' | 'policyHash' | 'machineHash' | 'versions' | 'metadata'
>;

/** Facts of the job that was dispatched first: a successor's metadata is wrapped in ours. */
const identityOf = (jobs: readonly Chapter[], keeper: Chapter): Identity => {
  const opened = recordOf(allEntries(jobs).find(({ kind }) => kind === 'session.opened')?.data);
  const accepted = recordOf(keeper.entries.find(({ kind }) => kind === 'session.accepted')?.data);
  const room = { ...recordOf(accepted['room']), ...recordOf(opened['room']) };
  const connected = allEntries(jobs).find(
    ({ kind, data }) => kind === 'room' && readableName(recordOf(data)['sid']) !== null,
  );
  const name = readableName(room['name']);
  return {
    follows: readableName(accepted['follows']),
    job: textOf(opened['job']) ?? textOf(accepted['job']),
    agentName: textOf(opened['agentName']) ?? textOf(accepted['agentName']),
    room:
      name === null ? null : { name, sid: readableName(room['sid']) ?? readableName(recordOf(connected?.data)['sid']) },
    policyHash: textOf(opened['policyHash']),
    machineHash: textOf(opened['machineHash']),
    versions: textMapOf(opened['versions']),
    metadata: metadataOf(textOf(accepted['metadata']) ?? textOf(opened['metadata']) ?? ''),
  };
};

const metadataOf = (text: string): Json => {
  if (text === '') return null;
  try {
    return toJson(JSON.parse(text));
  } catch {
    return text;
  }
};

const timesOf = (
  jobs: readonly Chapter[],
  keeper: Chapter,
  endedAt: number,
  hungUp: Moment | undefined,
  caller: Person | undefined,
): Report['times'] => {
  const entries = allEntries(jobs, keeper);
  const find = (wanted: (kind: string, data: Record<string, unknown>) => boolean): number | undefined =>
    entries.find(({ kind, data }) => wanted(kind, recordOf(data)))?.at;
  const isAudible = (type: unknown) =>
    type === 'line.audible' || type === 'agent.audible' || type === 'apologist.audible';
  const came = caller?.came;
  const released = caller?.left ?? hungUp;
  const [first, last] = [firstOf(entries), lastOf(entries)];
  return {
    acceptedAt: timeOf(find((kind) => kind === 'session.accepted')),
    openedAt: timeOf(find((kind) => kind === 'session.opened')),
    connectedAt: timeOf(find((kind, data) => kind === 'room' && data['change'] === 'connected')),
    callerJoinedAt: timeOf(came?.at),
    firstAudioAt: timeOf(find((kind, data) => kind === 'event' && isAudible(data['type']))),
    endedAt: entries.length === 0 ? null : timeOf(endedAt),
    releasedAt: timeOf(released?.at),
    closedAt: timeOf(find((kind) => kind === 'session.closed')),
    callMs: came ? elapsed(came, released ?? last ?? came) : null,
    totalMs: first && last ? elapsed(first, last) : 0,
  };
};

const completenessOf = (
  jobs: readonly Chapter[],
  keeper: Chapter,
  clockMovedMs: number | null,
  { noticed }: Pick<Report['completeness'], 'noticed'>,
): Omit<Report['completeness'], 'withheld' | 'leftOut'> => ({
  status: jobs.some(({ isClosed }) => isClosed) ? 'closed' : 'recovered',
  noticed,
  epochs: jobs.map(({ epoch, entries, lastSeq, ignored, isClosed, isTorn, unread }) => ({
    epoch: countOf(epoch),
    job: textOf(recordOf(entries.find(({ kind }) => kind === 'session.opened')?.data)['job']),
    lastSeq,
    entries: entries.length,
    ignored,
    opened: entries.some(({ kind }) => kind === 'session.opened'),
    closed: isClosed,
    torn: isTorn,
    ...unread,
  })),
  gaps: gapsOf(jobs, keeper),
  keeperSeq: keeper.lastSeq,
  keeperLost: keeper.unread.lost,
  keeperPassedOver: keeper.unread.passedOver,
  clockMovedMs,
});
