/** Values of strangers, no longer than somebody can look at. Pure. */

const MOST_CHARACTERS = 20_000;
const MOST_ELEMENTS = 500;
const MOST_DEPTH = 30;
/** Of all of it. */
const MOST_VALUES = 20_000;

/** *Pure.* The same JSON with long texts, lists and deep objects cut. */
export function cutJson(value: unknown): { value: unknown; isCut: boolean } {
  let isCut = false;
  let left = MOST_VALUES;
  const cutOff = <Put>(put: Put): Put => {
    isCut = true;
    return put;
  };
  const cut = (inner: unknown, depth: number): unknown => {
    left -= 1;
    if (typeof inner === 'string')
      return inner.length <= MOST_CHARACTERS
        ? inner
        : cutOff(`${wellFormedStart(inner, MOST_CHARACTERS)}… (${inner.length.toLocaleString('en-US')} characters)`);
    if (typeof inner !== 'object' || inner === null) return inner;
    if (depth >= MOST_DEPTH || left <= 0) return cutOff('…');
    const isList = Array.isArray(inner);
    const all = Object.entries(inner);
    if (all.length > MOST_ELEMENTS) isCut = true;
    const kept = all.slice(0, MOST_ELEMENTS).map(([name, each]) => [name.slice(0, 200), cut(each, depth + 1)] as const);
    return isList ? kept.map(([, each]) => each) : Object.fromEntries(kept);
  };
  const shown = cut(value, 0);
  return { value: shown, isCut };
}

/** *Pure.* Never half a character. */
export const wellFormedStart = (text: string, length: number): string =>
  text.slice(0, /[\uD800-\uDBFF]/.test(text.charAt(length - 1)) ? length - 1 : length);
