/**
 * Others in the place of names, numbers and texts, the same one each time. Pure, but for what it remembers. Only words that
 * are ours stay: those of the machines, under keys that hold nothing else.
 */
import { isReason } from '../../machines/index.ts';

/** Keys whose texts the machines compare, and nobody else fills; the first ones only where an entry has them itself. */
const oursOfEntry: ReadonlySet<string> = new Set(['kind', 'machine', 'name', 'state', 'limit', 'phase']);
const ours: ReadonlySet<string> = new Set([
  'type',
  'line',
  'rung',
  'awaits',
  'by',
  'fault',
  'hangUp',
  'greeting',
  'outcome',
  'how',
]);
/** A list of entries, one of them, its data. */
const ENTRY_DEPTH = 3;
const word = /^[A-Za-z][A-Za-z0-9_.:-]{0,80}$/;

export class Replacements {
  readonly #known = new Map<string, string>();

  /** How many different texts were replaced. */
  get count(): number {
    return this.#known.size;
  }

  /** Of a list of entries. */
  in(value: unknown, key = '', depth = 0): unknown {
    if (typeof value === 'string') return this.#text(value, key, depth);
    if (Array.isArray(value)) return value.map((each) => this.in(each, key, depth + 1));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, this.in(inner, name, depth + 1)]));
  }

  #text(text: string, key: string, depth: number): string {
    const isOurs = ours.has(key) || (depth <= ENTRY_DEPTH && oursOfEntry.has(key));
    if (text === '' || (isOurs && word.test(text)) || (key === 'reason' && isReason(text))) return text;
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const number = this.#known.size + 1;
    const other = /^\+?[\d ()-]{5,}$/.test(text)
      ? `+1555010${String(number).padStart(4, '0')}`
      : `${key === '' ? 'text' : key}-${number}`;
    this.#known.set(text, other);
    return other;
  }
}
