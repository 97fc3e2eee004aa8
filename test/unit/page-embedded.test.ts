/** A call in one file answers a filter as the inspector does, in each density, and refuses what it refuses. */
import { expect, test } from 'vitest';
import { sessionIdOf } from '../../src/journal/ids.ts';
import { exportedCall } from '../../src/inspector/export.ts';
import type { PageFiles } from '../../src/inspector/files.ts';
import { answersEmbedded, type EmbeddedAnswers } from '../../src/inspector/page/answers/embedded.ts';
import type { Entries } from '../../src/reads/answers.ts';
import { ask } from '../../src/reads/table.ts';
import { wholeCall } from '../contract/sessions.ts';
import { callDirectory } from './call-directory.ts';

const session = sessionIdOf('AJ_7Qd2');
const bytes = Buffer.from('');
const page: PageFiles = new Map(
  ['page.js', 'page.css'].map((name) => [name, { type: '', bytes, zipped: bytes, tag: '' }]),
);
/** The same call, asked of its journal and of its file. */
async function both() {
  const { source, ...directory } = await callDirectory();
  await directory.write(wholeCall());
  const html = await exportedCall(source, { session, withTexts: true, page, charts: new Map(), now: 1 });
  const [, held = ''] = /id="answers">(.*?)<\/script>/s.exec(html) ?? [];
  return { source, file: answersEmbedded(JSON.parse(held) as EmbeddedAnswers) };
}

const filters = [
  '',
  'table',
  'kind:tool',
  '-kind:transition',
  'state:conversing',
  'text:/book.*table/',
  'who:caller',
  'file:keeper',
  'is:failed',
  'nowhere',
];
test.each(filters)('the filter "%s" leaves the same rows in the file', async (filter) => {
  const { source, file } = await both();
  for (const density of ['story', 'steps', 'entries'])
    for (const chips of [[], ['failed'], ['silent']]) {
      const asked = { session, filter, density, chips };
      const told = (await ask(source, 'entries', { ...asked, limit: 5_000 })) as Entries;
      const { rows, hidden } = await file.read('entries', asked);
      expect({ rows, hidden }, `${density} ${chips.join()}`).toEqual({ rows: told.rows, hidden: told.hidden });
    }
});

test('some of these filters leave something, and hide something', async () => {
  const { file } = await both();
  for (const filter of ['kind:tool', 'state:conversing', 'text:/book.*table/']) {
    const { rows, hidden } = await file.read('entries', { session, filter, density: 'entries', chips: [] });
    expect(rows.length, filter).toBeGreaterThan(0);
    expect(hidden, filter).toBeGreaterThan(0);
  }
});

test.each(['colour:red', 'is:silly', 'text:/(a+)+/'])('"%s" is refused in the same words', async (filter) => {
  const { source, file } = await both();
  const asked = { session, filter, density: 'steps', chips: [] };
  const message = (error: Error): string => error.message;
  const wanted = await ask(source, 'entries', asked).then(() => 'answered', message);
  expect(wanted).not.toBe('answered');
  expect(await file.read('entries', asked).then(() => 'answered', message)).toBe(wanted);
});
