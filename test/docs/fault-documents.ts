/**
 * The list of tests in docs/faults.md, read off the titles of the tests. A title begins with the ids of the faults it is
 * about: `B7 drain hangs on a tool: …`, `C3 T11 …`.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { repositoryRoot } from './repository.ts';

export type FaultTest = { id: string; file: string; title: string };

const beginsWithIds = /(['"`])((?:(?:[A-H]\d+b?|T\d+) )+)((?:(?!\1).|\\\1)+)\1/g;
const isTitle = /\b(?:test|it|describe)(?:\.\w+(?:\([^)]*\))?)*\(\s*$|^\s*(?:\[|name: |title: )?\s*$|\n\s*\{ name: $/;

/** Every title that begins with an id, one element for each of its ids. */
export function faultTests(): FaultTest[] {
  const root = path.join(repositoryRoot(), 'test');
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.test.ts'));
  return files.sort().flatMap((name) => {
    const text = readFileSync(path.join(root, name), 'utf8');
    return [...text.matchAll(beginsWithIds)]
      .filter((match) => isTitle.test(text.slice(0, match.index).split('\n').slice(-2).join('\n')))
      .flatMap(([, , ids = '', title = '']) =>
        ids
          .trim()
          .split(' ')
          .map((id) => ({
            id,
            file: `test/${name}`,
            title: title.replaceAll('\\', '').replaceAll(/\$\{[^}]*\}|%[sj]/g, '…'),
          })),
      );
  });
}

const orderOf = (id: string): number => id.charCodeAt(0) * 1000 + Number(/\d+/.exec(id)?.[0] ?? 0);

export const faultsListed = (document: string): string[] =>
  [...document.matchAll(/^\| ([A-H]\d+b?|T\d+) \|/gm)].map(([, id = '']) => id);
export const faultsExcused = (document: string): string[] =>
  [...document.matchAll(/^- \*\*([A-H]\d+b?|T\d+)\*\*: \S/gm)].map(([, id = '']) => id);

/** The document with its list of tests as the test files have it now. */
export function withFaultTests(document: string): string {
  const rows = faultTests()
    .toSorted((one, other) => orderOf(one.id) - orderOf(other.id))
    .map(({ id, file, title }) => `| ${id} | ${title.replaceAll('|', '\\|')} | [${file}](../${file}) |`);
  const list = ['| id | what is shown | where |', '| --- | --- | --- |', ...rows].join('\n');
  return document.replace(
    /<!-- faults:tests -->[^]*<!-- \/faults:tests -->/,
    () => `<!-- faults:tests -->\n${list}\n<!-- /faults:tests -->`,
  );
}

/** The rows of the bench that the README shows: what breaks most often, and worst. */
const telling: Record<string, string> = {
  'kill -9 of the job that another one may follow': '`kill -9` of the job',
  'the event loop is blocked for good and another job may follow': 'event loop blocked',
  'the TTS hangs from the third turn on': 'the TTS hangs',
  'a tool hangs while the call ends': 'a tool hangs at the end',
  'SIGTERM of the worker, and SIGKILL after 30 s of grace': 'SIGTERM of the worker',
};

const reports: Record<string, string> = { true: 'true report', untrue: 'untrue report', none: 'no report' };

/** The README with those rows as docs/faults.md has them. */
export function withTellingRows(readme: string, document: string): string {
  const rows = Object.entries(telling).flatMap(([name, short]) => {
    const row = document.split('\n').find((line) => line.startsWith(`| ${name} |`));
    if (!row) return [];
    const [, , , bareMs, ms, bareThen, then, bareReport, report] = row
      .split('|')
      .map((cell) => cell.replaceAll('*', '').trim());
    const side = (silence = '', outcome = '', told = '') =>
      `${silence}, ${outcome.split(', ')[0]}, ${reports[told] ?? told}`;
    return `| ${short} | ${side(bareMs, bareThen, bareReport)} | ${side(ms, then, report)} |`;
  });
  const list = ['| silence, then, report | bare SDK | Lastword |', '| --- | --- | --- |', ...rows].join('\n');
  return readme.replace(
    /<!-- faults:telling -->[^]*<!-- \/faults:telling -->/,
    () => `<!-- faults:telling -->\n${list}\n<!-- /faults:telling -->`,
  );
}
