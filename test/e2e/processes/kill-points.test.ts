/** Processes die exactly where two of them have to agree on who speaks; `npm run kill-points` has all places. */
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { inLane, points } from '../../torture/points/points.ts';
import { openRunner, type Runner } from '../../torture/points/run-point.ts';

let runner: Runner;
beforeAll(async () => void (runner = await openRunner(inject('livekit'))));
afterAll(() => runner?.[Symbol.asyncDispose]());

const chosen = points.filter(({ id }) => inLane.includes(id));
const named = chosen.map((point) => [`${point.id} ${point.dies}: ${point.where}`, point] as const);

test.each(named)(
  'G7 dies exactly there, and one report is sealed, the caller heard again, nothing acknowledged lost: %s',
  { timeout: 120_000 },
  async (name, point) => {
    const { broken, silentMs } = await runner.run(point);
    console.info(`${name}: heard again after ${silentMs} ms`);
    expect(broken).toEqual([]);
  },
);
