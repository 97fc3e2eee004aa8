/** Where answers come from: read-only, whatever runs beside it, and asked again only for what was added. */
import { appendFile, chmod, copyFile, mkdir, readdir, rename, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { DatabaseSync } from '@photostructure/sqlite';
import { sessionIdOf } from '../../src/journal/ids.ts';
import type { Calls, DeliveryRow, Entries, Tally } from '../../src/reads/answers.ts';
import { openSource } from '../../src/reads/source.ts';
import { ask } from '../../src/reads/table.ts';
import { openStore } from '../../src/store/open.ts';
import { SqliteLook } from '../../src/store/sqlite-look.ts';
import { wholeCall } from '../contract/sessions.ts';
import { callDirectory, linesOf, type CallDirectory } from './call-directory.ts';

const session = sessionIdOf('AJ_7Qd2');
const row = {
  session,
  epoch: 1,
  job: session as never,
  room: 'room',
  agentName: 'agent',
  acceptedAt: 1,
  state: 'open',
} as const;
const filesBelow = async (folder: string): Promise<string[]> => (await readdir(folder, { recursive: true })).sort();
const callsIn = async ({ source }: Pick<CallDirectory, 'source'>): Promise<Calls> =>
  (await ask(source, 'calls', {})) as Calls;

/** As the last process leaves it that closes it: without a log. One that lives in this process would keep the log. */
const settle = async (at: CallDirectory): Promise<void> => {
  const path = join(at.directory, 'lastword.db');
  const database = new DatabaseSync(path);
  database.exec('pragma wal_checkpoint(truncate)');
  database.close();
  await copyFile(path, `${path}.copy`);
  for (const each of ['', '-wal', '-shm']) await rm(`${path}${each}`, { force: true });
  await rename(`${path}.copy`, path);
};

describe('a look makes nothing', () => {
  test('where there is nothing yet: no folder, no file, and empty answers', async () => {
    const at = await callDirectory();
    await rm(at.directory, { recursive: true });
    expect(await callsIn(at)).toEqual({ rows: [], next: null, hidden: 0 });
    expect(await ask(at.source, 'ledger', {})).toMatchObject({ accepted: 0, isBalanced: true });
    await expect(ask(at.source, 'lanes', { session })).rejects.toThrow(/expected one of/);
    await expect(stat(at.directory)).rejects.toThrow(/ENOENT/);
    await mkdir(at.directory);
  });

  test('of a database that nobody has open: no log beside it', async () => {
    const at = await callDirectory();
    const store = await openStore(at.address);
    await store.putSession(row);
    await store.close();
    await settle(at);
    const before = await filesBelow(at.directory);
    expect((await callsIn(at)).rows.length).toBe(1);
    expect(await filesBelow(at.directory)).toEqual(before);
    expect(before).toEqual(['lastword.db']);
  });

  test('of a database in a folder that may not be written', async () => {
    const at = await callDirectory();
    const store = await openStore(at.address);
    await store.putSession(row);
    await store.close();
    await settle(at);
    await chmod(at.directory, 0o500);
    onTestFinished(() => chmod(at.directory, 0o700));
    expect((await callsIn(at)).rows.length).toBe(1);
  });

  test('a keeper may come, write and go meanwhile: each look has what is there then', async () => {
    const at = await callDirectory();
    for (let round = 1; round <= 3; round += 1) {
      const store = await openStore(at.address);
      await store.putSession({ ...row, session: sessionIdOf(`S${round}`) });
      expect((await callsIn(at)).rows.length).toBe(round);
      await store.putSession({ ...row, session: sessionIdOf(`S${round}`), room: 'another' });
      expect((await callsIn(at)).rows.filter(({ room }) => room === 'another').length).toBe(round);
      await store.close();
      expect((await callsIn(at)).rows.length).toBe(round);
      if (round === 2) await settle(at);
      expect((await callsIn(at)).rows.length).toBe(round);
    }
  });

  test('a database that was moved away and made anew is seen as it is now', async () => {
    const at = await callDirectory();
    const path = join(at.directory, 'lastword.db');
    const first = await openStore(at.address);
    await first.putSession(row);
    await first.close();
    expect((await callsIn(at)).rows.length).toBe(1);
    await rename(path, `${path}.old`);
    expect((await callsIn(at)).rows.length).toBe(0);
    const second = await openStore(at.address);
    await second.putSession({ ...row, session: sessionIdOf('other') });
    await second.close();
    expect((await callsIn(at)).rows.map(({ session: id }) => id)).toEqual(['other']);
  });

  test('what is no database is told in one line, and the journals are read all the same', async () => {
    const at = await callDirectory();
    await appendFile(join(at.directory, 'lastword.db'), 'rubbish '.repeat(1_000));
    await at.write(wholeCall());
    await expect(callsIn(at)).rejects.toThrow(/could not read the database|not a database/);
    expect(((await ask(at.source, 'entries', { session })) as Entries).total).toBeGreaterThan(40);
  });

  test('sees what a keeper writes that has the database open', async () => {
    const at = await callDirectory();
    const store = await openStore(at.address);
    await store.putSession(row);
    const look = new SqliteLook(join(at.directory, 'lastword.db'));
    expect(look.look(0, (rows) => rows.counts().accepted)).toBe(1);
    look.close();
    await store.close();
  });
});

describe('a database of the version before', () => {
  test('has no column for attempts and no index for looks, and is read and not migrated', async () => {
    const at = await callDirectory();
    const store = await openStore(at.address);
    await store.putSession(row);
    await store.enqueue([
      { delivery: 'd1', session, report: 'rep', destination: 'hook', kind: 'report', body: '{}', nextAt: 5 },
    ]);
    await store.close();
    const database = new DatabaseSync(join(at.directory, 'lastword.db'));
    database.exec(
      'alter table deliveries drop column history; drop index sessions_by_reason; drop index sessions_by_end; drop index sessions_by_room; drop index sessions_by_epoch; drop index deliveries_dead; alter table sessions drop column epoch; pragma user_version = 5',
    );
    database.close();
    expect((await callsIn(at)).rows).toMatchObject([{ session, epoch: 1, delivery: 'due' }]);
    const { rows } = (await ask(at.source, 'deliveries', {})) as { rows: DeliveryRow[] };
    expect(rows).toMatchObject([{ delivery: 'd1', history: [] }]);
    expect((await ask(at.source, 'calls', { sort: 'epoch', filter: 'epoch:1' })) as Calls).toMatchObject({ hidden: 0 });
    expect((await ask(at.source, 'ledger', {})) as Tally).toMatchObject({ accepted: 1, due: 1 });
    const again = new DatabaseSync(join(at.directory, 'lastword.db'), { readOnly: true });
    expect(again.prepare('pragma user_version').get()).toEqual({ user_version: 5 });
    again.close();
  });
});

describe('a journal', () => {
  const entries = wholeCall().epochs[0]?.entries ?? [];
  const total = async ({ source }: CallDirectory) => ((await ask(source, 'entries', { session })) as Entries).total;

  test('that grows costs what was added: half a line waits for its rest', async () => {
    const at = await callDirectory();
    await at.writeFile(session, '1.jsonl', linesOf(entries.slice(0, 10)));
    expect(await total(at)).toBe(10);
    const path = join(at.directory, 'sessions', session, '1.jsonl');
    const rest = linesOf(entries.slice(10, 12));
    await appendFile(path, rest.slice(0, 30));
    const half = (await ask(at.source, 'entries', { session })) as Entries;
    expect(half.total).toBe(10);
    expect(half.files[0]?.isTorn).toBe(true);
    await appendFile(path, rest.slice(30));
    const whole = (await ask(at.source, 'entries', { session })) as Entries;
    expect(whole).toMatchObject({ total: 12, position: '1:12' });
    expect(whole.files[0]?.isTorn).toBe(false);
  });

  test('that was cut, or replaced by another file, is read from its beginning', async () => {
    const at = await callDirectory();
    const path = join(at.directory, 'sessions', session, '1.jsonl');
    await at.writeFile(session, '1.jsonl', linesOf(entries));
    expect(await total(at)).toBe(entries.length);
    await truncate(path, linesOf(entries.slice(0, 5)).length);
    expect(await total(at)).toBe(5);
    await rename(path, `${path}.old`);
    await at.writeFile(session, '1.jsonl', linesOf(entries.slice(0, 7)));
    expect(await total(at)).toBe(7);
  });

  test('two who ask at once get the same, and each entry once', async () => {
    const at = await callDirectory();
    await at.writeFile(session, '1.jsonl', linesOf(entries));
    const all = await Promise.all(Array.from({ length: 10 }, () => total(at)));
    expect(new Set(all)).toEqual(new Set([entries.length]));
  });

  test('a few sessions stay in memory, and no more', async () => {
    const at = await callDirectory();
    const first = wholeCall();
    for (let index = 0; index < 8; index += 1) await at.write({ ...first, session: sessionIdOf(`S${index}`) });
    const one = await at.source.session('S0');
    expect(await at.source.session('S0')).toBe(one);
    for (let index = 1; index < 8; index += 1) await at.source.session(`S${index}`);
    expect(await at.source.session('S0')).not.toBe(one);
  });
});

test('an unknown question, and an unknown field of one, are refused with those there are', async () => {
  const source = openSource({ directory: '/nowhere', store: 'sqlite::memory:' });
  await expect(ask(source, 'kalls', {})).rejects.toThrow(
    /^read: expected one of calls, why, entries, .*, got "kalls"; choose one of them$/,
  );
  await expect(ask(source, '__proto__', {})).rejects.toThrow(/^read: expected one of/);
  await expect(ask(source, 'calls', { fulter: '' })).rejects.toThrow(
    /^calls: .*; its fields are filter, chips, sort, limit, after$/,
  );
  await expect(ask(source, 'calls', { limit: 1e9 })).rejects.toThrow(
    /^calls\.limit: expected .*10000.*, got 1000000000; its fields/,
  );
  await expect(ask(source, 'entry', { session: 'S', ref: '1:x' })).rejects.toThrow(/^entry\.ref: /);
});
