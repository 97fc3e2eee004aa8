/**
 * The disk is full at the end of a call; somebody cleans up a folder that is still in use; the journal of a dead call is
 * gone. Whatever it was: one true report, and a caller who is let go.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Report } from '../../src/report/schema.ts';
import { until } from '../e2e/harness/index.ts';
import { Siege } from './harness/siege.ts';
import { fill, onSmallDisk, seenBy } from './harness/small-disk.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';

const reported = async (siege: Siege, session: string): Promise<Report> => {
  await until(`the report of ${session}`, async () => (await siege.delivered()).includes(`${session}.json`), 30_000);
  return (await siege.report(session)) as Report;
};
const item = { id: 'i', role: 'user' as const, text: 'the last words', interrupted: false, createdAt: 0 };
const folderOf = (siege: Siege, session: string) => join(siege.directory, 'sessions', session);
const endedByCaller = { end: { by: 'caller', reason: 'caller_hung_up' }, completeness: { status: 'closed' } };

test('a disk that is full at the end of a call: its job hands the end over and may die, and the report is true', async () => {
  await using siege = await Siege.lay();
  const { pid } = await siege.keeper({ wrapped: onSmallDisk(siege.directory) });
  const job = await siege.call('AJ_full');
  await job.append('item', item);
  await job.durable();
  const makeRoom = fill(seenBy(pid, siege.directory));
  await job.append('item', { ...item, id: 'j', text: `after the disk was full ${'x'.repeat(10_000)}` });
  expect(await job.close()).toEqual({ isSealed: false });
  expect(await job.isThere()).toBe(true); // it stays until it can write
  await job.kill();
  await siege.logged('its job has handed it over');
  makeRoom();
  const report = await reported(siege, 'AJ_full');
  expect(report).toMatchObject(endedByCaller);
  expect(JSON.stringify(report.transcript)).toContain('after the disk was full');
});

test('a disk that has room again: the job that stayed writes the end itself, and ends', async () => {
  await using siege = await Siege.lay();
  const { pid } = await siege.keeper({ wrapped: onSmallDisk(siege.directory) });
  const job = await siege.call('AJ_full');
  const makeRoom = fill(seenBy(pid, siege.directory));
  await job.append('item', { ...item, text: 'x'.repeat(10_000) });
  expect(await job.close()).toEqual({ isSealed: false });
  makeRoom();
  expect(await reported(siege, 'AJ_full')).toMatchObject(endedByCaller);
  await until('the job gone', async () => !(await job.isThere()), 10_000);
});

test('a folder that was removed while its call goes on costs nothing: whoever has its files open reads them', async () => {
  await using siege = await Siege.lay();
  await siege.keeper();
  const job = await siege.call('AJ_cleaned');
  await job.append('item', item);
  await job.durable();
  rmSync(folderOf(siege, 'AJ_cleaned'), { recursive: true });
  expect(await job.close()).toEqual({ isSealed: true });
  const report = await reported(siege, 'AJ_cleaned');
  expect(report).toMatchObject({ ...endedByCaller, room: { name: 'room-AJ_cleaned' } });
  expect(JSON.stringify(report.transcript)).toContain('the last words');
});

test('a journal that is gone with its job: the caller is let go, and the report says what is known, and that it is gone', async () => {
  await using siege = await Siege.lay();
  await siege.keeper();
  const job = await siege.call('AJ_gone');
  rmSync(folderOf(siege, 'AJ_gone'), { recursive: true });
  await job.kill();
  expect(await siege.released('AJ_gone')).toBeLessThan(2_000);
  const report = await reported(siege, 'AJ_gone');
  expect(report).toMatchObject({
    end: { by: 'system' },
    room: { name: 'room-AJ_gone' },
    completeness: { status: 'recovered' },
  });
  const lost = report.completeness.noticed.find(({ what }) => what === 'lost');
  expect(lost?.detail).toContain('1.jsonl');
});

test('a session whose folder was removed while no keeper ran is found by its row, let go, and sealed', async () => {
  await using siege = await Siege.lay();
  const keeper = await siege.keeper();
  const job = await siege.call('AJ_orphan');
  await until(
    'its row',
    async () => (await siege.withStore((store) => store.session(sessionIdOf('AJ_orphan')))) !== undefined,
    5_000,
  );
  process.kill(keeper.pid, 'SIGKILL');
  await keeper.ended;
  await job.kill();
  await pause(50);
  rmSync(folderOf(siege, 'AJ_orphan'), { recursive: true });
  await siege.keeper();
  await siege.released('AJ_orphan', 30_000);
  const report = await reported(siege, 'AJ_orphan');
  expect(report).toMatchObject({ room: { name: 'room-AJ_orphan' }, completeness: { status: 'recovered' } });
  expect(report.completeness.noticed.map(({ what }) => what)).toContain('lost');
});

test('a database that was removed is said at once, and nothing is sent again without being asked', async () => {
  await using siege = await Siege.lay();
  const keeper = await siege.keeper();
  for (const session of ['AJ_1', 'AJ_2']) await (await siege.call(session)).close();
  await reported(siege, 'AJ_2');
  await until('both sealed', async () => (await siege.delivered()).length === 2, 10_000);
  keeper.process.kill('SIGTERM');
  await keeper.ended;
  for (const name of ['lastword.db', 'lastword.db-wal', 'lastword.db-shm'])
    rmSync(join(siege.directory, name), { force: true });
  rmSync(siege.reports, { recursive: true });
  const second = await siege.keeper();
  await siege.logged('sessions were sealed, and the database does not have them');
  await (await siege.call('AJ_3')).close();
  await reported(siege, 'AJ_3');
  expect(await siege.delivered()).toEqual(['AJ_3.json']);
  second.process.kill('SIGTERM');
  await second.ended;
  await siege.keeper({ env: { LASTWORD_SEAL_AGAIN: '1' } });
  await until('all again', async () => (await siege.delivered()).length === 3, 20_000);
});
