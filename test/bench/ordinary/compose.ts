/**
 * Pure. One healthy call out of a trace: its parts in another order, and everything in them as long as it may take. The
 * order of what happens within a part stays as the real AgentSession had it.
 */
import { endOf, type SessionEvent } from '../../../machines/index.ts';
import { Latencies, LONGEST_REST_MS, type Tempo } from './latencies.ts';
import type { Cause, Item, Trace } from './trace.ts';

export type Composed = {
  trace: Trace;
  tempo: Tempo;
  latencies: Latencies;
  /** Before the caller is there, without times. */
  before: readonly Item[];
  /** From then on, in order; times in ms since. */
  items: readonly Item[];
  /** The same, as if nobody had ended the call in the middle of it. */
  whole: readonly Item[];
  /** What ends the call, and the reason that its report has to have. */
  end: { at: number; event: SessionEvent; reason: string };
};

/** So long after its time a wait may have ended on a busy machine, when it was recorded. */
const LATE_MS = 1000;
/** A room says that a sound has ended a little before it has. */
const TOLD_BEFORE_MS = 150;
const MOST_PARTS = 8;

export function compose(traces: readonly Trace[], seed: number): Composed {
  const latencies = new Latencies(seed);
  const { random } = latencies;
  const trace = random.pick(traces);
  const ready = trace.items.findIndex((item) => 'ready' in item || 'part' in item); // in one millisecond, in either order
  const [opening = [], ...parts] = partsOf(trace.items.slice(ready));
  const chosen = [opening, ...Array.from({ length: 1 + random.below(MOST_PARTS) }, () => random.pick(parts))];
  const from = { now: 0, quiet: 0, isOwed: trace.greeting !== 'wait' };
  const items = chosen.flatMap((part, index) => stretched(named(part, index), latencies, from));
  return { trace, tempo: latencies.tempo, latencies, before: trace.items.slice(0, ready), ...ended(items, latencies) };
}

/** The first one: what comes before the first part. The last one of a trace is none, the caller only leaves in it. */
const partsOf = (items: readonly Item[]): Item[][] => {
  const parts: Item[][] = [[]];
  for (const item of items) {
    if ('part' in item) parts.push([]);
    parts.at(-1)?.push(item);
  }
  return parts.slice(0, -1);
};

/** A part that comes twice has speeches of its own each time. */
const named = (part: readonly Item[], index: number): Item[] =>
  part.map((item) => {
    if (!('fact' in item)) return item;
    const { fact } = item;
    if ('speech' in fact) return { ...item, fact: { ...fact, speech: `${fact.speech}/${index}` } };
    if ('turn' in fact) return { ...item, fact: { ...fact, turn: `${fact.turn}/${index}` } };
    return 'tool' in fact ? { ...item, fact: { ...fact, tool: `${fact.tool}/${index}` } } : item;
  });

// ── longer and shorter ───────────────────────────────────────────────────────────────────────────────────────────

/** What a wait was for: the first of these that came when it was over. */
const endsWait: Record<Cause, (item: Item) => boolean> = {
  llm: (item) => isFact(item, 'answer.moved', 'tool.started', 'speech.scheduled') || isSound(item, 'agent', 'begins'),
  tts: (item) => isSound(item, 'agent', 'begins') || isFact(item, 'agent.heard'), // told before it is heard, in a room
  stt: (item) => isFact(item, 'caller.words'),
  tool: (item) => isFact(item, 'tool.ended', 'work.ended'),
  hook: (item) => 'expects' in item || isFact(item, 'speech.scheduled', 'turn.ended', 'answer.refused'),
  transfer: (item) => 'settled' in item && item.settled === 'transfer',
  rest: (item) => isSound(item, 'caller', 'begins') || isSound(item, 'agent', 'begins') || 'event' in item,
  given: (item) => isSound(item, 'caller', 'begins'),
  into: (item) => isSound(item, 'caller', 'begins'),
};
const isFact = (item: Item, ...names: string[]) => 'fact' in item && names.includes(item.fact.fact);
const isSound = (item: Item, whose: 'agent' | 'caller', ...how: string[]) =>
  'sound' in item && item.sound === whose && how.includes(item.is);

type Change = { ms: number; isGiven: boolean };

/** By how much the time before each item changes. */
function changes(part: readonly Item[], latencies: Latencies): Map<Item, Change> {
  const by = new Map<Item, Change>();
  const add = (item: Item | undefined, ms: number, isGiven = false) => {
    if (item) by.set(item, { ms: Math.max(by.get(item)?.ms ?? -Infinity, ms), isGiven });
  };
  for (const [index, item] of part.entries()) {
    if ('waits' in item) {
      const due = item.at + item.ms;
      const since = part.slice(index + 1);
      const ended = since.find((each) => each.at >= due - 20 && each.at <= due + LATE_MS && endsWait[item.waits](each));
      let ms = latencies.of(item.waits);
      // What ends by a clock of its own is not held up by what came before it.
      if (item.waits === 'stt' || item.waits === 'llm') ms = Math.min(ms, item.ms + slackOf(part, ended));
      add(ended && firstOf(since, ended), ms - item.ms, item.waits === 'given');
    } else if (isSound(item, 'agent', 'ends')) {
      const isEnd = (each: Item) => each === item || isFact(each, 'agent.quiet');
      const told = part.find((each) => each.at > item.at - TOLD_BEFORE_MS && isEnd(each));
      add(told, latencies.more('speech'));
    } else if (isSound(item, 'caller', 'ends') && hasWords(part, item)) add(item, latencies.more('talk'));
  }
  return by;
}

/** What followed from it in the same instant may be written before it: sounds of the agent, our own track that is hushed. */
const firstOf = (since: readonly Item[], ended: Item): Item =>
  since.find((item) => item.at > ended.at - 5 && ('hush' in item || 'sound' in item || item === ended)) ?? ended;

/** Activity ends, a turn is found, somebody goes on: each by a clock of its own. Words and early tokens have until then. */
const slackOf = (part: readonly Item[], ended: Item | undefined): number => {
  if (!ended) return Infinity;
  const after = part.slice(part.indexOf(ended) + 1);
  const goesOn = after.find((item) => isSound(item, 'caller', 'begins') && item.at - ended.at < GOES_ON_MS);
  const next = after.find((item) => 'sound' in item || isFact(item, ...OWN_CLOCKS, 'speech.ended', 'tool.started'));
  const isTimed = next && isFact(next, ...OWN_CLOCKS) && next.at - ended.at > 40;
  return Math.min(goesOn ? goesOn.at - ended.at : Infinity, isTimed ? next.at - ended.at : Infinity);
};
const OWN_CLOCKS = ['caller.stopped', 'turn.began'];
const GOES_ON_MS = 700;

/** A noise that lasts is speech to us: it stays as short as it was. */
const hasWords = (part: readonly Item[], end: Item): boolean => {
  const after = part.slice(part.indexOf(end) + 1);
  const next = after.findIndex((item) => 'sound' in item);
  return after.slice(0, next < 0 ? undefined : next).some((item) => isFact(item, 'caller.words', 'turn.began'));
};

/** `quiet`: since when nobody has said or done anything. `isOwed`: the caller waits for an answer. */
type Sofar = { now: number; quiet: number; isOwed: boolean };

function stretched(part: readonly Item[], latencies: Latencies, from: Sofar): Item[] {
  const by = changes(part, latencies);
  let was = part[0]?.at ?? 0;
  return part.map((item) => {
    const change = by.get(item);
    const before = from.now;
    from.now += Math.max(0, item.at - was + (change?.ms ?? 0));
    was = item.at;
    // Whoever waits for nothing says something before they would be asked whether they are there.
    const most = from.isOwed || change?.isGiven === true ? Infinity : from.quiet + LONGEST_REST_MS;
    if (change) from.now = Math.max(before, Math.min(from.now, most));
    if ('sound' in item || 'event' in item) from.quiet = from.now;
    if ('expects' in item) from.isOwed = item.expects;
    else if ('sound' in item && item.is === 'begins') from.isOwed = false;
    return { ...item, at: from.now };
  });
}

// ── the end ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** Hangs up at rest, or in the middle of anything; or the agent ends the call when it has answered. */
function ended(items: readonly Item[], { random }: Latencies): Pick<Composed, 'items' | 'whole' | 'end'> {
  const last = items.at(-1)?.at ?? 0;
  const hangUp: SessionEvent = { type: 'caller.left', end: endOf('caller', 'caller_hung_up') };
  const chance = random.next();
  if (chance < 0.2)
    return {
      items,
      whole: items,
      end: {
        at: last + 50,
        event: { type: 'session.end', end: endOf('agent', 'agent_ended'), drain: true },
        reason: 'agent_ended',
      },
    };
  const quiet = items.findLast((item) => 'sound' in item || 'event' in item)?.at ?? 0;
  const rest = Math.min(last + random.below(LONGEST_REST_MS), Math.max(last, quiet + LONGEST_REST_MS));
  const at = chance < 0.4 ? Math.round(last * random.next()) : rest;
  return {
    items: items.filter((item) => item.at < at),
    whole: items,
    end: { at, event: hangUp, reason: 'caller_hung_up' },
  };
}
