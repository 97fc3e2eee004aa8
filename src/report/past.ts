/**
 * What is left of a call whose process died, for the job that takes it over. Pure, and total as the fold is.
 *
 *   P1  The history is made of the SDK's own JSON of each item: the next job gives the model what the one before would
 *       have. What no item holds (a reply that was cut by the death, words that were recognised and not answered yet)
 *       is told as it stands in the transcript.
 *   P2  A tool that ran when the process died may have done its work, or not: nobody knows. It is in the history with
 *       that as its output, for a model that sees no output calls it again.
 *   P3  An answer is owed when the caller said the last words, or when the agent was cut off, or a tool ran for them.
 */
import type { Entry, HangUpPolicy, Json, SessionJournal } from '../journal/entry.ts';
import { allEntries, chaptersOf, handOverIn, awaitedIn, type AwaitedCaller } from './chapters.ts';
import { elapsed, type Timed } from './clock.ts';
import { countOf, instantOf, readableName, recordOf, textOf } from './lenient.ts';
import { transcriptOf } from './transcript.ts';

export type PastItem = { [field: string]: Json };

export type Past = {
  takenOver: { epoch: number; lastSeq: number } | undefined;
  /** Id of the agent that a handoff led to; undefined: the first one. */
  agent: string | undefined;
  /** Each as its `toJSON()` said. */
  items: PastItem[];
  isAnswerOwed: boolean;
  /** It had begun, and was cut. */
  isAnswerCut: boolean;
  /** Its job left when nobody had said anything for a while: nobody waits for anything. */
  isCalm: boolean;
  /** For how long its caller has heard us, in ms: what was being said at the death counts up to the last entry. */
  spokenMs: number;
  /** Its caller was not there. One who has never been is greeted as by the first job. */
  awaited: AwaitedCaller | undefined;
  /** Since the session was opened, by the wall clock. */
  openedAt: number | undefined;
  /** As the first job had them: a deploy in between changes nothing for this call. */
  policy: Json | undefined;
  hangUp: HangUpPolicy | undefined;
  snapshot: Json | undefined;
  /** Lines of a journal that could not be read: the history may lack something. */
  isIncomplete: boolean;
};

const UNKNOWN =
  'Unknown: the process that ran this tool died while it ran. It may have been done, or not. Do not call it again before the user agreed.';

/** @param epoch of the job that takes over */
export function pastOf(journal: SessionJournal, epoch: number): Past {
  const before = { ...journal, epochs: journal.epochs.filter((one) => one.epoch < epoch) };
  const { jobs } = chaptersOf(before);
  const entries = allEntries(jobs);
  const last = jobs.at(-1);
  const opening = entries.find(({ kind }) => kind === 'session.opened');
  const opened = recordOf(opening?.data);
  // The SDK tells of its first agent as of a handoff, too: from nobody.
  const handoff = entries.findLast(
    ({ kind, data }) => kind === 'item' && textOf(recordOf(recordOf(data)['sdk'])['oldAgentId']) !== null,
  );
  const snapshot = entries.findLast(({ kind }) => kind === 'snapshot');

  const rows = transcriptOf(jobs, null).filter(({ source }) => source === 'played' || source === 'recognition');
  const said = rows.map(({ id, role, text, interrupted, at }): PastItem => ({
    id,
    type: 'message',
    role: role === 'user' ? 'user' : 'assistant',
    content: [text],
    interrupted,
    createdAt: at === null ? 0 : Date.parse(at),
  }));
  const unknown = last ? unknownTools(last.entries) : [];
  const items = [...itemsIn(entries), ...said].sort(
    (one, other) => countOf(one['createdAt']) - countOf(other['createdAt']),
  );
  const lastWords = items.findLast(({ type }) => type === 'message');
  const isAnswerCut = isCut(items, lastWords);
  const isCalm = handOverIn(last) === 'calm';
  return {
    takenOver: last && { epoch: last.epoch, lastSeq: last.lastSeq },
    agent: handoff && (readableName(recordOf(handoff.data)['agent']) ?? undefined),
    items: [...items, ...unknown],
    isAnswerOwed: !isCalm && (unknown.length > 0 || lastWords?.['role'] === 'user' || isAnswerCut),
    isAnswerCut,
    isCalm,
    spokenMs: jobs.reduce((sum, { entries: own }) => sum + spokenMsIn(own), 0),
    awaited: awaitedIn(jobs),
    openedAt: instantOf(opening?.at),
    policy: opened['policy'] as Json | undefined,
    hangUp: opened['hangUp'] as HangUpPolicy | undefined,
    snapshot: snapshot && (recordOf(snapshot.data)['pii'] as Json),
    isIncomplete: jobs.some(({ unread }) => unread.lost + unread.passedOver > 0),
  };
}

const spokenMsIn = (entries: readonly Timed[]): number => {
  let [spokenMs, began]: [number, Timed | undefined] = [0, undefined];
  for (const entry of entries) {
    const { who, change } = recordOf(entry.data);
    if (entry.kind !== 'audible' || who !== 'agent') continue;
    if (change === 'begins') began ??= entry;
    if (change !== 'ends' || !began) continue;
    spokenMs += elapsed(began, entry);
    began = undefined;
  }
  const last = entries.at(-1);
  return began && last ? spokenMs + elapsed(began, last) : spokenMs;
};

/** Cut by the death, in the middle of a reply to the caller: not one that the caller cut, who spoke last then. */
const isCut = (items: readonly PastItem[], last: PastItem | undefined): boolean =>
  last?.['interrupted'] === true &&
  textOf(last['id'])?.startsWith('played-') === true &&
  items.some(({ role }) => role === 'user');

/** One that is committed again is the same item. Images are files of another process: they are left out. */
const itemsIn = (entries: readonly Entry[]): PastItem[] => {
  const found = new Map<string, PastItem>();
  for (const { kind, data } of entries) {
    if (kind !== 'item') continue;
    const sdk = recordOf(recordOf(data)['sdk']) as PastItem;
    const id = textOf(sdk['id']);
    if (id === null) continue;
    const { content } = sdk;
    const texts = Array.isArray(content) ? content.filter((part) => typeof part === 'string') : content;
    found.set(id, content === undefined ? sdk : { ...sdk, content: texts as Json });
  }
  return [...found.values()];
};

/** P2. */
const unknownTools = (entries: readonly Entry[]): PastItem[] => {
  const running = new Map<string, Entry>();
  for (const entry of entries) {
    if (entry.kind !== 'tool') continue;
    const { call, status } = entry.data;
    if (status === 'started') running.set(call, running.get(call) ?? entry);
    else running.delete(call);
  }
  return [...running.values()].flatMap((entry) => {
    const data = recordOf(entry.data);
    const [callId, name] = [textOf(data['call']) ?? '', textOf(data['name']) ?? ''];
    const args = JSON.stringify(data['args'] ?? {});
    const at = { createdAt: entry.at };
    return [
      { id: `lost-${callId}`, type: 'function_call', callId, name, args, ...at },
      { id: `unknown-${callId}`, type: 'function_call_output', callId, name, output: UNKNOWN, isError: true, ...at },
    ];
  });
};
