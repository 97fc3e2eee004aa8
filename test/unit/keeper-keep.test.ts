/** Nothing grows for ever, and nothing goes that is owed, or because a clock was wrong. */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { forget } from '../../src/keeper/forget.ts';
import { startRetention, type RetentionOptions } from '../../src/keeper/keep.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import type { NewDelivery, Store } from '../../src/store/store.ts';
import { newDelivery, newHangUp, sealedReport, sessionRow } from '../contract/store-rows.ts';
import { until } from '../e2e/harness/until.ts';
import { type SessionId, sessionIdOf } from '../../src/journal/ids.ts';

const DAY = 86_400_000;
const NOW = 1_800_000_000_000;
let directory: string;
let store: Store;
let lines: { msg: string; level: number }[];
const log = () =>
  pino({}, { write: (line: string) => void lines.push(JSON.parse(line) as { msg: string; level: number }) });

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lastword-keep-'));
  store = await openSqlite(':memory:');
  lines = [];
});
afterEach(async () => {
  await store.close();
  await rm(directory, { recursive: true, force: true });
});

const folderOf = (session: SessionId) => join(directory, 'sessions', session);
const seal = async (session: SessionId, ageDays: number, bytes = 1_000, deliveries: NewDelivery[] = []) => {
  await mkdir(folderOf(session), { recursive: true });
  await writeFile(join(folderOf(session), '1.jsonl'), '{}\n');
  await store.seal(
    sessionRow(session, { bytes }),
    { ...sealedReport(session), sealedAt: NOW - ageDays * DAY },
    deliveries,
  );
};
const keep = (more: Partial<RetentionOptions> = {}) =>
  startRetention({ directory, store, rule: () => ({}), log: log(), now: () => NOW, steadyMs: 0, lookMs: 5, ...more });
const sessions = async () => (await store.sessions({ limit: 100 })).map(({ session }) => session).sort();
/** Until a round has looked at everything. */
const settled = async (retention: { stop(): Promise<void> }, want: readonly string[]) => {
  await until('the sessions that are left', async () => (await sessions()).join() === want.join(), 5_000);
  await retention.stop();
};

describe('the rule', () => {
  test('takes what is older than its days: folder, report, deliveries; it is said, and noted', async () => {
    await seal(sessionIdOf('old'), 31);
    await seal(sessionIdOf('new'), 29);
    await settled(keep(), ['new']);
    expect([existsSync(folderOf(sessionIdOf('old'))), existsSync(folderOf(sessionIdOf('new')))]).toEqual([false, true]);
    expect(await store.report(sessionIdOf('old'))).toBeUndefined();
    expect(lines.map(({ msg }) => msg)).toContain('sealed sessions were forgotten');
    const noted = JSON.parse(await readFile(join(directory, 'purged.jsonl'), 'utf8')) as object;
    expect(noted).toMatchObject({ why: 'older than 30 days', sessions: 1, sealedFrom: NOW - 31 * DAY });
    expect(noted).not.toHaveProperty('named');
  });

  test('takes the oldest, and no more than it has to, when they are too large together', async () => {
    for (const [index, session] of ['a', 'b', 'c', 'd'].map(sessionIdOf).entries())
      await seal(session, 10 - index, 400_000_000);
    await settled(keep({ rule: () => ({ gigabytes: 1 }) }), ['c', 'd']);
  });

  test('takes nothing that is not sealed, not delivered, or whose caller may still be on the line', async () => {
    await seal(sessionIdOf('gone'), 100);
    await seal(sessionIdOf('undelivered'), 100, 1_000, [newDelivery('d1', sessionIdOf('undelivered'))]);
    await seal(sessionIdOf('not-hung-up'), 100);
    await store.owe(newHangUp(sessionIdOf('not-hung-up')));
    await store.putSession(sessionRow(sessionIdOf('open'), { acceptedAt: 0 }));
    const retention = keep({ rule: () => ({ days: 1, gigabytes: 0.000_001 }) });
    const isSaid = () => lines.some(({ msg }) => msg.includes('what is left is still owed'));
    await until('the word that it is not enough', isSaid, 5_000);
    await settled(retention, ['not-hung-up', 'open', 'undelivered']);
  });

  test('is not guessed: without a worker nothing goes', async () => {
    await seal(sessionIdOf('old'), 100);
    const retention = keep({ rule: () => undefined });
    await new Promise((resolve) => setTimeout(resolve, 60));
    await retention.stop();
    expect(await sessions()).toEqual(['old']);
  });
});

test('a clock that jumps a month ahead takes nothing before it has run evenly again', async () => {
  await seal(sessionIdOf('recent'), 1);
  let [wall, steady] = [NOW, 0];
  const retention = keep({ now: () => wall, steady: () => steady, steadyMs: 1_000 });
  const pass = async (ms: number) => {
    [wall, steady] = [wall + ms, steady + ms];
    await new Promise((resolve) => setTimeout(resolve, 15));
  };
  await pass(900);
  wall += 40 * DAY;
  for (let step = 0; step < 9; step += 1) await pass(100);
  expect(await sessions()).toEqual(['recent']);
  wall -= 40 * DAY; // corrected in time
  for (let step = 0; step < 15; step += 1) await pass(100);
  expect(await sessions()).toEqual(['recent']);
  await retention.stop();
});

test('a folder that cannot be removed keeps its row: it would look unsealed, and be sent again', async () => {
  await seal(sessionIdOf('stuck'), 1);
  await seal(sessionIdOf('free'), 1);
  const failing = { directory: join(directory, 'elsewhere', '\0'), store };
  const { failed, sessions: gone } = await forget(failing, await store.kept({ limit: 10 }), 'a test');
  expect([failed.length, gone]).toEqual([2, 0]);
  expect(await sessions()).toEqual(['free', 'stuck']);
});
