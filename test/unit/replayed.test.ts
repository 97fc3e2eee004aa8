/** The proof that every test carries with it: a folder whose journal does not replay cannot be removed unnoticed. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Entry } from '../../src/journal/entry.ts';
import { journalPath } from '../../src/journal/folder.ts';
import { lineOf } from '../../src/journal/line.ts';
import { openJournal } from '../../src/journal/write.ts';
import { VirtualSession } from '../contract/virtual-session.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';

/** As the next file of the same process has it: the module runs again. */
const again = '../replayed.ts?again';
const next = (await import(again)) as typeof import('../replayed.ts');

const SESSION = sessionIdOf('AJ_1');

/** A folder with the journal of a call, and its entries. */
async function written(): Promise<{ directory: string; path: string; entries: Entry[] }> {
  const call = await new VirtualSession().converse();
  call.send({ type: 'caller.speaks' });
  call.send({ type: 'caller.stopped', endpointingMs: 500 });
  await call.report();
  const directory = await mkdtemp(join(tmpdir(), 'lastword-replayed-'));
  const journal = await openJournal({ directory, session: SESSION, file: 1 });
  for (const { kind, data } of call.entries) journal.append(kind, data);
  await journal.close();
  return { directory, path: journalPath(directory, SESSION, 1), entries: call.entries };
}

test('a journal as it was written may go', async () => {
  const { directory, path } = await written();
  expect((await readFile(path, 'utf8')).split('\n').length).toBeGreaterThan(40);
  await rm(directory, { recursive: true });
});

test('a journal in which two things that the machine received have changed places is found when its folder goes', async () => {
  const { directory, path, entries } = await written();
  const [one = 0, other = 0] = ['caller.speaks', 'caller.stopped'].map((type) =>
    entries.findIndex(({ kind, data }) => kind === 'event' && data.type === type),
  );
  const swapped = entries.map((entry, at) => {
    const { kind, data } = entries[at === one ? other : at === other ? one : at] ?? entry;
    return { ...entry, up: 1, kind, data } as Entry;
  });
  await writeFile(path, swapped.map(lineOf).join(''));
  await expect(rm(directory, { recursive: true })).rejects.toThrow(/does not replay[^]*session, entry \d+: expected/);
});

test('a journal of another build proves nothing, and is found as well', async () => {
  const { directory, path, entries } = await written();
  const changed = entries.map((entry): Entry =>
    entry.kind === 'machine.began' ? { ...entry, data: { ...entry.data, build: 'older' } } : entry,
  );
  await writeFile(path, changed.map((entry) => lineOf({ ...entry, up: 1 })).join(''));
  await expect(rm(directory, { recursive: true })).rejects.toThrow(/another build of the machines wrote it: older/);
});

describe('in a process that is kept for the next file', () => {
  test('what a machine writes is replayed, whichever file mocked it', async () => {
    const before = next.lookedAt();
    await new VirtualSession().report();
    onTestFinished(() => expect(next.lookedAt()).toBeGreaterThan(before));
  });

  test('a folder is replayed once before it goes, however many files came before', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lastword-replayed-'));
    let asked = 0;
    const counted = { toString: () => ((asked += 1), folder) };
    await expect(rm(counted as never, { recursive: true })).rejects.toThrow(/path/);
    expect(asked).toBe(2); // forgotten, and looked into
    await rm(folder, { recursive: true });
  });
});
