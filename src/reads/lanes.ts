/**
 * Who was audible when, and what ran beside it: spans on one line of time. Silence is a lane of its own: nobody was
 * audible while the caller was in the room. It is bad where an answer was owed for longer than the policy of the call
 * allows; a caller who thinks, or listens to nothing because it is their turn, is not kept waiting.
 */
import { stageOf } from '../../machines/index.ts';
import { spellMs } from '../output/spell-ms.ts';
import { whenOf } from '../report/clock.ts';
import { recordOf, textOf, textsOf } from '../report/lenient.ts';
import type { LaneName, Lanes, Span } from './answers.ts';
import { epochsOf, isOverIn } from './ended-files.ts';
import { limitSpans } from './limit-spans.ts';
import { Presence } from './presence.ts';
import type { Asked } from './questions.ts';
import { refOf, type Placed, type SessionRead } from './session-read.ts';
import { Sounds } from './sounds.ts';
import type { Source } from './source.ts';
import { gapsIn, joined, OpenSpans, overlapMs, type Between } from './spans.ts';
import { workSpans } from './work-spans.ts';

/** Shorter gaps are breaths: between a word and the next. */
const SHORTEST_GAP_MS = 200;
/** A lane with more spans than this is nothing that anybody looks at; the newest are kept. */
const MOST_SPANS = 5_000;

/** *Effect.* @throws ReadError, JournalError */
export async function readLanes(source: Source, { session, walks }: Asked<'lanes'>): Promise<Lanes> {
  const read = await source.session(session);
  return lanesOf(read, source.silenceBoundOf(policyInJournal(read.all)), source.now(), walks);
}

/** The policy of a call, as its journal has it. */
export const policyInJournal = (all: readonly Placed[]): unknown => {
  const told = (kind: string) => all.findLast(({ entry }) => entry.kind === kind)?.entry.data;
  return recordOf(told('session.opened') ?? told('session.accepted'))['policy'];
};

/** @param walks the machine, for the limits: nothing else of it is computed */
export function lanesOf(read: SessionRead, silenceBoundMs: number | null, now: number, walks: boolean): Lanes {
  const { all } = read;
  const [first, last] = [all[0], all.at(-1)];
  const from = first ? whenOf(first.entry) : 0;
  const isOver = isOverIn(all);
  const lastAt = last ? whenOf(last.entry) : 0;
  const to = isOver ? lastAt : Math.max(lastAt, now);
  const heard = audibleIn(all, to);
  const ends: Record<LaneName, Span[]> = {
    ...heard.lanes,
    silence: silencesOf(heard, silenceBoundMs),
    ...workSpans(all),
    limits: walks ? limitSpans(read, isOver) : [],
    states: heard.states,
    epochs: epochsOf(all).map(({ from: began, label, ref, end }) => {
      const tone = end?.isDeath ? ('bad' as const) : ('plain' as const);
      return { from: began, to: end ? Math.max(began, end.at) : null, label, ref, tone };
    }),
  };
  const deaths = epochsOf(all).flatMap(({ epoch, end }) =>
    end?.isDeath ? [{ at: end.at, label: `epoch ${epoch}: ${end.how}`, ref: end.ref }] : [],
  );
  return {
    session: read.session,
    from,
    to,
    isOver,
    lanes: Object.entries(ends).map(([lane, spans]) => ({ lane: lane as LaneName, spans: spans.slice(-MOST_SPANS) })),
    deaths,
    silenceBoundMs,
    longestSilenceMs: heard.silences.reduce((most, { owedMs }) => Math.max(most, owedMs), 0),
  };
}

type Silence = Between & { owedMs: number; isOpen: boolean };
type Heard = {
  lanes: Record<'caller' | 'agent' | 'filler' | 'apology', Span[]>;
  states: Span[];
  silences: Silence[];
};

/** What one walk over the entries finds. @param to up to where silence is counted */
export function audibleIn(all: readonly Placed[], to: number): Heard {
  const sounds = new Sounds();
  const presence = new Presence();
  const states = new OpenSpans();
  const ends = new Map(epochsOf(all).flatMap(({ epoch, end }) => (end ? [[epoch, end] as const] : [])));
  /** The caller's own turn: nothing is owed. */
  const owes = new OpenSpans();
  for (const placed of all) {
    const { file, entry } = placed;
    const ref = refOf(placed);
    const at = whenOf(entry);
    for (const [epoch, end] of ends) {
      if (end.at > at) continue;
      sounds.over(epoch, end.at);
      states.endAll(`${epoch} `, end.at);
      if (end.isDeath && presence.isThere) owes.begin('owed', { from: end.at, label: '', ref, tone: 'plain' });
      ends.delete(epoch);
    }
    sounds.take(file, entry, ref);
    presence.take(entry, ref);
    if (entry.kind !== 'transition') continue;
    const { machine, to: given } = recordOf(entry.data);
    const leaves = textsOf(given);
    if (machine === 'supervision' || leaves.length === 0) continue;
    const stage = stageOf(leaves) ?? '';
    const label = machine === 'session' ? stage : `${textOf(machine) ?? 'machine'}: ${stage}`;
    const key = `${file} ${textOf(machine) ?? ''}`;
    if (states.of(key)?.label !== label) states.begin(key, { from: at, label, ref, tone: 'state' });
    if (isRest(label)) states.end(key, at);
    if (isTheirTurn(leaves)) owes.end('owed', at);
    else if (!owes.of('owed')) owes.begin('owed', { from: at, label: '', ref, tone: 'plain' });
  }
  for (const [epoch, end] of ends) sounds.over(epoch, end.at);
  const closed = ({ spans }: OpenSpans): Between[] =>
    joined(spans.map((span) => ({ from: span.from, to: span.to ?? to })));
  const audible = joined(Object.values(sounds.lanes).flatMap(closed));
  const owed = closed(owes);
  const silences = gapsIn(closed(presence.spans), audible)
    .filter((gap) => gap.to - gap.from >= SHORTEST_GAP_MS)
    .map((gap) => ({ ...gap, owedMs: overlapMs(gap, owed), isOpen: presence.isThere && gap.to === to }));
  const spansOf = (lane: keyof typeof sounds.lanes): Span[] => sounds.lanes[lane].spans;
  return {
    lanes: {
      caller: spansOf('caller'),
      agent: spansOf('agent'),
      filler: spansOf('filler'),
      apology: spansOf('apology'),
    },
    states: states.spans,
    silences,
  };
}

const isRest = (label: string): boolean => label === 'closed' || label === 'recovery: done';
/** Nothing is owed: they speak, they think, they are listened to. Up to the endpointing a silence is their own. */
const theirs = /^live\.conversing\.dialogue\.(active|idle|held|recognizing\.endpointing)(\.|$)/;
const isTheirTurn = (leaves: readonly string[]): boolean => leaves.some((leaf) => theirs.test(leaf));

const silencesOf = ({ silences }: Heard, bound: number | null): Span[] =>
  silences.map(({ from, to, owedMs, isOpen }) => {
    const lasted = to - from;
    const whose =
      owedMs >= lasted - 1 ? '' : owedMs <= 0 ? ', the caller’s turn' : `, an answer owed for ${spellMs(owedMs)}`;
    const isBad = bound !== null && owedMs > bound;
    return {
      from,
      to: isOpen ? null : to,
      label: `nobody audible for ${spellMs(lasted)}${whose}`,
      ref: null,
      tone: isBad ? 'bad' : 'quiet',
    };
  });
