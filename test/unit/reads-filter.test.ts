/** One filter language for calls and entries: what it finds, what it refuses, and that no filter hangs. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { filterOf, isKept } from '../../src/reads/filter.ts';

const fields = ['kind', 'text', 'room'];
const keeps = (filter: string, texts: Record<string, string>): boolean =>
  isKept(filterOf(filter, fields), (field) => [texts[field ?? 'text'] ?? '']);

describe('a term', () => {
  test.each([
    ['refund', { text: 'the Refund is due' }, true],
    ['refund money', { text: 'the Refund is due' }, false],
    ['-refund', { text: 'the Refund is due' }, false],
    ['kind:tool', { kind: 'tool' }, true],
    ['kind:tool', { kind: 'toolbox' }, false],
    ['kind:tool*', { kind: 'toolbox' }, true],
    ['-kind:tool', { kind: 'item' }, true],
    ['room:"table 41"', { room: 'Table 41' }, true],
    ['"kind:tool"', { text: 'he said kind:tool' }, true],
    ['text:/refund.*money/', { text: 'a REFUND of all the money' }, true],
    ['text:/^refund/', { text: 'a refund' }, false],
    ['text:/refund$/', { text: 'a refund' }, true],
    ['text:/^refund$/', { text: 'refund' }, true],
    ['text:/^refund$/', { text: 'refunds' }, false],
    ['text:/no such|refund/', { text: 'a refund' }, true],
    ['text:/a b/', { text: 'x a b y' }, true],
    ['  ', { text: '' }, true],
  ])('%s of %o: %s', (filter, texts, is) => {
    expect(keeps(filter, texts)).toBe(is);
  });

  test.each([
    [
      'colour:red',
      /^filter: expected one of kind: text: room:, got "colour:"; to look for such a text, put it in quotes$/,
    ],
    [
      'text:/(a+)+$/',
      /with \.\* for anything, \^, \$ and \| and nothing else, got "\/\(a\+\)\+\$\/"; write it as several terms/,
    ],
    ['text:/[a-z]/', /nothing else/],
    [Array.from({ length: 30 }, () => 'a').join(' '), /at most 20 terms/],
  ])('%s is refused with what was expected', (filter, message) => {
    expect(() => filterOf(filter, fields)).toThrow(message);
  });
});

test('no filter hangs, and none throws but to refuse', () => {
  const long = `${'a'.repeat(200_000)}!`;
  const begun = performance.now();
  for (const filter of [
    'text:/a.*a.*a.*a.*a.*a.*b/',
    'text:/^a.*a.*a$/',
    'a*a*a*a*a*a*b',
    `text:/${'a.*'.repeat(100)}b/`,
  ])
    keeps(filter, { text: long });
  expect(performance.now() - begun).toBeLessThan(2_000);
  fc.assert(
    fc.property(
      fc.string({ maxLength: 60, unit: fc.constantFrom(...Array.from('ab:/"\\-.*^$| kindtex')) }),
      fc.string(),
      (filter, text) => {
        try {
          keeps(filter, { text });
        } catch (error) {
          expect(String(error)).toMatch(/^ReadError: filter: expected /);
        }
      },
    ),
    { numRuns: 500 },
  );
});
