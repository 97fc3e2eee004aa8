/**
 * Any value at all as plain JSON of bounded size. Pure, and total: it never throws.
 *
 * What a tool returns or a hook attaches is not ours to refuse in the middle of a call, and an entry that cannot be
 * written is a hole in the report. So whatever JSON cannot hold becomes text that says what it was.
 */
import type { Json } from './entry.ts';

/** Characters of text (keys and strings) that one entry may hold: 1 MiB. */
export const ENTRY_CHARACTERS = 1024 * 1024;
/** A recursive reader (JSON.stringify is one) overflows its stack at some thousand levels; nobody means more than 64. */
const DEPTH = 64;
/** What a value costs besides its text: bounds an array of ten million zeros too. */
const NODE_COST = 8;
/** Short values are kept even where a huge neighbour uses up the rest: a tool's status outlives its output. */
const SHORT = 1024;

const loneSurrogates = /\p{Surrogate}/gu;
const anySurrogate = /[\uD800-\uDFFF]/;

/** Half a character is no text: parsers of other languages refuse it, and with it the whole report. */
const wellFormed = (text: string): string => (anySurrogate.test(text) ? text.replace(loneSurrogates, '\uFFFD') : text);

type Budget = { left: number; readonly ancestors: Set<object> };

const take = (text: string, budget: Budget): string => {
  budget.left -= NODE_COST;
  if (text.length <= Math.max(budget.left, 0)) {
    budget.left -= text.length;
    return wellFormed(text);
  }
  const kept = Math.max(budget.left, 0);
  budget.left = 0;
  return `${wellFormed(text.slice(0, kept))}… [truncated: ${text.length - kept} of ${text.length} characters]`;
};

/** Short values first, then structures, long texts last: 10 MB of metadata may not push out the policy beside them. */
const rankOf = (value: unknown): number => {
  if (typeof value === 'string') return value.length <= SHORT ? 0 : 2;
  return typeof value === 'object' && value !== null ? 1 : 0;
};

/** A key is part of the text too. */
const keyOf = (name: string): string =>
  name.length <= SHORT
    ? wellFormed(name)
    : `${wellFormed(name.slice(0, SHORT))}… [truncated: ${name.length - SHORT} of ${name.length} characters]`;

/** What stands for a value that cannot be read. Whatever was thrown may itself be unreadable. */
const unreadable = (error: unknown): string => {
  try {
    const why: unknown = error instanceof Error ? error.message : error; // a message may be an object
    return `[unreadable: ${wellFormed(String(why).slice(0, SHORT))}]`;
  } catch {
    return '[unreadable]';
  }
};

const listOf = (list: readonly unknown[], budget: Budget, depth: number): Json[] => {
  const result: Json[] = [];
  for (const [index, value] of list.entries()) {
    if (budget.left <= 0) {
      result.push(`[truncated: ${list.length - index} of ${list.length} elements]`);
      break;
    }
    result.push(convert(value, budget, depth + 1) ?? null);
  }
  return result;
};

const objectOf = ({ pairs, count }: Pairs, budget: Budget, depth: number): Json => {
  const kept = new Map<string, Json | undefined>();
  let dropped = count - pairs.length;
  for (const rank of [0, 1, 2]) {
    for (const [name, value] of pairs) {
      if (rankOf(value) !== rank) continue;
      if (budget.left <= 0) {
        dropped += 1;
        continue;
      }
      budget.left -= Math.min(name.length, SHORT);
      kept.set(name, convert(value, budget, depth + 1));
    }
  }
  // Object.fromEntries defines properties: a key called `__proto__` stays a key.
  const result: [string, Json][] = [];
  for (const [name] of pairs) {
    const value = kept.get(name);
    if (value !== undefined) result.push([keyOf(name), value]);
  }
  if (dropped > 0) result.push(['[truncated]', `${dropped} of ${count} keys`]);
  return Object.fromEntries(result);
};

type Pairs = { pairs: [string, unknown][]; count: number };

const pairsOf = (value: object, budget: Budget): Pairs => {
  if (value instanceof Map) {
    const pairs = [...value].map(([name, inner]): [string, unknown] => [String(name), inner]);
    return { pairs, count: pairs.length };
  }
  if (value instanceof Error) {
    const { name, message } = value;
    const pairs: [string, unknown][] = [['name', name], ['message', message], ...Object.entries(value)];
    return { pairs, count: pairs.length };
  }
  const names = Object.keys(value);
  // More keys than the budget could ever pay for are not even looked at: reading them is what would take long.
  const pairs = names.slice(0, Math.max(0, budget.left) / NODE_COST + 1).map((name): [string, unknown] => {
    try {
      return [name, (value as Record<string, unknown>)[name]];
    } catch (error) {
      return [name, unreadable(error)]; // a getter that throws
    }
  });
  return { pairs, count: names.length };
};

const structureOf = (value: object, budget: Budget, depth: number): Json | undefined => {
  if (budget.ancestors.has(value)) return '[circular]';
  if (depth >= DEPTH) return `[truncated: deeper than ${DEPTH} levels]`;
  budget.ancestors.add(value);
  try {
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[binary: ${value.byteLength} bytes]`;
    if (Array.isArray(value)) return listOf(value, budget, depth);
    if (value instanceof Set) return listOf([...value], budget, depth);
    const own = (value as { toJSON?: unknown }).toJSON;
    if (typeof own === 'function') return convert(own.call(value) as unknown, budget, depth + 1);
    return objectOf(pairsOf(value, budget), budget, depth);
  } finally {
    budget.ancestors.delete(value);
  }
};

const convert = (value: unknown, budget: Budget, depth: number): Json | undefined => {
  switch (typeof value) {
    case 'string':
      return take(value, budget);
    case 'number':
      budget.left -= NODE_COST;
      return Number.isFinite(value) ? value : null;
    case 'boolean':
      budget.left -= NODE_COST;
      return value;
    case 'bigint':
      return take(value.toString(), budget);
    case 'object':
      budget.left -= NODE_COST;
      if (value === null) return null;
      try {
        return structureOf(value, budget, depth);
      } catch (error) {
        return unreadable(error); // toJSON or a proxy that throws
      }
    case 'undefined':
    case 'function':
    case 'symbol':
      return undefined;
  }
};

/**
 * *Pure.* The value as JSON: circular references, BigInt, Map, Set, Error, getters that throw, half characters and
 * anything beyond `characters` (default ENTRY_CHARACTERS) come out as text that says so. `undefined` and functions
 * are left out, as JSON does; alone they are null.
 */
export const toJson = (value: unknown, characters: number = ENTRY_CHARACTERS): Json => {
  try {
    return convert(value, { left: characters, ancestors: new Set() }, 0) ?? null;
  } catch {
    return '[unreadable]'; // what it threw could not be read either
  }
};
