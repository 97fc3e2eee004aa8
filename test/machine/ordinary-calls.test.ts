/**
 * Healthy calls at human speed on the virtual clock, put together from what the real AgentSession told (the traces of
 * `bench:ordinary`). Ten thousand of them: `npm run bench:ordinary`.
 */
import { expect, test } from 'vitest';
import { playMany } from '../bench/ordinary/many.ts';
import { plants } from '../ordinary/harness/planted.ts';

test('none of 500 healthy calls is harmed', async () => {
  const { harmed, first, fillers, byTrace } = await playMany(500);
  expect(first).toEqual([]);
  expect(harmed).toBe(0);
  expect(fillers, 'silences long enough for one').toBeGreaterThan(100);
  expect(byTrace.size, 'pipelines').toBeGreaterThanOrEqual(24);
});

test.each(plants)('with the old clock `%s` planted, calls are harmed', async (plant) => {
  const { harmed } = await playMany(150, { plant });
  expect(harmed).toBeGreaterThan(5);
});
