/** `show ID --html FILE`: the call as a page in one file. */
import { writeFile } from 'node:fs/promises';
import { messageOf } from '../errors/thrown.ts';
import { exportedCall } from '../inspector/export.ts';
import { readPageFiles } from '../inspector/files.ts';
import { openSource } from '../reads/source.ts';
import { ReadError } from '../reads/refusal.ts';
import { UsageError } from './problems.ts';

/** *Effect.* Whoever reads the file sees the call: nobody but its owner can. @throws UsageError, JournalError */
export async function writeExport(asked: {
  directory: string;
  store: string;
  session: string;
  path: string;
  withTexts: boolean;
}): Promise<void> {
  const { directory, store, session, path, withTexts } = asked;
  const folder = (name: string) => readPageFiles(new URL(`../inspector/${name}/`, import.meta.url));
  const source = openSource({ directory, store });
  let html: string;
  try {
    const [page, charts] = [folder('page'), folder('chart')];
    html = await exportedCall(source, { session, withTexts, page, charts, now: Date.now() });
  } catch (error) {
    if (error instanceof ReadError) throw new UsageError(error.message);
    throw error;
  } finally {
    source.close();
  }
  try {
    await writeFile(path, html, { mode: 0o600 });
  } catch (error) {
    throw new UsageError(`--html: expected a file that can be written, got ${path} (${messageOf(error)})`);
  }
}
