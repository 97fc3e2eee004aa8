import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openStore } from '../../src/store/open.ts';
import { begin } from '../../src/store/sql/000001-begin.ts';
import { hangUps } from '../../src/store/sql/000002-hang-ups.ts';
import { lanes } from '../../src/store/sql/000003-lanes.ts';
import { keep } from '../../src/store/sql/000004-keep.ts';
import { byLane } from '../../src/store/sql/000005-by-lane.ts';
import { assertSqliteVersion, openSqlite } from '../../src/store/sqlite.ts';
import { storeContract } from './store-contract.ts';
import { sessionRow } from './store-rows.ts';
import { firstJob, jobIdOf, sessionIdOf } from '../../src/journal/ids.ts';

storeContract('SQLite in memory', () => ({ open: () => openSqlite(':memory:'), clean: async () => undefined }));

storeContract('SQLite in a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lastword-store-'));
  const open = () => openSqlite(join(folder, 'made', 'on-demand', 'store.db'));
  return { open, again: open, clean: async () => rmSync(folder, { recursive: true }) };
});

describe('opening SQLite', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'lastword-store-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('a file is written by way of a log, so that readers do not wait for writers', async () => {
    const path = join(folder, 'store.db');
    const store = await openStore(`sqlite:${path}`);
    await store.putSession(sessionRow(sessionIdOf('one')));
    expect(existsSync(`${path}-wal`)).toBe(true);
    await store.close();
  });

  it('nobody but its owner may read the file or its log: reports are personal data', async () => {
    const path = join(folder, 'store.db');
    const store = await openSqlite(path);
    await store.putSession(sessionRow(sessionIdOf('one')));
    expect([path, `${path}-wal`].map((each) => statSync(each).mode & 0o777)).toEqual([0o600, 0o600]);
    await store.close();
  });

  it('what was written is there after closing and opening again', async () => {
    const path = join(folder, 'store.db');
    const first = await openSqlite(path);
    await first.putSession(sessionRow(sessionIdOf('one')));
    await first.close();
    const second = await openSqlite(path);
    expect(await second.session(sessionIdOf('one'))).toEqual(sessionRow(sessionIdOf('one')));
    await second.close();
  });

  it.each(['3.51.2', '3.45.1', '3.50.99', '2.99.99'])('SQLite %s is refused', (version) => {
    expect(() => assertSqliteVersion(version)).toThrow(/TOO_OLD: expected SQLite 3\.51\.3 or newer, got/);
  });
  it.each(['3.51.3', '3.53.0', '3.52', '4.0.0'])('SQLite %s is accepted', (version) => {
    expect(() => assertSqliteVersion(version)).not.toThrow();
  });

  it('a directory that cannot be made is an error that names the variables', async () => {
    writeFileSync(join(folder, 'file'), '');
    await expect(openStore(`sqlite:${join(folder, 'file', 'store.db')}`)).rejects.toMatchObject({
      name: 'StoreError',
      code: 'UNWRITABLE',
      message: expect.stringMatching(/store\.db.*LASTWORD_DIR or LASTWORD_STORE/),
    });
  });

  it('a file that is no database is an error, and is left alone', async () => {
    const path = join(folder, 'notes.txt');
    writeFileSync(path, 'my notes, '.repeat(1_000));
    await expect(openSqlite(path)).rejects.toMatchObject({
      code: 'FAILED',
      message: expect.stringContaining('move it away'),
    });
  });

  it('a database of the version before opens, and each of its sessions had one process', async () => {
    const path = join(folder, 'store.db');
    const before = new DatabaseSync(path);
    for (const sql of [begin, hangUps, lanes, keep, byLane]) before.exec(sql);
    before.exec(`pragma user_version = 5;
      insert into sessions (session, job, room, agent_name, accepted_at, state) values ('one', 'one', 'r', '', 1, 'open');
      insert into reports (session, report, sealed_at, body) values ('two', 'rep_two', 2, '{}')`);
    before.close();
    const store = await openSqlite(path);
    expect(await store.session(sessionIdOf('one'))).toMatchObject({ ...firstJob(sessionIdOf('one')), state: 'open' });
    expect(await store.report(sessionIdOf('two'))).toMatchObject({ report: 'rep_two', body: '{}' });
    await store.putSession(sessionRow(sessionIdOf('one'), { epoch: 2, job: jobIdOf('next') }));
    expect(await store.session(sessionIdOf('one'))).toMatchObject({ session: 'one', epoch: 2, job: 'next' });
    await store.close();
  });

  it('a database of a newer Lastword is refused', async () => {
    const path = join(folder, 'store.db');
    await (await openSqlite(path)).close();
    const database = new DatabaseSync(path);
    database.exec('pragma user_version = 99');
    database.close();
    await expect(openSqlite(path)).rejects.toMatchObject({ code: 'TOO_NEW' });
  });

  it('a database that another process holds is BUSY after a bounded wait', async () => {
    const path = join(folder, 'store.db');
    const store = await openSqlite(path);
    const holder = new DatabaseSync(path);
    holder.exec('begin immediate');
    const began = performance.now();
    await expect(store.putSession(sessionRow(sessionIdOf('one')))).rejects.toMatchObject({ code: 'BUSY' });
    expect(performance.now() - began).toBeLessThan(10_000);
    holder.exec('rollback');
    await store.putSession(sessionRow(sessionIdOf('one')));
    holder.close();
    await store.close();
  });

  it.each([
    ['postgres://user:secret@host/db', /Postgres is not built yet/],
    ['mysql://host', /expected sqlite:PATH/],
    ['store.db', /got "store\.db"/],
    ['sqlite:', /expected sqlite:PATH/],
    ['', /expected sqlite:PATH/],
  ])('%j is refused in one line', async (url, message) => {
    const error: unknown = await openStore(url).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'BAD_ADDRESS', message: expect.stringMatching(message) });
    expect((error as Error).message).not.toMatch(/secret|\n/);
  });
});
