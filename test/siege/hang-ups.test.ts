/**
 * A job is killed while the world around the keeper misbehaves: its caller is released within 2 s all the same. Each
 * siege is laid for certain before the job dies (harness/sieges.ts).
 */
import { describe, expect, test } from 'vitest';
import { until } from '../e2e/harness/index.ts';
import type { Laid } from './harness/sieges.ts';
import { sieges } from './harness/sieges.ts';
import type { Siege } from './harness/siege.ts';

/** G8: of a killed process. */
const RELEASED_MS = 2_000;

/** Kills the job of a call and waits until its caller is let go. */
const killed = async (siege: Siege, session = 'AJ_victim') => {
  await siege.job(session).kill();
  return await siege.released(session, 30_000);
};

/** What else must be true under some of them. */
const furthermore: Partial<Record<keyof typeof sieges, (laid: Laid) => Promise<void>>> = {
  '(c) while nobody reads the log': async ({ siege }) => {
    expect(await siege.job('AJ_flood').isThere()).toBe(true);
  },
  '(e) while another process holds the database': async ({ siege }) => {
    expect(await siege.withStore((store) => store.report('AJ_victim'))).toBeUndefined(); // it was held for certain
  },
};
/** What must come true when it is lifted. */
const afterwards: Partial<Record<keyof typeof sieges, (siege: Siege) => Promise<void>>> = {
  '(e) while another process holds the database': async (siege) => {
    await until('its report', () => siege.withStore((store) => store.report('AJ_victim')), 30_000);
  },
  '(f) while a stranger floods attributes at 3 MB/s': async (siege) => {
    expect(await siege.job('AJ_flooded').close()).toEqual({ isSealed: true });
  },
};

describe('a killed job: its caller is released within 2 s', () => {
  for (const [what, lay] of Object.entries(sieges)) {
    const name = what as keyof typeof sieges;
    test(what, async () => {
      await using laid = await lay(['AJ_victim']);
      expect(await killed(laid.siege)).toBeLessThan(RELEASED_MS);
      await furthermore[name]?.(laid);
      await laid.lift();
      await afterwards[name]?.(laid.siege);
    });
  }
});
