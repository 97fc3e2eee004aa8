import { expect, test } from 'vitest';
import { Siege } from './harness/siege.ts';

test('in calm: a call ends and its report is delivered, a killed one is released within 2 s, and the keeper ends well', async () => {
  await using siege = await Siege.lay();
  const keeper = await siege.keeper();
  const [healthy, killed] = [await siege.call('AJ_healthy'), await siege.call('AJ_killed')];
  await killed.kill();
  expect(await siege.released('AJ_killed')).toBeLessThan(2_000);
  expect(await healthy.close()).toEqual({ isSealed: true });
  await siege.logged('report delivered', { session: 'AJ_healthy' });
  await siege.logged('report delivered', { session: 'AJ_killed' });
  keeper.process.kill('SIGTERM');
  expect(await keeper.ended).toBe(143);
  expect(await siege.delivered()).toEqual(['AJ_healthy.json', 'AJ_killed.json']);
});
