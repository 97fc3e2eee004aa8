import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { unsealedFolders, unsealedRows } from '../../src/keeper/unsealed.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import type { Store } from '../../src/store/store.ts';
import { sealedReport, sessionRow } from '../contract/store-rows.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';

let directory: string;
let store: Store;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lastword-unsealed-'));
  store = await openSqlite(':memory:');
});
afterEach(async () => {
  await store.close();
  await rm(directory, { recursive: true, force: true });
});

const folders = (...names: string[]) =>
  Promise.all(names.map((name) => mkdir(join(directory, 'sessions', name), { recursive: true })));
const ask = (of: Pick<Store, 'unsealed' | 'withoutReport'> = store, signal = new AbortController().signal) => ({
  directory,
  store: of,
  log: pino({ level: 'silent' }),
  signal,
});
const found = async (asked: ReturnType<typeof ask>) => {
  const names: string[] = [];
  for await (const name of unsealedFolders(asked)) names.push(name);
  return names.sort();
};

test('rows that are not sealed are known at once; a folder without a row is found by looking', async () => {
  await store.putSession(sessionRow(sessionIdOf('open')));
  for (const sealed of ['one', 'two'].map(sessionIdOf)) await store.seal(sessionRow(sealed), sealedReport(sealed), []);
  await folders('open', 'one', 'two', 'unknown', '.hidden');
  await writeFile(join(directory, 'sessions', 'a-file'), '');
  expect((await unsealedRows(ask())).map(({ session }) => session)).toEqual(['open']);
  expect(await found(ask())).toEqual(['open', 'unknown']);
});

test('more folders than are asked for at once are all looked at', async () => {
  const names = Array.from({ length: 1_203 }, (_, index) => sessionIdOf(`s-${index}`));
  for (const name of names) if (name !== 's-777') await store.seal(sessionRow(name), sealedReport(name), []);
  await folders(...names);
  expect(await found(ask())).toEqual(['s-777']);
});

test('a directory without sessions has none', async () => {
  expect(await found(ask())).toEqual([]);
});

test('a store that does not answer leaves it to the folders, and its reader may stop', async () => {
  await folders('one');
  const stopping = new AbortController();
  const broken = {
    unsealed: () => Promise.reject(new Error('held')),
    withoutReport: () => Promise.reject(new Error('held')),
  };
  expect(await unsealedRows(ask(broken))).toEqual([]);
  const looking = found(ask(broken, stopping.signal));
  setTimeout(() => stopping.abort(), 30);
  await expect(looking).rejects.toMatchObject({ name: 'AbortError' });
});
