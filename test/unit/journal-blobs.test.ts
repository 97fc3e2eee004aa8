/** Images beside the journal: kept within their budget, whatever is sent and whatever the disk says. */
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type Image, openBlobs } from '../../src/journal/blobs.ts';
import { sessionFolder } from '../../src/journal/folder.ts';
import { IMAGE_BYTES, shares } from '../../src/journal/shares.ts';
import { readSession } from '../../src/journal/read.ts';
import { openJournal } from '../../src/journal/write.ts';
import { withinBudget } from '../../src/journal/within-budget.ts';
import { fold } from '../../src/report/fold.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';

const SESSION = sessionIdOf('one');

async function kept() {
  const directory = await mkdtemp(join(tmpdir(), 'lastword-blobs-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const where = { directory, session: SESSION };
  const journal = withinBudget(await openJournal({ ...where, file: 1 }));
  const blobs = openBlobs(where, journal);
  const image = (content: Uint8Array, ref = 'item.0'): Image => ({
    ref,
    bytes: content.byteLength,
    content: () => content,
  });
  const read = async () => {
    journal.append('session.closed', {
      end: { by: 'caller', reason: 'caller_hung_up', fault: 'none' },
      alsoTriggered: [],
      stage: 'conversing',
    });
    await journal.close();
    return readSession(directory, SESSION);
  };
  return { blobs, image, read, folder: join(sessionFolder(directory, SESSION), 'blobs') };
}

test('the folder is found beside the journals, readable for its owner alone, and no journal', async () => {
  const { blobs, image, read, folder } = await kept();
  blobs.keep(image(Buffer.from('one')));
  blobs.keep(image(Buffer.from('two')));
  blobs.keep(image(Buffer.from('one')));
  await blobs.written();
  const names = await readdir(folder);
  expect(names).toHaveLength(2);
  expect((await stat(folder)).mode & 0o777).toBe(0o700);
  expect((await stat(join(folder, names[0]!))).mode & 0o777).toBe(0o600);
  const { epochs } = await read();
  expect(epochs).toHaveLength(1);
  const written = epochs[0]!.entries.flatMap((entry) => (entry.kind === 'blob' ? [entry.data.sha256] : []));
  expect(new Set(written)).toEqual(new Set(names));
  expect(written).toHaveLength(3);
});

test('a flood of images: as many as fit, the others counted in the report, and nothing waits in memory', async () => {
  const { blobs, image, read, folder } = await kept();
  let asked = 0;
  const counted = (byte: number): Image => {
    const { content, ...rest } = image(new Uint8Array(IMAGE_BYTES).fill(byte));
    return { ...rest, content: () => ((asked += 1), content()) };
  };
  for (let each = 0; each < 100; each += 1) blobs.keep(counted(each));
  await blobs.written();
  const fit = shares.images / IMAGE_BYTES;
  expect(await readdir(folder)).toHaveLength(fit);
  expect(asked).toBe(fit);
  const { completeness } = fold(await read());
  expect(completeness.withheld).toEqual([
    { part: 'images', identity: null, entries: 100 - fit, bytes: (100 - fit) * IMAGE_BYTES },
  ]);
});

test('the same image a thousand times is one file, and costs its share once', async () => {
  const { blobs, image, read, folder } = await kept();
  const content = new Uint8Array(IMAGE_BYTES).fill(7);
  for (let each = 0; each < 20; each += 1) {
    blobs.keep(image(content));
    await blobs.written();
  }
  expect(await readdir(folder)).toHaveLength(1);
  expect(fold(await read()).completeness.withheld).toEqual([]);
});

test('one that is too large is not even looked at', async () => {
  const { blobs, read } = await kept();
  blobs.keep({
    ref: 'item.0',
    bytes: IMAGE_BYTES + 1,
    content: () => {
      throw new Error('looked at');
    },
  });
  await blobs.written();
  const report = fold(await read());
  expect(report.completeness.withheld).toMatchObject([{ part: 'images', entries: 1, bytes: IMAGE_BYTES + 1 }]);
  expect(report.errors).toEqual([]);
});

test('a disk that takes no images is said once, and costs the call nothing', async () => {
  const { blobs, image, read, folder } = await kept();
  await mkdir(join(folder, '..'), { recursive: true });
  await writeFile(folder, 'in its place');
  for (const text of ['one', 'two', 'three']) blobs.keep(image(Buffer.from(text)));
  await blobs.written();
  const { errors } = fold(await read());
  expect(errors).toMatchObject([{ component: 'journal', recoverable: true, times: 1 }]);
  expect(errors[0]!.message).toMatch(/^an image could not be kept: /);
});
