/**
 * Pure. Was this healthy call harmed? Told from its sounds and from what the person on the line waited for, and from
 * nothing that the machine or the ledger thought.
 */
import { defaultPolicy } from '../../../machines/index.ts';
import type { Composed } from './compose.ts';
import type { Line, Played } from './play.ts';
import type { Item } from './trace.ts';

export type Judged = {
  /** What was done to it, in words; empty for a call that met nobody. */
  harm: string[];
  fillers: number;
  /** Fillers at which the answer began within 300 ms. */
  met: number;
  /** Fillers into which the caller began to speak. */
  spokenInto: number;
  /** Fillers before something that the agent said of itself, and nobody had asked for. */
  unasked: number;
};

type Stretch = { from: number; to: number };

/** Sounds of one frame may meet at their edges. */
const AT_ONCE_MS = 120;
/** Until activity is noticed: nobody can know before that somebody has begun. */
const NOTICED_MS = 250;
const MET_MS = 300;
const CLOCK_MS = 5;
/** A step forward in the middle of a filler begins the silence anew. */
const LEAST_BETWEEN_MS = Math.min(defaultPolicy.firstAudioMs, defaultPolicy.fillerMs);
/** What was held and is dropped sounds for an instant: that answers nobody. */
const AN_ANSWER_MS = 300;

export function judge(call: Composed, { lines, end, isClosed }: Played): Judged {
  const { items } = call;
  const agent = soundsOf(items, 'agent');
  const caller = soundsOf(items, 'caller');
  const waits = waitsOf(items, call.trace.greeting === 'wait');
  const fillers = lines.filter(({ line, from }) => line === 'filler' && from !== undefined) as Heard[];
  const harm: string[] = [];
  let unasked = 0;
  if (!isClosed) harm.push('never closed');
  if (end?.reason !== call.end.reason)
    harm.push(`ended as ${end?.reason} (${end?.detail ?? 'no detail'}), not ${call.end.reason}`);
  for (const { line, asked } of lines) if (line !== 'filler' && line !== 'goodbye') harm.push(`${line} at ${asked} ms`);
  for (const [index, { from, to = call.end.at }] of fillers.entries()) {
    const over = (voices: readonly Stretch[], most: number) =>
      voices.find((voice) => Math.min(to, voice.to) - Math.max(from, voice.from) > most);
    if (over(agent, AT_ONCE_MS)) harm.push(`a filler over the agent at ${from} ms`);
    if (over(caller, NOTICED_MS)) harm.push(`a filler over the caller at ${from} ms`);
    const wait = waits.find((each) => each.from <= from && from < each.to + AT_ONCE_MS);
    const isNext = nextVoice(call.whole, from) === 'agent';
    if (!wait && isNext) unasked += 1;
    if (!wait && !isNext) harm.push(`a filler in the caller's turn at ${from} ms`);
    const silentSince = Math.max(
      wait?.from ?? 0,
      ...[...agent, ...caller].filter((sound) => sound.from < from - AT_ONCE_MS).map((sound) => sound.to),
    );
    if (from - silentSince < defaultPolicy.firstAudioMs - CLOCK_MS)
      harm.push(`a filler after ${from - silentSince} ms of silence at ${from} ms`);
    const before = fillers[index - 1];
    if (before && from - before.from < LEAST_BETWEEN_MS - CLOCK_MS)
      harm.push(`a filler ${from - before.from} ms after the one before at ${from} ms`);
  }
  const beginsIn = (voices: readonly Stretch[], { from }: Heard, ms: number) =>
    voices.some((voice) => voice.from >= from && voice.from - from <= ms);
  return {
    harm,
    fillers: fillers.length,
    met: fillers.filter((filler) => beginsIn(agent, filler, MET_MS)).length,
    spokenInto: fillers.filter((filler) => beginsIn(caller, filler, (filler.to ?? filler.from) - filler.from)).length,
    unasked,
  };
}

type Heard = Line & { from: number };

const nextVoice = (items: readonly Item[], from: number): 'agent' | 'caller' | undefined => {
  const next = items.find((item) => 'sound' in item && item.is === 'begins' && item.at >= from - AT_ONCE_MS);
  return next && 'sound' in next ? next.sound : undefined;
};

/** Stretches in which somebody is heard; a pause is none. */
function soundsOf(items: readonly Item[], whose: 'agent' | 'caller'): Stretch[] {
  const sounds: Stretch[] = [];
  for (const item of items) {
    if (!('sound' in item) || item.sound !== whose) continue;
    const last = sounds.at(-1);
    if (item.is === 'begins' || item.is === 'goes on') sounds.push({ from: item.at, to: Infinity });
    else if (last?.to === Infinity) last.to = item.at;
  }
  return sounds;
}

/** Stretches in which the caller waits for an answer: as their script says, until somebody is heard. */
function waitsOf(items: readonly Item[], callerSpeaksFirst: boolean): Stretch[] {
  const waits: Stretch[] = callerSpeaksFirst ? [] : [{ from: 0, to: Infinity }];
  const answers = soundsOf(items, 'agent').filter(({ from, to }) => to - from > AN_ANSWER_MS);
  for (const item of items) {
    const last = waits.at(-1);
    const isHeard =
      'sound' in item &&
      (item.is === 'begins' || item.is === 'goes on') &&
      (item.sound === 'caller' || answers.some(({ from }) => from === item.at));
    if (last?.to === Infinity && (isHeard || 'expects' in item)) last.to = item.at;
    if ('expects' in item && item.expects) waits.push({ from: item.at, to: Infinity });
  }
  return waits;
}
