/**
 * A job is killed while the world around the keeper misbehaves: its caller is released within 2 s all the same. Each
 * siege is laid for certain before the job dies (harness/sieges.ts).
 */
import { describe, expect, test } from 'vitest';
import { until } from '../e2e/harness/index.ts';
import type { Siege } from './harness/siege.ts';
import { sieges } from './harness/sieges.ts';

/** G8: of a killed process. */
const RELEASED_MS = 2_000;
const VICTIM = 'AJ_victim';

/** `during`, `afterwards`: what else must be true while it is besieged, and when it no longer is. */
const released = async (
  { lay }: (typeof sieges)[keyof typeof sieges],
  {
    during,
    afterwards,
  }: { during?: (siege: Siege) => Promise<void>; afterwards?: (siege: Siege) => Promise<void> } = {},
) => {
  await using laid = await lay([VICTIM]);
  const { siege } = laid;
  await siege.job(VICTIM).kill();
  expect(await siege.released(VICTIM, 30_000)).toBeLessThan(RELEASED_MS);
  await during?.(siege);
  await laid.lift();
  await afterwards?.(siege);
};

describe('a killed job: its caller is released within 2 s', () => {
  test('(a) while reports are due at a host whose name server does not answer', () => released(sieges.a));

  test('(b) while the disk of the reports hangs, and that of LASTWORD_DIR too', () => released(sieges.b));

  test('(c) while nobody reads the log', async () => {
    const during = async (siege: Siege) => expect(await siege.job('AJ_flood').isThere()).toBe(true);
    await released(sieges.c, { during });
  });

  test('(d) while 10,000 rows are due', () => released(sieges.d));

  test('(e) while another process holds the database', async () => {
    const report = (siege: Siege) => siege.withStore((store) => store.report(VICTIM));
    await released(sieges.e, {
      during: async (siege) => expect(await report(siege)).toBeUndefined(), // it was held for certain
      afterwards: async (siege) => void (await until('its report', () => report(siege), 30_000)),
    });
  });

  test('(f) while a stranger floods attributes at 3 MB/s', async () => {
    const afterwards = async (siege: Siege) =>
      expect(await siege.job('AJ_flooded').close()).toEqual({ isSealed: true });
    await released(sieges.f, { afterwards });
  });

  test('(g) while another process of this user writes rubbish to the socket', () => released(sieges.g));
});
