/**
 * What went wrong: one entry for one cause. Pure.
 *
 *   C1  A model that fails says so at each try, and what looks after it says it again: the same component, until there is
 *       a sign that it works, is one cause. Its own words are kept (they have a label), and how often it was told. So is
 *       the same message from elsewhere: a rejection that nobody handled, a start that failed for it.
 *   C2  What ended nothing is a warning, no error: a try that was followed by a better one, a provider that a fallback
 *       adapter replaced (its own end is an error), a failure that was mended, a caller without a microphone.
 *   C3  What fails in the application's own code is an error, also where the call went on.
 *   C4  What the session itself found (patience that was over, a line that nobody could hear) nobody else tells.
 */
import type { Entry } from '../journal/entry.ts';
import type { Chapter } from './chapters.ts';
import { recordOf, textOf, timeOf } from './lenient.ts';
import type { RecordedEnd } from './end.ts';
import type { Report } from './schema.ts';

type Told = Report['errors'][number];
type Fault = Report['end']['fault'];

const isAnswer = ({ kind, data }: Entry): boolean => kind === 'event' && recordOf(data)['type'] === 'agent.audible';
/** What failed for good is tried once more. */
const isMending = ({ kind, data }: Entry): boolean => kind === 'effect' && recordOf(data)['name'] === 'mend';
const isWords = ({ kind }: Entry): boolean => kind === 'transcript';
/** By component: what shows that it works. Of these alone C1 and C2 hold. */
const signs: ReadonlyMap<string, (entry: Entry) => boolean> = new Map([
  ['llm', isAnswer],
  ['tts', isAnswer],
  ['track', isAnswer],
  ['stt', isWords],
  ['interruption', isWords],
  ['microphone', isWords],
  ['memory', () => false],
]);

type Cause = { told: Told; isOpen: boolean; isReplaced: boolean };

const isOfModel = ({ isOpen, told }: Cause): boolean => isOpen && signs.has(told.component);

const causesIn = ({ epoch, entries }: Chapter): Cause[] => {
  const causes: Cause[] = [];
  const lost = lostIn(entries);
  for (const entry of entries) {
    for (const cause of causes) if (signs.get(cause.told.component)?.(entry)) cause.isOpen = cause.isReplaced;
    if (isMending(entry))
      for (const cause of causes) if (isOfModel(cause)) cause.told = { ...cause.told, recoverable: true };
    if (entry.kind !== 'error') continue;
    const told = toldIn(entry, epoch);
    const before = causes.find((cause) => isSame(cause, told));
    const cause = before ?? { told, isOpen: true, isReplaced: false };
    if (before) before.told = both(before.told, told);
    else causes.push(cause);
    cause.isReplaced = lost.has(`${cause.told.component} ${cause.told.label}`);
  }
  return causes;
};

/** Providers that a fallback adapter ever did without. */
const lostIn = (entries: readonly Entry[]): Set<string> =>
  new Set(
    entries.flatMap(({ kind, data: raw }) => {
      const { component, label, available } = recordOf(raw);
      return kind === 'provider' && available === false ? [`${String(component)} ${String(label)}`] : [];
    }),
  );

const toldIn = ({ at, data: raw }: Entry, epoch: number): Told => {
  const data = recordOf(raw);
  return {
    component: textOf(data['component']) ?? 'unknown',
    message: textOf(data['message']) ?? '',
    code: textOf(data['code']),
    label: textOf(data['label']),
    recoverable: data['recoverable'] === true,
    times: 1,
    at: timeOf(at),
    epoch,
  };
};

const isSame = ({ told, isOpen }: Cause, { component, label, message }: Told): boolean => {
  const isElsewhere = signs.has(told.component) !== signs.has(component);
  if (told.component !== component && !isElsewhere) return false;
  if (isElsewhere || !signs.has(component)) return told.message === message;
  return isOpen && (told.label === label || told.label === null || label === null);
};

/** A final word says more than one on the way, and one with a label more than one without. */
const both = (first: Told, next: Told): Told => {
  const weight = ({ label, recoverable }: Told) => (label === null ? 0 : 2) + (recoverable ? 0 : 1);
  const { component, message, code, label } = weight(next) > weight(first) ? next : first;
  return {
    ...first,
    component,
    message,
    code,
    label,
    recoverable: first.recoverable && next.recoverable,
    times: first.times + next.times,
  };
};

/** An end that blames somebody has its cause among the errors, also when that was about to be tried once more. */
const isMadeGood = ({ told, isOpen, isReplaced }: Cause, fault: Fault): boolean =>
  signs.has(told.component) &&
  (isReplaced || (told.recoverable && !(isOpen && (fault === 'provider' || fault === 'platform'))));

/** `fault`: whose fault the end was. */
export const causesOf = (chapters: readonly Chapter[], fault: Fault): Pick<Report, 'errors' | 'warnings'> => {
  const causes = chapters.flatMap(causesIn);
  const told = (wanted: boolean) =>
    causes.filter((cause) => isMadeGood(cause, fault) === wanted).map((cause) => cause.told);
  return { errors: told(false), warnings: told(true) };
};

/** C4. With an entry for the end itself, where nothing that failed has told of it. */
export const withEnd = (errors: Told[], { end, at }: RecordedEnd, epoch: number): Told[] => {
  const isFailure = end.by === 'system' && end.fault !== 'none' && end.fault !== 'caller';
  if (!isFailure || errors.some(({ component, recoverable }) => !recoverable || signs.has(component))) return errors;
  const message = end.detail ?? end.reason;
  const found = { component: 'session', message, code: null, label: null, recoverable: false, times: 1 };
  return [...errors, { ...found, at: timeOf(at), epoch }];
};
