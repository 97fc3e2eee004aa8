/** What was said up to an entry: items of the history, and words that are in none yet. */
import { whenOf } from '../report/clock.ts';
import { recordOf, textOf } from '../report/lenient.ts';
import type { SaidLine } from './answers.ts';
import { wellFormedStart } from './cut-json.ts';
import { countUpTo } from './places.ts';
import { refOf, type Placed, type SessionRead } from './session-read.ts';

/** Of the lines before: who scrubs through a call of two hours looks at the last ones. */
const MOST_LINES = 200;
const MOST_CHARACTERS = 4_000;
/** A reply that goes on has an entry a second: one of several minutes is found. */
const LOOK_BACK = 400;

const textIn = (text: string): string => wellFormedStart(text, MOST_CHARACTERS);

const itemLine = (placed: Placed): SaidLine | undefined => {
  const { role, text, interrupted } = recordOf(placed.entry.data);
  if (placed.entry.kind !== 'item' || (role !== 'user' && role !== 'assistant')) return undefined;
  const who = role === 'user' ? 'caller' : 'agent';
  const at = whenOf(placed.entry);
  return { ref: refOf(placed), at, who, text: textIn(textOf(text) ?? ''), interrupted: interrupted === true };
};

export function saidUpTo(read: SessionRead, index: number): SaidLine[] {
  const { all } = read;
  const items = read.kept('items', () => {
    const lines = all.flatMap((placed) => {
      const line = itemLine(placed);
      return line ? [{ at: placed.index, line }] : [];
    });
    return { indexes: lines.map(({ at }) => at), lines: lines.map(({ line }) => line) };
  });
  const end = countUpTo(items.indexes, index);
  return [...items.lines.slice(Math.max(0, end - MOST_LINES), end), ...unsettled(all, index)];
}

/** Words that were heard or recognised, and that no item holds at that entry. */
function unsettled(all: readonly Placed[], index: number): SaidLine[] {
  const open = new Map<string, SaidLine>();
  for (const placed of all.slice(Math.max(0, index - LOOK_BACK), index + 1)) {
    const data = recordOf(placed.entry.data);
    const at = whenOf(placed.entry);
    const add = (key: string, who: string, words: string) => {
      const before = open.get(key);
      if (before) before.text = textIn(`${before.text}${words}`);
      else open.set(key, { ref: refOf(placed), at, who, text: textIn(words), interrupted: false });
    };
    if (placed.entry.kind === 'audible') {
      const words = textOf(recordOf(data['pii'])['text']);
      if (words !== null) add(`agent ${textOf(data['speech']) ?? ''}`, 'agent', words);
    } else if (placed.entry.kind === 'transcript') {
      add('caller', 'caller', `${textOf(data['text']) ?? ''} `);
    } else if (placed.entry.kind === 'item') {
      if (data['role'] === 'user') open.delete('caller');
      if (data['role'] === 'assistant') open.delete(`agent ${textOf(data['speech']) ?? ''}`);
    }
  }
  return [...open.values()];
}
