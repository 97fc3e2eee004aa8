import * as fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { defaultPolicy, definePolicy, PolicyError } from '../../machines/index.ts';

const refusal = (overrides: unknown): PolicyError => {
  try {
    definePolicy(overrides);
  } catch (error) {
    if (error instanceof PolicyError) return error;
    throw error;
  }
  throw new Error('expected a PolicyError; the policy was accepted');
};

test('nothing given means the defaults', () => {
  expect(definePolicy()).toEqual(defaultPolicy);
  expect(definePolicy({})).toEqual(defaultPolicy);
  expect(definePolicy({ idleMs: undefined })).toEqual(defaultPolicy);
});

test('a given limit takes the place of its default, and the policy cannot be changed afterwards', () => {
  const policy = definePolicy({ idleMs: 1, nudges: 0, hangUpMs: 2_147_483_647 });
  expect(policy).toEqual({ ...defaultPolicy, idleMs: 1, nudges: 0, hangUpMs: 2_147_483_647 });
  expect(Object.isFrozen(policy)).toBe(true);
  expect(Object.isFrozen(defaultPolicy)).toBe(true);
});

describe('a value that no timer can use is refused', () => {
  test.each([NaN, Infinity, -Infinity, -1, 0, -0, 2 ** 31, '3000', null, true, [], {}, 5n, () => 5])(
    'idleMs %s',
    (idleMs) => {
      const { code, problems, message } = refusal({ idleMs });
      expect(code).toBe('POLICY_INVALID');
      expect(problems).toHaveLength(1);
      expect(problems[0]).toMatchObject({
        field: 'idleMs',
        expected: expect.stringContaining('more than 0 and at most 2147483647'),
      });
      expect(message).toContain('idleMs: expected a number of milliseconds');
    },
  );
  test.each([-1, 0.5, NaN, Infinity, '2'])('nudges %s', (count) => {
    expect(refusal({ nudges: count }).message).toContain('nudges: expected a whole number, 0 or more; got');
  });
});

test.each([
  ['maxDuration', 'maxDurationMs'],
  ['idle', 'idleMs'],
  ['maxDurationMS', 'maxDurationMs'],
  ['goodByeMs', 'goodbyeMs'],
  ['nudge', 'nudges'],
])('the unknown field %s is refused, and %s is suggested', (field, suggestion) => {
  expect(refusal({ [field]: 5 }).problems).toEqual([
    { field, expected: `a field of the policy, perhaps ${suggestion}`, got: 'an unknown field' },
  ]);
});

test('an unknown field like no other is refused with the list of fields', () => {
  expect(refusal({ favouriteColour: 5 }).message).toMatch(
    /favouriteColour: expected one of startMs, warmStartMs, .*sealMs; got an unknown field/,
  );
  expect(refusal(JSON.parse('{"__proto__": 5}')).problems[0]?.field).toBe('__proto__');
});

test('limits that contradict each other are refused: a default is never raised to make room', () => {
  expect(refusal({ windDownMs: 2_000_000 }).problems[0]?.field).toBe('windDownMs');
  expect(refusal({ beatMs: 3_000 }).message).toContain('beatMs: expected less than unresponsiveMs (3000)');
  expect(refusal({ warmStartMs: 14_000 }).problems[0]?.field).toBe('warmStartMs');
  expect(refusal({ windDownMs: 20_000, maxDurationMs: 20_000 }).problems[0]?.field).toBe('windDownMs');
});

test.each([
  [{ maxDurationMs: 20_000 }, { windDownMs: 10_000 }],
  [{ unresponsiveMs: 300 }, { beatMs: 50 }],
  [{ startMs: 5_000 }, { warmStartMs: 2_500 }],
  [{ maxDurationMs: 40_000 }, { windDownMs: 30_000 }],
])('a limit that is given alone is no mistake; the default that it contains makes room: %j', (given, made) => {
  expect(definePolicy(given)).toMatchObject({ ...given, ...made });
});

test('every wrong field is listed at once', () => {
  const { problems } = refusal({ idle: 1, rungMs: -1, nudges: 1.5, windDownMs: 9, maxDurationMs: 9 });
  expect(problems.map(({ field }) => field).sort()).toEqual(['idle', 'nudges', 'rungMs', 'windDownMs']);
});

test.each([[null], [[]], ['fast'], [5]])('%j is no policy', (overrides) => {
  expect(refusal(overrides).message).toContain('policy: expected an object such as { maxDurationMs: 600000 }; got');
});

test('whatever comes, the answer is a usable policy or a PolicyError', () => {
  const value = fc.oneof(fc.double(), fc.integer(), fc.string(), fc.constant(null), fc.object());
  const overrides = fc.dictionary(fc.oneof(fc.constantFrom(...Object.keys(defaultPolicy)), fc.string()), value);
  fc.assert(
    fc.property(overrides, (given) => {
      try {
        for (const [name, limit] of Object.entries(definePolicy(given)))
          expect(limit, name).toSatisfy((number: number) =>
            name === 'nudges' || name === 'fillers' ? number >= 0 : number > 0 && number < 2 ** 31,
          );
      } catch (error) {
        expect(error).toBeInstanceOf(PolicyError);
      }
    }),
    { seed: 3, numRuns: 500 },
  );
});

test('the documentation of each field names its true default', () => {
  const source = readFileSync(join(import.meta.dirname, '../../machines/policy.ts'), 'utf8');
  for (const [field, value] of Object.entries(defaultPolicy)) {
    const comment = new RegExp(String.raw`/\*\*((?:(?!\*/)[^])*)\*/\s*readonly ${field}: number;`).exec(source)?.[1];
    expect(comment, field).toMatch(new RegExp(`default ${value.toLocaleString('en-US')}\\b`));
  }
});

test('a field of an earlier version is refused with what it has become', () => {
  expect(() => definePolicy({ fillers: 3 })).toThrow(
    /fillers: expected fillerMs .* and turnMs .*; got a field of an earlier version/,
  );
});

test.each([
  ['text', 'the text "text"'],
  ['x'.repeat(50), `the text "${'x'.repeat(40)}"`],
  [[1], 'an array'],
  [{}, 'an object'],
  [true, 'a boolean'],
  [null, 'null'],
  [Number.NaN, 'NaN'],
  [-1, '-1'],
])('a refusal says what came: %j is %s', (given, got) => {
  expect(refusal({ drainMs: given }).problems).toMatchObject([{ field: 'drainMs', got }]);
});

test.each([
  ['idle', 'a field of the policy, perhaps idleMs'],
  ['IDLEms', 'a field of the policy, perhaps idleMs'],
  ['close', 'a field of the policy, perhaps closeMs'],
  ['goodbyMs', 'a field of the policy, perhaps goodbyeMs'],
  ['godbyMs', 'a field of the policy, perhaps goodbyeMs'],
  ['calerGrase', 'a field of the policy, perhaps callerGraceMs'], // a third
  ['theConnectMs', 'a field of the policy, perhaps connectMs'],
  ['conneecctMs', 'a field of the policy, perhaps connectMs'],
])('a field that is unknown is told the one that was meant: %s', (field, expected) => {
  expect(refusal({ [field]: 1 }).problems).toEqual([{ field, expected, got: 'an unknown field' }]);
});

test.each(Object.keys(defaultPolicy).filter((field) => field.endsWith('Ms')))(
  '%s is meant by who leaves its unit out',
  (field) => {
    expect(refusal({ [field.slice(0, -2)]: 1 }).message).toContain(`perhaps ${field};`);
  },
);

test.each(['ms', 'm', 'grace', 'x'.repeat(1000)])('nobody can say what is meant by %s', (field) => {
  expect(refusal({ [field]: 1 }).problems[0]?.expected).toMatch(/^one of startMs, /);
});

test('two limits in the wrong order are one problem, laid to the one that has to be less', () => {
  const [first, ...others] = refusal({ beatMs: 4000 }).problems;
  expect(first).toMatchObject({
    field: 'beatMs',
    expected: expect.stringMatching(/^less than unresponsiveMs \(3000\): ./),
  });
  expect(others).toEqual([]);
  expect(refusal({ beatMs: 4000, unresponsiveMs: undefined }).problems).toMatchObject([{ field: 'beatMs' }]);
  // One that cannot be used at all is said once.
  expect(refusal({ beatMs: Infinity }).problems).toHaveLength(1);
  expect(refusal({ unresponsiveMs: -1 }).problems).toHaveLength(1);
  expect(definePolicy({ beatMs: undefined, unresponsiveMs: 300 }).beatMs).toBe(50);
});

test('a refusal is one text of several lines that begins with its code', () => {
  const error = refusal({ drainMs: -1, colour: 1 });
  expect(error.name).toBe('PolicyError');
  expect(error.message.split('\n')).toHaveLength(3);
  expect(error.message).toMatch(/^POLICY_INVALID: the policy cannot be used\. /);
});
