/**
 * Values that nobody means and somebody sends: from tools, hooks, listeners, metadata. Each is made anew, for some can be
 * used up. What is said of them is the same everywhere: nothing throws, and a report is still a report.
 */

const thrower = () => {
  throw new Error('planted');
};
/** Throws whatever is done with it, also when it is asked what it is. */
export const hostileProxy = (): object =>
  new Proxy(
    {},
    Object.fromEntries(
      ['get', 'has', 'ownKeys', 'getPrototypeOf', 'getOwnPropertyDescriptor', 'set'].map((trap) => [trap, thrower]),
    ),
  );
const revoked = (): object => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
};
const withGetter = (name: string): object =>
  Object.defineProperty({ fine: 1 }, name, { enumerable: true, get: thrower });
const circular = (): object => {
  const loop: Record<string, unknown> = { word: 'circular' };
  loop['self'] = loop;
  loop['list'] = [loop];
  return loop;
};

/** What a tool, a hook or a factory may return, or `call.attach` be given. */
export const hostileValues: readonly (readonly [string, () => unknown])[] = [
  ['a cycle', circular],
  ['a BigInt', () => 12n],
  ['a BigInt inside', () => ({ id: 9_007_199_254_740_993n, word: 'big' })],
  ['a getter that throws', () => withGetter('broken')],
  ['a function', () => () => 'called'],
  ['functions inside', () => ({ word: 'kept', run: () => 1 })],
  ['toJSON that throws', () => ({ toJSON: thrower })],
  ['toJSON that throws what cannot be read', () => ({ toJSON: () => { throw hostileProxy(); } })], // prettier-ignore
  ['a symbol', () => Symbol('planted')],
  ['an object without a prototype', () => Object.assign(Object.create(null) as object, { word: 'bare' })],
  ['a Map and a Set', () => ({ map: new Map([['a', 1]]), set: new Set([1]) })],
  ['a proxy that throws', hostileProxy],
  ['a revoked proxy', revoked],
  ['NaN and Infinity', () => [Number.NaN, Infinity, -0]],
  ['a date that is none', () => new Date(Number.NaN)],
  ['bytes', () => new Uint8Array(1024)],
  ['a key of 10 MB', () => ({ ['k'.repeat(10_000_000)]: 1 })],
  ['a text of 10 MB', () => 'x'.repeat(10_000_000)],
  ['a million zeros', () => Array.from({ length: 1_000_000 }, () => 0)],
  ['lone surrogates', () => ({ 'a\uD800b': 'c\uDC00d' })],
  ['controls and marks of direction', () => ({ text: '\u0000\u001B[2J\u009B31m\u202Eabc\u2066\u200F' })],
  ['a polluting key', () => JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}')],
  ['an error', () => new TypeError('bad')],
  ['nothing', () => undefined],
  ['null', () => null],
];

/** What may be thrown. */
export const hostileThrows: readonly (readonly [string, () => unknown])[] = [
  ['undefined', () => undefined],
  ['null', () => null],
  ['a text', () => 'thrown'],
  ['a symbol', () => Symbol('thrown')],
  ['a number', () => 42],
  ['an object whose message throws', () => withGetter('message')],
  ['an object without a prototype', () => Object.create(null) as object],
  ['a proxy that throws', hostileProxy],
  ['a revoked proxy', revoked],
  ['a frozen error', () => Object.freeze(new Error('frozen'))],
  ['an error whose message is an object', () => Object.assign(new Error('x'), { message: { toString: thrower } })],
  ['an error whose message throws', () => Object.defineProperty(new Error('x'), 'message', { get: thrower })],
  ['an error whose stack throws', () => Object.defineProperty(new Error('x'), 'stack', { get: thrower })],
  ['an error with a message of 10 MB', () => new Error('x'.repeat(10_000_000))],
  ['an error that is its own cause', () => { const error = new Error('loop'); error.cause = error; return error; }], // prettier-ignore
];

/** Every printable ASCII character, controls, line breaks of every kind, marks of direction, half a character. */
export const hostileText = [
  String.fromCharCode(...Array.from({ length: 95 }, (_, index) => index + 32)),
  '\n\r\t\u0000\u0007\u001B[31m\u007F\u0085\u009B2J\u2028\u2029',
  '\u202Eevil\u2066\u200F\u200B\uFEFF',
  'Grüße 你好 👩‍👩‍👧',
  '\uD83D',
].join('');

/** Half a character is no text. */
export const isWellFormed = (text: string): boolean => !/\p{Surrogate}/u.test(text);
export const wellFormed = (text: string): string => text.replaceAll(/\p{Surrogate}/gu, '\uFFFD');
