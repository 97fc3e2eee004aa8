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
          .map((id) => ({ id, file: `test/${name}`, title: title.replaceAll('\\', '') })),
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
