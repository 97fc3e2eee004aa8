/**
 * A job is killed while the world around the keeper misbehaves: its caller is released within 2 s all the same. Each
 * siege is laid for certain before the job dies (harness/sieges.ts).
 */
import { appendFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { journalPath } from '../../src/journal/folder.ts';
import { lineOf } from '../../src/journal/line.ts';
import { until } from '../e2e/harness/index.ts';
import type { Siege } from './harness/siege.ts';
import { sieges } from './harness/sieges.ts';
import { type SessionId, sessionIdOf } from '../../src/journal/ids.ts';

/** G8: of a killed process. */
const RELEASED_MS = 2_000;
const VICTIM = sessionIdOf('AJ_victim');
/** 96 MiB: its fold takes seconds, whatever thread it is on. */
const LONG = { journals: 4, entries: 12_000, characters: 8 * 1_024 };

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

const prolong = async (siege: Siege, session: SessionId) => {
  const { lastSeq } = await siege.job(session).status();
  const at = Date.now();
  const lines = Array.from({ length: LONG.entries }, (_, index) => {
    const said = { role: 'user', text: 'x'.repeat(LONG.characters), interrupted: false, createdAt: at } as const;
    return lineOf({ seq: lastSeq + 1 + index, at, up: 1, kind: 'item', data: { id: `item-${index}`, ...said } });
  });
  await appendFile(journalPath(siege.directory, session, 1), lines.join(''));
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

  test('while journals of 96 MiB are folded, one after the other', async () => {
    const long = Array.from({ length: LONG.journals }, (_, index) => sessionIdOf(`AJ_long-${index}`));
    await using laid = await sieges.calm.lay([...long, VICTIM]);
    const { siege } = laid;
    for (const session of long) await prolong(siege, session);
    const isSealed = (session: SessionId) => siege.withStore((store) => store.report(session));
    await Promise.all(long.map((session) => siege.job(session).kill()));
    await until('a report', async () => (await Promise.all(long.map(isSealed))).find(Boolean), 60_000);
    await siege.job(VICTIM).kill();
    expect(await siege.released(VICTIM, 30_000)).toBeLessThan(RELEASED_MS);
    const missing = (await Promise.all(long.map(isSealed))).filter((report) => report === undefined);
    expect(missing.length, 'others were folded meanwhile').toBeGreaterThan(0);
    for (const session of long) await until('its report', () => isSealed(session), 60_000);
  });
});
