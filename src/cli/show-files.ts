/** What `show` writes for others: a test, a chart, a page, Markdown for a ticket. */
import { readFile, writeFile } from 'node:fs/promises';
import { ConfigError } from '../errors/config-error.ts';
import { messageOf } from '../errors/thrown.ts';
import { exportedCall } from '../inspector/export.ts';
import { readPageFiles } from '../inspector/files.ts';
import type { SessionId } from '../journal/ids.ts';
import type { Entries, SavedTest, Why } from '../reads/answers.ts';
import { pathOfSession } from '../reads/session-path.ts';
import type { Source } from '../reads/source.ts';
import { ask } from '../reads/table.ts';
import { litChart } from '../show/lit-chart.ts';
import { markdown } from '../show/markdown.ts';
import type { Given } from './command.ts';
import { UsageError } from './problems.ts';

/** In the package as in the sources. */
const chart = new URL(
  import.meta.url.includes('/dist/') ? '../../../docs/machines/session.svg' : '../../docs/machines/session.svg',
  import.meta.url,
);

/** Made by the build: there are none beside the sources. */
const pageFiles = (name: string) => readPageFiles(new URL(`../inspector/${name}/`, import.meta.url));

const textNamed = ({ values }: Given, name: string): string | undefined => {
  const value = values[name];
  if (value === undefined) return undefined;
  if (typeof value === 'string' && value !== '') return value;
  throw new UsageError(`--${name}: expected a file to write, got nothing; write --${name} FILE`);
};

const written = async (file: string, text: string): Promise<string> => {
  try {
    await writeFile(file, text, { mode: 0o600 });
    return `${file} is written`;
  } catch (error) {
    const advice = 'choose a place that can be written';
    throw new ConfigError({
      field: 'FILE',
      expected: 'a file that can be written',
      got: messageOf(error),
      advice,
      cause: error,
    });
  }
};

/** *Effect.* What was asked for, and written; undefined: nothing of it was. @throws ReadError, ConfigError, UsageError */
export async function showFiles(source: Source, session: SessionId, given: Given): Promise<string[] | undefined> {
  const [test, svg, html] = [textNamed(given, 'test'), textNamed(given, 'svg'), textNamed(given, 'html')];
  const isMarkdown = given.values['markdown'] === true;
  const keepNames = given.values['keep-names'] === true;
  if (keepNames && test === undefined)
    throw new UsageError('--keep-names: expected it with --test FILE, got it alone; leave it out');
  const withTexts = given.values['texts'] === true;
  if (withTexts && html === undefined)
    throw new UsageError('--texts: expected it with --html FILE, got it alone; leave it out');
  if (test === undefined && svg === undefined && html === undefined && !isMarkdown) return undefined;
  const said: string[] = [];
  if (test !== undefined)
    said.push(await written(test, ((await ask(source, 'test', { session, keepNames })) as SavedTest).text));
  if (svg !== undefined) {
    const path = pathOfSession(await source.session(session));
    said.push(await written(svg, litChart(await readFile(chart, 'utf8'), path)));
  }
  if (html !== undefined) {
    const [page, charts] = [pageFiles('page'), pageFiles('chart')];
    said.push(await written(html, await exportedCall(source, { session, withTexts, page, charts, now: Date.now() })));
  }
  if (isMarkdown) {
    const why = (await ask(source, 'why', { session })) as Why;
    said.push(markdown(why, (await ask(source, 'entries', { session, density: 'story' })) as Entries));
  }
  return said;
}
