/** A job that may not speak for its session is a call all the same: it goes on, is not killed, and gets its report. */
import { randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readSecret, secretPath } from '../../src/link/secret.ts';
import { until } from '../e2e/harness/index.ts';
import { Siege } from './harness/siege.ts';

/** A call whose hello is refused, and which the keeper has asked LiveKit about so many times. */
async function refused(siege: Siege, session: string, times: number) {
  expect(await siege.offer(session, { isStranger: true })).toBe(true);
  const asked = () => siege.livekit.asked.filter((what) => what.startsWith('ListParticipants')).length;
  await until(
    'LiveKit asked',
    () => asked() >= times,
    40_000,
    () => JSON.stringify(siege.lines.slice(-10)),
  );
  return siege.job(session);
}

describe('a healthy job whose hello is refused', () => {
  test('goes on with its call though it never beats: LiveKit is asked, and its end is its own', async () => {
    await using siege = await Siege.lay({ policy: { startMs: 2_000, warmStartMs: 1_000 } });
    await siege.keeper();
    // Twice: what was asked once is not forgotten, and the silence went on past every patience.
    const job = await refused(siege, 'AJ_stranger', 2);
    expect(await job.status()).toMatchObject({ isConnected: false });
    expect((await job.status()).heard).toContain('refused');
    expect(siege.lines.filter(({ what, session }) => session === 'AJ_stranger' && what !== undefined)).toEqual([]);
    await job.close();
    await siege.logged('report delivered', { session: 'AJ_stranger' });
    expect(await siege.report('AJ_stranger')).toMatchObject({ end: { reason: 'caller_hung_up' } });
  });

  test('is found dead when it dies, and frozen when it no longer asks', async () => {
    await using siege = await Siege.lay({ policy: { startMs: 2_000, warmStartMs: 1_000 } });
    await siege.keeper();
    const killed = await refused(siege, 'AJ_killed', 1);
    await killed.kill();
    expect(await siege.released('AJ_killed')).toBeLessThan(2_000);
    const frozen = await refused(siege, 'AJ_frozen', 2);
    await frozen.kill('SIGSTOP');
    await siege.logged('without a living job', { session: 'AJ_frozen', ms: 30_000 });
    await siege.released('AJ_frozen');
    expect(await frozen.isThere()).toBe(false);
  });
});

test('a secret that is removed or replaced while its keeper runs is written again, and the next job is known', async () => {
  await using siege = await Siege.lay();
  await siege.keeper();
  const secret = readSecret(siege.directory);
  rmSync(secretPath(siege.directory));
  expect(await (await siege.call('AJ_removed')).close()).toEqual({ isSealed: true });
  expect(readSecret(siege.directory)).toBe(secret);
  writeFileSync(secretPath(siege.directory), randomBytes(32).toString('hex'));
  expect(await (await siege.call('AJ_replaced')).close()).toEqual({ isSealed: true });
  expect(readSecret(siege.directory)).toBe(secret);
});
