/**
 * What was said, in the order in which it was said. Pure.
 *
 *   T1  An item that is committed again (cut short, corrected, taken over by a successor) is one row.
 *   T2  Words of the caller that no item holds are rows of their own: a turn that was cleared or dropped, or one that was
 *       not over yet. Newest first: of what was said twice, the item has the later one.
 *   T3  Who changes a turn in its hook does so on purpose (a card number, left out), so the words as they were recognised
 *       are not told beside it.
 *   T6  A reply that no item holds was said all the same, as far as it was played: whoever said it died before the SDK
 *       could commit it, or keeps it out of the history.
 *   T4  The agent's words are heard if any of their sound was played while the caller was there.
 *   T5  What came in the same millisecond stands as it was written down.
 */
import type { Chapter } from './chapters.ts';
import { saidAt, settingsOf, type Timed, whenOf } from './clock.ts';
import { recordOf, textOf, timeOf } from './lenient.ts';
import { heardIn, meet, type Stretch } from './spans.ts';
import type { Report } from './schema.ts';

type Row = Report['transcript'][number];
type Dated = { row: Row; since: number; epoch: number; seq: number };

/** T5. */
const inOrder = (one: Dated, other: Dated): number =>
  one.since - other.since || one.epoch - other.epoch || one.seq - other.seq;

/** `presence`: when the caller was there; null if that is not known. */
export const transcriptOf = (jobs: readonly Chapter[], presence: readonly Stretch[] | null): Row[] => {
  const items = new Map<string, Dated>(); // T1
  for (const { epoch, entries } of jobs) {
    const heard = heardIn(entries);
    const settings = settingsOf(entries);
    for (const entry of entries) {
      if (entry.kind !== 'item' || isOfTool(entry)) continue;
      const item = itemIn(entry, { epoch, settings, heard, presence });
      const { epoch: firstEpoch, seq: firstSeq } = items.get(item.row.id) ?? item;
      items.set(item.row.id, { ...item, epoch: firstEpoch, seq: firstSeq });
    }
  }
  const others = jobs.flatMap((job) => [...unheldIn(job), ...keysIn(job), ...playedIn(job, presence)]);
  return [...items.values(), ...others].sort(inOrder).map(({ row }) => row);
};

/** A call of a tool, or what it gave: `tools` has them. */
const isOfTool = ({ data }: Timed): boolean => recordOf(data)['role'] === 'tool';

type Around = {
  epoch: number;
  settings: ReturnType<typeof settingsOf>;
  heard: Stretch[] | null;
  presence: readonly Stretch[] | null;
};

const itemIn = (entry: Timed, { epoch, settings, heard, presence }: Around): Dated => {
  const { at, seq } = entry;
  const data = recordOf(entry.data);
  const { createdAt } = data;
  const said = typeof createdAt === 'number' && timeOf(createdAt) !== null ? createdAt : null;
  const since = said === null ? whenOf(entry) : saidAt(said, entry, settings);
  const role = textOf(data['role']) ?? 'system';
  const row: Row = {
    id: textOf(data['id']) ?? `entry-${seq}`,
    role,
    source: 'item',
    text: textOf(data['text']) ?? '',
    interrupted: data['interrupted'] === true,
    heard:
      role === 'assistant' && heard
        ? meet([{ from: since, to: whenOf(entry) }], heard, ...(presence ? [presence] : []))
        : null, // T4
    agent: textOf(data['agent']),
    at: timeOf(said ?? at),
  };
  return { row, since, epoch, seq };
};

// ── what no item holds ───────────────────────────────────────────────────────────────────────────────────────────

type Said = { source: 'recognition' | 'keys'; text: string; entry: Timed; epoch: number };
const ofCaller = ({ source, text, entry, epoch }: Said): Dated => {
  const { at, seq } = entry;
  const id = `${source === 'keys' ? 'keys' : 'words'}-${epoch}-${seq}`;
  const row: Row = { id, role: 'user', source, text, interrupted: false, heard: null, agent: null, at: timeOf(at) };
  return { row, since: whenOf(entry), epoch, seq };
};

/** Words that were recognised. `turn`: the turn in whose hook they were. */
type Words = { text: string; entry: Timed; item: string | null; turn: string | null };

const wordsIn = (entry: Timed): Words => {
  const data = recordOf(entry.data);
  return { text: textOf(data['text']) ?? '', entry, item: textOf(data['item']), turn: null };
};

/** T2. */
const unheldIn = ({ epoch, entries }: Chapter): Dated[] => {
  let pending: Words[] = [];
  for (const entry of entries) {
    const data = recordOf(entry.data);
    if (entry.kind === 'transcript') pending.push(wordsIn(entry));
    if (entry.kind === 'fact' && data['fact'] === 'turn.began') {
      const turn = textOf(data['turn']);
      pending = pending.map((words) => ({ ...words, turn: words.turn ?? turn }));
    }
    if (entry.kind === 'item' && data['role'] === 'user') pending = notHeldBy(data, pending);
  }
  return pending
    .filter(({ text }) => text.trim() !== '')
    .map(({ text, entry }) => ofCaller({ source: 'recognition', text, entry, epoch }));
};

const plain = (text: string): string => text.trim().split(/\s+/).join(' ');

const notHeldBy = ({ id, text }: Record<string, unknown>, pending: readonly Words[]): Words[] => {
  const whole = plain(textOf(text) ?? '');
  let end = whole.length;
  const left = pending.toReversed().filter((words) => {
    if (words.item !== null && words.item === id) return false;
    const begin = whole.lastIndexOf(plain(words.text), end - plain(words.text).length);
    if (begin < 0 || end < plain(words.text).length) return true;
    end = begin;
    return false;
  });
  if (left.length < pending.length) return left.toReversed();
  const last = pending.findLast(({ turn }) => turn !== null)?.turn;
  return pending.filter(({ turn }) => turn === null || turn !== last); // T3
};

type Played = { text: string; begun: Timed; until: number; agent: string | null; isWhole: boolean };

/** T6. */
const playedIn = ({ epoch, entries }: Chapter, presence: readonly Stretch[] | null): Dated[] => {
  const replies = new Map<string, Played>();
  for (const entry of entries) {
    const data = recordOf(entry.data);
    const speech = textOf(data['speech']);
    if (speech === null) continue;
    if (entry.kind === 'item') replies.delete(speech);
    if (entry.kind !== 'audible') continue;
    const before = replies.get(speech);
    replies.set(speech, {
      text: (before?.text ?? '') + (textOf(recordOf(data['pii'])['text']) ?? ''),
      begun: before?.begun ?? entry,
      until: whenOf(entry),
      agent: before?.agent ?? textOf(data['agent']),
      isWhole: data['isWhole'] === true,
    });
  }
  return [...replies.values()]
    .filter(({ text }) => text.trim() !== '')
    .map(({ text, begun, until, agent, isWhole }) => {
      const since = whenOf(begun);
      const heard = presence === null || meet([{ from: since, to: until }], presence);
      const said = {
        role: 'assistant',
        source: 'played',
        text: text.trim(),
        interrupted: !isWhole,
        heard,
        agent,
      } as const;
      return {
        row: { id: `played-${epoch}-${begun.seq}`, ...said, at: timeOf(begun.at) },
        since,
        epoch,
        seq: begun.seq,
      };
    });
};

/** Keys that were pressed one after the other are one row, until somebody says something. */
const keysIn = ({ epoch, entries }: Chapter): Dated[] => {
  const rows: Dated[] = [];
  let isOpen = false;
  for (const entry of entries) {
    const { kind, data } = entry;
    if (kind === 'transcript' || (kind === 'item' && !isOfTool(entry))) isOpen = false;
    if (kind !== 'key') continue;
    const digit = textOf(recordOf(recordOf(data)['pii'])['digit']) ?? '?';
    const last = isOpen ? rows.at(-1) : undefined;
    if (last) last.row.text += digit;
    else rows.push(ofCaller({ source: 'keys', text: digit, entry, epoch }));
    isOpen = true;
  }
  return rows;
};
