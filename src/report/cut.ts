/** Ways to make a list, a text or a whole document shorter, counting what that takes away. Pure. */

/** What is left, of how many elements something was taken, and how much. */
export type Cut<Value> = { value: Value; entries: number; bytes: number };

/** As JSON. */
export const jsonBytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

/** Of each list so much stays in any case, as beginning and end: little beside the megabytes that are left out. */
const LEAST_BYTES = 16 * 1024;
/** Below this an element's content is not worth leaving out. */
const LEAST_SAVED = 256;

/**
 * Elements of the middle are left out until `excess` bytes are saved: beginning and end say most. `stays` are kept
 * wherever they stand.
 */
export const middleOut = <Element>(
  list: readonly Element[],
  excess: number,
  stays: (element: Element) => boolean = () => false,
): Cut<Element[]> => {
  const sizes = list.map((element) => jsonBytes(element) + 1); // and a comma
  const movable = list.flatMap((element, index) => (stays(element) ? [] : index));
  const total = movable.reduce((sum, index) => sum + (sizes[index] ?? 0), 0);
  const share = Math.max(LEAST_BYTES, total - excess) / 2;
  const out = new Set(movable);
  const keep = (indexes: readonly number[]) => {
    let left = share;
    for (const index of indexes) {
      left -= sizes[index] ?? 0;
      if (left < 0) break;
      out.delete(index);
    }
  };
  keep(movable);
  keep(movable.toReversed());
  const bytes = [...out].reduce((sum, index) => sum + (sizes[index] ?? 0), 0);
  return { value: list.filter((_, index) => !out.has(index)), entries: out.size, bytes };
};

/** Each element stays, and the largest lose what `empty` takes from them, until `excess` bytes are saved. */
export const emptied = <Element>(
  list: readonly Element[],
  excess: number,
  empty: (element: Element) => Element,
): Cut<Element[]> => {
  const value = [...list];
  const lighter = list
    .map((element, index) => ({ index, empty: empty(element), saved: 0 }))
    .map((one) => ({ ...one, saved: jsonBytes(list[one.index]) - jsonBytes(one.empty) }))
    .filter(({ saved }) => saved >= LEAST_SAVED)
    .sort((one, other) => other.saved - one.saved);
  let bytes = 0;
  let entries = 0;
  for (const { index, empty: left, saved } of lighter) {
    if (bytes >= excess) break;
    value[index] = left;
    bytes += saved;
    entries += 1;
  }
  return { value, entries, bytes };
};

/** No half characters: a report is text for parsers of every language. */
export const shortened = (text: string, characters: number): string => {
  if (text.length <= characters) return text;
  const kept = text.slice(0, characters).replace(/[\uD800-\uDBFF]$/, '');
  return `${kept}… [left out: ${text.length - kept.length} of ${text.length} characters]`;
};

const LONG_TEXT = 256;
const LONG_LIST = 16;
const DEEP = 6;

/** Short texts, short lists, few keys, no depth: at most some hundred KiB of anything. Keeps the types of its leaves. */
export const cutEverywhere = (value: unknown, depth = 0): unknown => {
  if (typeof value === 'string') return shortened(value, LONG_TEXT);
  if (typeof value !== 'object' || value === null) return value;
  if (depth > DEEP) return null;
  if (Array.isArray(value)) {
    const ends = value.length <= LONG_LIST ? value : [...value.slice(0, LONG_LIST / 2), ...value.slice(-LONG_LIST / 2)];
    return ends.map((each) => cutEverywhere(each, depth + 1));
  }
  // The report itself has more names than any map of somebody's may keep, and they are ours.
  const pairs = Object.entries(value).slice(0, depth === 0 ? undefined : LONG_LIST);
  return Object.fromEntries(
    pairs.map(([name, each]) => [shortened(name, LONG_TEXT), cutEverywhere(each, depth + 1)] as const),
  );
};
