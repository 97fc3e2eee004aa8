/**
 * Why a session ended. Pure.
 *
 *   E1  What the session itself recorded wins, also when its process died before it could close its journal.
 *   E2  Else what the keeper noticed: a process that died, a job that never began, or began too late.
 *   E3  Never empty.
 */
import { endOf, ends, type End, hangUpStrategies, limitOfTrigger, stageOf } from '../../machines/index.ts';
import type { Entry, SessionJournal } from '../journal/entry.ts';
import { allEntries, chaptersOf, type Chapter } from './chapters.ts';
import { readableName, knownWord, recordOf, textOf, textsOf } from './lenient.ts';

const by = ['caller', 'agent', 'operator', 'limit', 'system'] as const;
const faults = ['none', 'caller', 'application', 'provider', 'platform'] as const;

export type RecordedEnd = { end: End; at: number; stage: string | null };

/** An End as an entry has it; undefined if it is none. */
export const endIn = (value: unknown): End | undefined => {
  const { by: who, reason, fault, detail, hangUp } = recordOf(value);
  const named = readableName(reason);
  if (named === null) return undefined;
  const line = readableName(detail);
  const strategy = knownWord(hangUpStrategies, hangUp);
  return {
    by: knownWord(by, who) ?? 'system',
    reason: named,
    fault: knownWord(faults, fault) ?? 'none',
    ...(line !== null && { detail: line }),
    ...(strategy && { hangUp: strategy }),
  };
};

/** By the limit that had passed, where no end was written down. */
const limits: Record<string, End> = {
  callerJoinMs: ends.neverJoined,
  callerGraceMs: ends.callerLost,
  idleMs: ends.idle,
  windDownMs: ends.maxDuration,
};

const endOfMove = (event: string, to: readonly string[]): End => {
  const limit = limitOfTrigger(event);
  const timed = limit === undefined ? undefined : limits[limit];
  if (timed) return timed;
  if (stageOf(to) === 'startupFailed') return ends.startupFailed;
  if (stageOf(to) === 'runtimeFailed' || limit !== undefined)
    return endOf('system', 'model_failed', 'provider', 'the process died before it could say more');
  return ends.orchestratorError;
};

const isLive = (state: string): boolean => state === 'live' || state.startsWith('live.');

/** The first end trigger of a process, as far as it was written down. */
const firstTrigger = (entries: readonly Entry[]): RecordedEnd | undefined => {
  let told: { end: End; at: number } | undefined; // by an event that the machine has not answered yet
  let current: string | null = null;
  for (const { kind, at, data } of entries) {
    const asked = recordOf(kind === 'event' ? data : undefined);
    const given = asked['isMendable'] === true ? undefined : endIn(asked['end']); // what is mended ends nothing
    if (given) told ??= { end: given, at };
    if (kind !== 'transition') continue;
    const { machine, from, to, event, end } = recordOf(data);
    const states = textsOf(to);
    const isLeaving = machine === 'session' && states.length > 0 && !states.some(isLive);
    if (machine === 'session') current = stageOf(textsOf(isLeaving ? from : to)) ?? current;
    if (!isLeaving) continue;
    const found = endIn(end) ?? told?.end ?? endOfMove(textOf(event) ?? '', states);
    return { end: found, at, stage: current };
  }
  return told && { ...told, stage: current };
};

export const recordedIn = (jobs: readonly Chapter[]): RecordedEnd | undefined => {
  for (const { entries } of jobs) {
    const closed = entries.find(({ kind }) => kind === 'session.closed');
    const trigger = firstTrigger(entries);
    const { end, stage } = recordOf(closed?.data);
    const given = endIn(end);
    if (closed && given) {
      const named = stageOf([textOf(stage) ?? '']);
      return { end: given, at: trigger?.at ?? closed.at, stage: named ?? trigger?.stage ?? null };
    }
    if (trigger) return trigger;
  }
  return undefined;
};

/** *Pure.* The end that the session recorded, if it was ending at all: whoever takes over finishes that one (E1). */
export const recordedEnd = (journal: SessionJournal): End | null => recordedIn(chaptersOf(journal).jobs)?.end ?? null;

const workerLost: End = { by: 'system', reason: 'worker_lost', fault: 'platform' };

/** E2. Also for a session that nobody has noticed yet: whoever folds it now finds it without an end. */
export const foundBy = (jobs: readonly Chapter[], keeper: Chapter): RecordedEnd => {
  const noticed = keeper.entries.findLast(({ kind }) => kind === 'keeper.noticed');
  const { what, detail } = recordOf(noticed?.data);
  const all = allEntries(jobs, keeper);
  const at = noticed?.at ?? all.at(-1)?.at ?? 0;
  const isOpened = allEntries(jobs).some(({ kind }) => kind === 'session.opened');
  const last = allEntries(jobs).findLast(
    ({ kind, data }) => kind === 'transition' && recordOf(data)['machine'] === 'session',
  );
  const stage = stageOf(textsOf(recordOf(last?.data)['to']));
  const line = readableName(detail);
  const say = (end: End, otherwise: string): RecordedEnd => ({ end: { ...end, detail: line ?? otherwise }, at, stage });
  if (what === 'lost') return say(ends.orchestratorError, 'the journal of this session is gone');
  // A journal that was opened too late changes nothing: the caller was released because there was none.
  if (!isOpened || what === 'unopened')
    return say(ends.startupFailed, 'the job was accepted and never opened its journal');
  if (what === 'gone') return say(workerLost, 'the host of this session is gone');
  if (what === 'closed') return say(ends.orchestratorError, 'the job closed its journal without an end');
  return say(ends.processCrashed, what === 'frozen' ? 'the process no longer answered' : 'the process died');
};
