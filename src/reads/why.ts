/**
 * Why did it end? The first line of a call: who ended it, for what reason, where it was, whose fault it was; whether the
 * goodbye was heard, the caller let go, the report delivered. Each word has the entry that proves it. What is said is what
 * the report says: both have it from report/ending.ts, so that two answers cannot differ.
 */
import { isReason, reasons } from '../../machines/index.ts';
import { endingOf, type Ending } from '../report/ending.ts';
import { recordOf } from '../report/lenient.ts';
import { oneLine } from '../output/for-people.ts';
import { addressForPeople } from '../delivery/metadata-url.ts';
import type { ListedDelivery, OwedHangUp } from '../store/store.ts';
import type { Proof, Reference, Tone, Why } from './answers.ts';
import { isOverIn } from './ended-files.ts';
import { proofsOf, type Proofs } from './proofs.ts';
import type { Asked } from './questions.ts';
import { ReadError } from './refusal.ts';
import type { SessionRead } from './session-read.ts';
import type { Source } from './source.ts';
import { machinesWritten } from './state.ts';
import { heardOf as howHeard } from './timeline.ts';

type Stored = { body: string | undefined; deliveries: ListedDelivery[]; owed: OwedHangUp | undefined };

/** *Effect.* @throws ReadError, JournalError, StoreError */
export async function readWhy(source: Source, { session }: Asked<'why'>): Promise<Why> {
  const id = source.named(session);
  const nothing: Stored = { body: undefined, deliveries: [], owed: undefined };
  const stored = source.store.look(nothing, (rows) => ({
    body: rows.report(id)?.body,
    deliveries: rows.deliveries({ session: id, limit: 100 }),
    owed: rows.hangUps([id]).get(id),
  }));
  const read = await source.journals(id);
  if (read && read.all.length > 0) return withTrace(whyOf(read, stored), read, source.traceUrl);
  if (stored.body !== undefined) return withoutJournal(id, stored);
  if (!read) throw source.unknown(id);
  const torn = read.facts.some(({ isTorn, lost }) => isTorn || lost > 0);
  const what = torn ? 'its files hold nothing that can be read' : 'its files are empty yet';
  return { session: id, isOver: false, sentence: `Nobody knows: ${what}.`, words: [] };
}

/** The trace of its last process. */
const withTrace = (answer: Why, { all }: SessionRead, traceUrl: string | undefined): Why => {
  const last = all.findLast(({ entry }) => entry.kind === 'trace');
  const trace = recordOf(last?.entry.data)['trace'];
  if (!last || typeof trace !== 'string' || !/^[0-9a-f]{32}$/.test(trace)) return answer;
  const href = traceUrl?.includes('{trace}') === true ? { href: traceUrl.replaceAll('{trace}', trace) } : {};
  const word: Proof = {
    word: 'trace',
    text: trace,
    tone: 'quiet',
    proof: `${last.file}:${last.entry.seq}` as Reference,
    ...href,
  };
  return { ...answer, words: [...answer.words, word] };
};

export function whyOf(read: SessionRead, stored: Stored): Why {
  const { session, all } = read;
  const withdrawn = all.findLast(({ entry }) => entry.kind === 'session.withdrawn');
  const isOver = isOverIn(all) || stored.body !== undefined;
  const proofs = proofsOf(all);
  if (withdrawn && isOver && read.journal.epochs.length === 0) {
    const reason = short(recordOf(withdrawn.entry.data)['why']);
    const word = wordOf('withdrawn', reason, 'quiet', proofs.withdrawn);
    return {
      session,
      isOver,
      sentence: `No call: the worker took the job and gave it back${after(reason)}.`,
      words: [word],
    };
  }
  const ending = endingOf(read.journal);
  return isOver ? whyOver(ending, stored, proofs) : whyLiving(read, ending, proofs);
}

/** Its journal was removed, its report was kept: the same words, and no entry that could prove them. */
function withoutJournal(session: string, stored: Stored): Why {
  try {
    const told = whyOver(JSON.parse(stored.body ?? '') as Ending, stored, {});
    const note = wordOf('journal', 'gone; this is what the sealed report says', 'quiet', null);
    return { ...told, session, words: [...told.words, note] };
  } catch {
    const message = `${session}: expected a sealed report that can be read, got another text; report prints it as it is`;
    throw new ReadError('NOT_FOUND', message);
  }
}

function whyLiving(read: SessionRead, report: Ending, proofs: Proofs): Why {
  const machines = machinesWritten(read, read.all.length - 1);
  const recovery = machines.find(({ machine }) => machine === 'recovery');
  const now = recovery ?? machines.find(({ machine }) => machine === 'session');
  const where = now === undefined || now.words === '' ? 'before its first state' : now.words;
  const words: Proof[] = [wordOf('now', recovery ? `recovery: ${where}` : where, 'state', proofs.state)];
  const crash = report.completeness.noticed.at(-1);
  const isCrashed = crash !== undefined && crash.what !== 'closed';
  if (isCrashed) words.push(wordOf('crash', crashWords(crash), 'bad', proofs.noticed));
  const isEnding = proofs.end !== undefined;
  if (isEnding) words.push(...endWords(report, proofs));
  const ending = isEnding
    ? `It is ending: ${reasonOf(report)}`
    : isCrashed
      ? `Its process ${diedHow(crash)}`
      : 'The call goes on';
  return { session: read.session, isOver: false, sentence: `Not over. ${ending}; now: ${where}.`, words };
}

function whyOver(report: Ending, stored: Stored, proofs: Proofs): Why {
  const crash = report.completeness.noticed.find(({ what }) => what !== 'closed');
  const delivery = deliveryWord(stored, proofs);
  const hangUp = hangUpWord(report, stored.owed, proofs);
  const goodbye = goodbyeWords(report, proofs);
  const words = [
    ...endWords(report, proofs),
    ...(crash ? [wordOf('crash', crashWords(crash), 'bad', proofs.noticed)] : []),
    ...goodbye,
    hangUp,
    delivery,
    ...report.alsoTriggered.map(({ reason, by }) => wordOf('also', `${short(reason)} (${by})`, 'quiet', proofs.closed)),
  ];
  const heard = goodbye.map(({ text }) => text)[0] ?? '';
  const parts = [
    `${capital(reasonOf(report))}, while ${report.end.stage}`,
    crash && report.end.reason !== 'process_crashed' ? `the process ${diedHow(crash)}` : '',
    heard === 'none was due' ? '' : `the goodbye was ${heard}`,
    `the hang-up was ${hangUp.text}`,
    `the report is ${delivery.text}`,
  ];
  return {
    session: report.session,
    isOver: true,
    sentence: `${parts.filter((part) => part !== '').join('; ')}.`,
    words,
  };
}

const endWords = ({ end }: Ending, proofs: Proofs): Proof[] => {
  const isFault = end.fault !== 'none' && end.fault !== 'caller';
  const ended = proofs.end ?? proofs.noticed; // what the call itself recorded comes first
  return [
    wordOf('by', end.by, 'plain', ended),
    wordOf('reason', short(end.reason), isFault ? 'bad' : 'plain', ended),
    wordOf('stage', end.stage, 'state', proofs.stage ?? ended),
    wordOf('fault', end.fault, isFault ? 'bad' : 'quiet', ended),
    ...(end.detail === null
      ? []
      : [wordOf('detail', short(end.detail), isFault ? 'bad' : 'quiet', proofs.detail ?? ended)]),
  ];
};

const goodbyeWords = ({ goodbye, apology }: Ending, proofs: Proofs): Proof[] => {
  const tone = (outcome: string): Tone => (outcome === 'played' ? 'good' : outcome === 'skipped' ? 'quiet' : 'bad');
  const words = goodbye
    ? [
        wordOf('goodbye', short(howHeard({ ...goodbye, heardMs: null })), tone(goodbye.outcome), proofs.goodbye),
        wordOf(
          'heard',
          goodbye.heardMs === null ? 'not known' : `${Math.round(goodbye.heardMs)} ms`,
          tone(goodbye.outcome),
          proofs.goodbye,
        ),
      ]
    : [wordOf('goodbye', 'none was due', 'quiet', null)];
  return apology
    ? [...words, wordOf('apology', short(howHeard(apology)), tone(apology.outcome), proofs.apology)]
    : words;
};

const hangUpWord = ({ hangUp }: Ending, owed: OwedHangUp | undefined, proofs: Proofs): Proof => {
  if (owed?.state === 'owed')
    return wordOf('hang-up', 'still owed: the caller may be on the line', 'bad', proofs.hangUp);
  if (owed?.state === 'given-up') return wordOf('hang-up', 'given up: look for the room', 'bad', proofs.hangUp);
  if (owed?.state === 'done') return wordOf('hang-up', 'verified later, by the keeper', 'good', proofs.hangUp);
  if (!hangUp) return wordOf('hang-up', 'not needed', 'quiet', null);
  const text =
    hangUp.outcome === 'verified'
      ? 'verified'
      : hangUp.outcome === 'unverified'
        ? 'not verified'
        : 'asked for, without an answer';
  return wordOf('hang-up', text, hangUp.outcome === 'verified' ? 'good' : 'bad', proofs.hangUp);
};

const deliveryWord = ({ body, deliveries }: Stored, proofs: Proofs): Proof => {
  const say = (text: string, tone: Tone) => wordOf('report', text, tone, proofs.sealed);
  const to = (state: string) =>
    deliveries.filter((row) => row.state === state).map(({ destination }) => addressForPeople(destination));
  const [dead, delivered] = [to('dead'), to('delivered')];
  const due = [...to('due'), ...to('delivering')];
  if (dead.length > 0) return say(`a dead letter for ${few(dead)}`, 'bad');
  if (due.length > 0) return say(`still due for ${few(due)}`, 'bad');
  if (delivered.length > 0) return say(`delivered to ${few(delivered)}`, 'good');
  if (body !== undefined) return say('sealed; nobody was to get it', 'plain');
  return say('not sealed yet', 'bad');
};

const few = (names: readonly string[]): string => [...new Set(names)].slice(0, 3).join(', ');
const short = (text: unknown): string => oneLine(typeof text === 'string' ? text : '').slice(0, 300);
const after = (text: string): string => (text === '' ? '' : `: ${text}`);
const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
const wordOf = (word: string, text: string, tone: Tone, proof: Proof['proof'] | undefined): Proof => ({
  word,
  text,
  tone,
  proof: proof ?? null,
});

const reasonOf = ({ end }: Ending): string => {
  const told = isReason(end.reason) ? reasons[end.reason] : `${end.by} ended it: ${short(end.reason)}`;
  return end.detail === null ? told : `${told} (${short(end.detail)})`;
};

type Crash = Ending['completeness']['noticed'][number];
const died: Record<string, string> = {
  died: 'died',
  frozen: 'froze, and was killed',
  gone: 'is gone with its host',
  lost: 'lost its journal',
  unopened: 'never began',
};
const diedHow = ({ what }: Crash): string => died[what] ?? 'ended';
const crashWords = (crash: Crash): string => `epoch ${crash.epoch} ${diedHow(crash)}${after(short(crash.detail))}`;
