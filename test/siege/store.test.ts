/** The store in its thread: the contract of every store, and what a held database, a dead thread and a full queue cost. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openInThread } from '../../src/store/in-thread.ts';
import { openSqliteReader } from '../../src/store/sqlite-reader.ts';
import { storeContract } from '../contract/store-contract.ts';
import { newDelivery, sealedReport, sessionRow } from '../contract/store-rows.ts';
import { compiled } from '../e2e/harness/index.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lastword-thread-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const path = () => join(folder, 'store.db');
const open = () => openInThread(path(), { thread: pathToFileURL(compiled('src/store/store-thread.ts')) });

storeContract('SQLite in a thread', () => ({ open, again: open, clean: async () => undefined }));

/** Holds the database as another process would, until it is killed. */
const held = async () => {
  const hold = `const { DatabaseSync } = require('@photostructure/sqlite');
    const held = new DatabaseSync(process.argv[1]); held.exec('begin immediate'); console.log('held');
    setInterval(() => held.exec('select 1'), 1_000);`;
  const holder = spawn(process.execPath, ['-e', hold, path()], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(holder.stdout, 'data');
  return {
    async [Symbol.asyncDispose]() {
      holder.kill('SIGKILL');
      await once(holder, 'exit');
    },
  };
};

describe('a store in a thread', () => {
  test('whose database is held by another process says so in time, and holds nobody: the loop goes on meanwhile', async () => {
    const store = await open();
    {
      await using _holder = await held();
      let turns = 0;
      const timer = setInterval(() => (turns += 1), 10);
      await expect(store.putSession(sessionRow(sessionIdOf('one')))).rejects.toMatchObject({
        name: 'StoreError',
        code: 'BUSY',
      });
      clearInterval(timer);
      expect(turns).toBeGreaterThan(50); // of 150: the driver waits for 1.5 s
    }
    await store.putSession(sessionRow(sessionIdOf('one')));
    expect(await store.session(sessionIdOf('one'))).toEqual(sessionRow(sessionIdOf('one')));
    await store.close();
  });

  test('writes what came together together, and what one of them does wrong is undone alone', async () => {
    const store = await open();
    const outcomes = await Promise.allSettled([
      store.putSession(sessionRow(sessionIdOf('one'))),
      store.putSession({ ...sessionRow(sessionIdOf('two')), state: 'no such state' as 'open' }),
      store.seal(sessionRow(sessionIdOf('three')), sealedReport(sessionIdOf('three')), [
        newDelivery('d1', sessionIdOf('three')),
      ]),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(outcomes[1]).toMatchObject({ reason: { name: 'StoreError', code: 'FAILED' } });
    await store.close();
    const again = await open();
    expect(await again.session(sessionIdOf('two'))).toBeUndefined();
    expect(await again.session(sessionIdOf('one'))).toBeDefined();
    expect(await again.report(sessionIdOf('three'))).toMatchObject({ report: 'rep_three' });
    await again.close();
  });

  test('finishes what it was asked before it closes, and refuses what comes after', async () => {
    const store = await open();
    const asked = Array.from({ length: 500 }, (_, index) => store.putSession(sessionRow(sessionIdOf(`s-${index}`))));
    const closed = store.close();
    await expect(store.session(sessionIdOf('s-0'))).rejects.toMatchObject({ code: 'CLOSED' });
    await Promise.all([...asked, closed]);
    const again = await open();
    expect(await again.sessions({ limit: 1_000 })).toHaveLength(500);
    await again.close();
  });

  test('that cannot be opened says what openSqlite says', async () => {
    const opening = openInThread(folder, { thread: pathToFileURL(compiled('src/store/store-thread.ts')) });
    await expect(opening).rejects.toMatchObject({ name: 'StoreError', code: 'UNWRITABLE' });
  });
});

test('a reader sees bodies while others write, and writes nothing', async () => {
  const store = await open();
  await store.enqueue([newDelivery('d1', sessionIdOf('one'), { body: 'the body' })]);
  const reader = openSqliteReader(path());
  {
    await using _holder = await held();
    expect(reader.body('d1')).toBe('the body');
  }
  await store.enqueue([newDelivery('d2', sessionIdOf('one'), { body: 'another' })]);
  expect([reader.body('d2'), reader.body('none')]).toEqual(['another', undefined]);
  reader.close();
  await store.close();
});
