/** A call for a ticket, as Markdown. Pure. What strangers said stands in blocks of code, where nothing of it is markup. */
import type { Entries, Why } from '../reads/answers.ts';
import { oneLine } from './paint.ts';

/** What begins a list, a link, an image, a table or HTML means nothing behind a backslash. */
const plain = (text: string): string => oneLine(text).replaceAll(/[\\`*_{}[\]<>()#+!|~&@-]/g, (mark) => `\\${mark}`);
/** A fence that is longer than any run of its marks inside. */
const fenced = (lines: readonly string[]): string => {
  const longest = Math.max(2, ...lines.flatMap((line) => [...line.matchAll(/`+/g)].map(([run]) => run.length)));
  const fence = '`'.repeat(longest + 1);
  return [`${fence}text`, ...lines, fence].join('\n');
};

export function markdown(why: Why, { rows, total, files }: Entries): string {
  const startedAt = rows[0]?.at ?? 0;
  const told = rows.map(
    ({ at, what, text }) => `${((at - startedAt) / 1000).toFixed(1).padStart(7)}  ${what.padEnd(8)}  ${oneLine(text)}`,
  );
  const torn = files.filter(({ isTorn, lost, passedOver }) => isTorn || lost > 0 || passedOver > 0);
  return [
    `## Call \`${why.session}\``,
    '',
    plain(why.sentence),
    '',
    '| word | what | proof |',
    '| --- | --- | --- |',
    ...why.words.map(({ word, text, proof }) => `| ${plain(word)} | ${plain(text)} | ${proof ?? ''} |`),
    '',
    fenced(told),
    '',
    `${rows.length} of ${total} entries.${torn.length > 0 ? ` Not whole: ${torn.map(({ file }) => `${file}.jsonl`).join(', ')}.` : ''}`,
  ].join('\n');
}
