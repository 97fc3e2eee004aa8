/** Tools that take as long as tools do, with the limits that everybody has. In real time, and beside each other. */
import { describe, expect, test } from 'vitest';
import { defaultPolicy, type Policy } from '../../machines/index.ts';
import { type Placed, type Placing, place } from './harness.ts';
import { gate, toolNamed, WithTools } from './plain.ts';

const { firstAudioMs, rungMs, toolMs, drainMs, closeMs, idleMs } = defaultPolicy;
const ASKED = 'Use the tool.';

const placeWith = async (ms: number, given: Partial<Placing> = {}) => {
  const { opened, open } = gate();
  const slow = toolNamed('slow', async () => {
    await new Promise((resolve) => setTimeout(resolve, ms));
    open();
    return 'a table';
  });
  const placed = await place({
    agent: () => new WithTools([slow]),
    script: (asked) => (asked === ASKED ? { calls: ['slow'] } : { say: 'There is a table.' }),
    ...given,
    policy: { firstAudioMs, rungMs, toolMs, drainMs, closeMs, idleMs, ...(given.policy as Partial<Policy>) },
  });
  placed.says(ASKED);
  return { placed, worked: opened };
};
const linesOf = ({ of }: Placed) => new Set(of('spoken').map(({ line }) => line));

describe.concurrent('tools that take their time', () => {
  test.each([4000, 8000, 25_000])(
    'O-A1 a tool of %i ms that succeeds: fillers at most, its answer is heard, the report has it',
    { timeout: 60_000 },
    async (ms) => {
      const { placed, worked } = await placeWith(ms);
      await using _ = placed;
      await worked;
      await placed.hears('There is a table');
      placed.call.end('done');
      const { tools } = await placed.endedWell({});
      expect(tools).toMatchObject([{ name: 'slow', status: 'settled', output: 'a table' }]);
      expect([...linesOf(placed)].filter((line) => line !== 'filler')).toEqual(['goodbye']);
    },
  );

  test(
    'O-A8 "let me look that up" and a tool of 28 s in one answer: nobody is asked whether they are there, its answer is heard',
    { timeout: 60_000 },
    async () => {
      const { placed, worked } = await placeWith(28_000, {
        script: (asked) =>
          asked === ASKED ? { say: 'Let me look that up.', calls: ['slow'] } : { say: 'There is a table.' },
      });
      await using _ = placed;
      await worked;
      await placed.hears('There is a table');
      placed.call.end('done');
      const { tools } = await placed.endedWell({});
      expect(tools).toMatchObject([{ name: 'slow', status: 'settled' }]);
      expect([...linesOf(placed)].filter((line) => line !== 'filler')).toEqual(['goodbye']);
      const told = placed.entries
        .flatMap(({ kind, at, data }) => (kind === 'event' ? [{ at, type: data.type }] : []))
        .filter(({ type }) => type.startsWith('tool.'));
      expect(told.map(({ type }) => type)).toEqual(['tool.started', 'tool.ended']);
      expect((told[1]?.at ?? 0) - (told[0]?.at ?? 0)).toBeGreaterThanOrEqual(27_900);
    },
  );
});
