/** A LASTWORD_DIR of a test: journals as files, and a store where a test wants one. Gone when the test is. */
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Entry, SessionJournal } from '../../src/journal/entry.ts';
import { lineOf } from '../../src/journal/line.ts';
import { openSource, type Source } from '../../src/reads/source.ts';
import { openStore } from '../../src/store/open.ts';
import type { Store } from '../../src/store/store.ts';

export type CallDirectory = {
  directory: string;
  /** LASTWORD_STORE */
  address: string;
  source: Source;
  write(journal: SessionJournal): Promise<void>;
  /** One file of a session, as it is. */
  writeFile(session: string, name: string, text: string | Buffer): Promise<void>;
  /** As a keeper has it; made at the first call. */
  store(): Promise<Store>;
};

export const linesOf = (entries: readonly Entry[]): string => entries.map((entry) => lineOf(entry)).join('');

/**
 * @param now of whoever asks
 * @param isChanged its journals were changed by hand: they are not what a machine wrote, and nobody replays them at the end
 */
export async function callDirectory({
  now,
  isChanged = false,
}: { now?: () => number; isChanged?: boolean } = {}): Promise<CallDirectory> {
  const directory = await mkdtemp(join(tmpdir(), 'lastword-reads-'));
  const address = `sqlite:${join(directory, 'lastword.db')}`;
  const source = openSource({ directory, store: address, ...(now && { now }) });
  let store: Promise<Store> | undefined;
  onTestFinished(async () => {
    source.close();
    await (await store)?.close();
    const below = isChanged ? await readdir(directory, { recursive: true, withFileTypes: true }) : [];
    for (const each of below) if (each.isFile()) await rm(join(each.parentPath, each.name));
    await rm(directory, { recursive: true, force: true });
  });
  const writeNamed = async (session: string, name: string, text: string | Buffer): Promise<void> => {
    const folder = join(directory, 'sessions', session);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, name), text);
  };
  return {
    directory,
    address,
    source,
    writeFile: writeNamed,
    async write({ session, epochs, keeper }) {
      for (const { epoch, entries } of epochs) await writeNamed(session, `${epoch}.jsonl`, linesOf(entries));
      if (keeper.length > 0) await writeNamed(session, 'keeper.jsonl', linesOf(keeper));
    },
    store: () => (store ??= openStore(address)),
  };
}
