/** A job that was dispatched with 10 MB of metadata: the call is held like any other, and nothing in it is reached. */
import { expect, test } from 'vitest';
import { place } from './harness.ts';
import { agent, answer, answered } from './plain.ts';

const SIZE = 10 * 1024 * 1024;
const filled = (begin: string, piece: string, end = '') =>
  begin + piece.repeat(Math.ceil((SIZE - begin.length - end.length) / piece.length)) + end;
const polluting = filled(
  '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"list":[',
  '{"__proto__":{"polluted":1}},',
  '{"kept":1}]}',
);

test.each<[string, string, (metadata: unknown) => void]>([
  [
    'JSON',
    filled('{"text":"', 'x', '"}'),
    (metadata) => expect((metadata as { text: string }).text.length).toBeGreaterThan(SIZE - 20),
  ],
  [
    'JSON that is cut off',
    filled('{"text":"', 'x'),
    (metadata) => expect(metadata === filled('{"text":"', 'x')).toBe(true),
  ],
  ['brackets, millions deep', filled('', '[') + ']', (metadata) => expect(typeof metadata).toBe('string')],
  [
    'JSON that reaches for prototypes',
    polluting,
    (metadata) => {
      const { list, ...rest } = metadata as { list: object[] };
      expect(rest).toEqual({});
      expect(list.at(-1)).toEqual({ kept: 1 });
      expect(list.some((each) => Object.hasOwn(each, '__proto__') || 'polluted' in each)).toBe(false);
    },
  ],
])(
  '10 MB of metadata, %s: the caller is answered, the goodbye is played, and the report is there',
  async (_, metadata, expectRead) => {
    await using placed = await place({ agent, script: answer, metadata });
    await answered(placed);
    expectRead(placed.call.metadata);
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
    placed.call.end('done');
    const report = await placed.endedWell({});
    expect(JSON.stringify(report).length).toBeLessThan(1.2 * 1024 * 1024);
  },
);
