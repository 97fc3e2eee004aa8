/** What the documents say, compared with what is there. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { defaultPolicy, ends, reasons } from '../../machines/index.ts';
import { deadLinks, linksOf } from './ready-to-publish.ts';
import { repositoryRoot } from './repository.ts';

const root = repositoryRoot();
const read = (file: string) => readFileSync(path.join(root, file), 'utf8');
const filesBelow = (folder: string, ending: string): string[] =>
  readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => path.join(folder, name));
const documents = ['README.md', ...filesBelow('docs', '.md')];
const sources = [...filesBelow('src', '.ts'), ...filesBelow('machines', '.ts')].map((file) => ({
  file,
  text: read(file),
}));
/** GitHub's anchors: lower case, what is neither letter, digit, space nor hyphen left out. */
const anchorsOf = (text: string): string[] =>
  [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

describe('the README', () => {
  const text = read('README.md');

  test('has at most 400 words', () => {
    expect(text.split(/\s+/).filter((word) => /\w/.test(word)).length).toBeLessThanOrEqual(400);
  });
  test('has one picture, made from a call by a script', () => {
    expect([...text.matchAll(/!\[[^\]]*\]\(([^)]+)\)/g)].map(([, target]) => target)).toEqual(['docs/inspector.png']);
  });
  test('leads to nothing that is not in the package; published without a repository it would be refused', () => {
    const { files } = JSON.parse(read('package.json')) as { files: string[] };
    expect(linksOf(text).length).toBeGreaterThan(10);
    expect(deadLinks(text, { files, repository: { url: 'https://example.com/lastword' } })).toEqual([]);
    expect(deadLinks(text, { files })).toEqual([expect.stringMatching(/^package\.json: repository: expected/)]);
    expect(deadLinks('[the test](test/a.test.ts)', { files, repository: 'x' })).toEqual([
      'README.md: test/a.test.ts is not in the package',
    ]);
  });
});

/** What is written as code: fenced, or between backticks. Prose may say that npm does something. */
const codeIn = (text: string): string =>
  [...text.matchAll(/^```[^\n]*\n([\s\S]*?)^```|`([^`\n]+)`/gm)]
    .map(([, fenced, inline]) => fenced ?? inline)
    .join('\n');

test('every command in the documents stands in package.json, or is one of npm and the tests themselves', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const lanes = readdirSync(path.join(root, 'test'));
  const ofNpm = ['ci', 'pack', 'install', 'i', 'init', 'pkg', 'publish'];
  const unknown = documents.flatMap((file) =>
    [...codeIn(read(file)).matchAll(/\bnpm (?:run )?([a-z][\w:-]*)|vitest run --project ([a-z][\w-]*)/g)]
      .filter(([, script, lane]) =>
        script === undefined ? !lanes.includes(lane ?? '') : !ofNpm.includes(script) && !scripts[script],
      )
      .map(([whole]) => `${file}: ${whole}`),
  );
  expect(unknown).toEqual([]);
});

test('every link leads to a file, and to a heading in it', () => {
  const broken = documents.flatMap((file) =>
    [...read(file).matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target = '']) => target)
      .filter((target) => !/^https?:/.test(target))
      .filter((target) => {
        const [name = '', anchor] = target.split('#');
        const found = path.join(root, path.dirname(file), name);
        if (!existsSync(name === '' ? path.join(root, file) : found)) return true;
        return (
          anchor !== undefined &&
          !anchorsOf(readFileSync(name === '' ? path.join(root, file) : found, 'utf8')).includes(anchor)
        );
      })
      .map((target) => `${file}: ${target}`),
  );
  expect(broken).toEqual([]);
});

test('the table of limits has every field of the policy, with its true default and unit', () => {
  const rows = [...read('docs/concepts.md').matchAll(/^\| `(\w+)` \| ([\d,]+) \| (\w+) \|/gm)];
  const table = Object.fromEntries(rows.map(([, name, value]) => [name, Number(value?.replaceAll(',', ''))]));
  expect(table).toEqual(defaultPolicy);
  for (const [, name, , unit] of rows) expect(unit).toBe(name?.endsWith('Ms') ? 'ms' : 'times');
});

describe('the guarantees', () => {
  const chapters = read('docs/guarantees.md').split(/^## /m).slice(1);
  const titlesOf = (file: string) => read(file).replaceAll("\\'", "'");

  test('are ten, each with a number in bold', () => {
    expect(chapters.map((chapter) => chapter.split(' ')[0]).filter((word) => word !== 'Besides')).toEqual(
      Array.from({ length: 10 }, (_, index) => `G${index + 1}`),
    );
  });
  test.each(chapters.map((chapter) => [chapter.split('\n')[0] ?? '', chapter]))(
    '%s: each test that is named exists',
    (_, chapter) => {
      const named = [...chapter.matchAll(/^- \[([^\]]+)\]\(\.\.\/([^)]+)\): "(.+)"$/gm)];
      expect(named.length).toBeGreaterThan(0);
      for (const [, shown, file = '', title] of named) {
        expect(shown).toBe(file);
        expect(titlesOf(file)).toMatch(
          new RegExp(
            `(test|it|describe)(\\.concurrent)?(\\.each\\(.*\\))?\\(\\s*['\`"]${(title ?? '').replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&')}`,
          ),
        );
      }
    },
  );
});

describe('the errors', () => {
  const text = read('docs/errors.md');
  const headings = [...text.matchAll(/^### (\S+)$/gm)].map(([, code]) => code ?? '');

  test('every code of a class has a heading, and every heading is a code', () => {
    const inClasses = sources.flatMap(({ text: source }) =>
      [...source.matchAll(/readonly code = '(\w+)'/g)].map(([, code]) => code),
    );
    const inStore = /export type StoreErrorCode =([^;]*);/.exec(read('src/store/store.ts'))?.[1] ?? '';
    const inJournal = sources
      .filter(({ file }) => file.startsWith(path.join('src', 'journal')))
      .flatMap(({ text: source }) => [...source.matchAll(/code: '(E[A-Z]+)'/g)].map(([, code]) => code));
    const codes = new Set([...inClasses, ...[...inStore.matchAll(/'(\w+)'/g)].map(([, code]) => code), ...inJournal]);
    expect(headings.filter((code) => !codes.has(code) && !/^E[A-Z]+$/.test(code))).toEqual([]);
    expect([...codes].filter((code) => !headings.includes(code ?? ''))).toEqual([]);
  });
  test('every code of the system that the journal gives advice for is named', () => {
    const advice = /const advice[^{]*\{([\s\S]*?)\n\};/.exec(read('src/journal/errors.ts'))?.[1] ?? '';
    const codes = [...advice.matchAll(/^ {2}(E[A-Z]+):/gm)].map(([, code]) => code ?? '');
    expect(codes.length).toBeGreaterThan(5);
    expect(codes.filter((code) => !text.includes(code))).toEqual([]);
  });
  test('every kind of error that is exported is named', () => {
    const names = sources.flatMap(({ text: source }) =>
      [...source.matchAll(/export class (\w+) extends \w*Error/g)].map(([, name]) => name ?? ''),
    );
    // Never seen by a user's code: what an effect rejects with after it was left, what a machine of ours may never be, and
    // what the command line and the inspector say in one line.
    const hidden = ['LeftError', 'UnboundedMachineError', 'UsageError', 'NotFoundError', 'FailedError'];
    hidden.push('ReadError', 'RequestProblem', 'AnswerProblem');
    expect(names.filter((name) => !hidden.includes(name) && !text.includes(name))).toEqual([]);
  });
  test('every reason that blames somebody is a reason that there is', () => {
    const rows = [...text.matchAll(/^\| `(\w+)` \|/gm)].map(([, reason]) => reason ?? '');
    const known = [
      ...Object.keys(reasons),
      ...sources.flatMap(({ text: source }) =>
        [...source.matchAll(/endOf\('system', '(\w+)'/g)].map(([, reason]) => reason),
      ),
    ];
    expect(rows.filter((reason) => !known.includes(reason))).toEqual([]);
    const broken = Object.values(ends).filter(({ by, fault }) => by === 'system' && fault !== 'none');
    expect(broken.map(({ reason }) => reason).filter((reason) => !rows.includes(reason))).toEqual([]);
  });
});

test('no document names a machine, a mirror or a password', () => {
  const texts = [...documents, ...filesBelow('docs', '.ts')].map(read).join('\n');
  expect(texts.match(/\/(?:work|root|home)\/|registry\.|(?:api|secret)[_-]?key\s*[:=]\s*['"][^'"]{12}/gi)).toBeNull();
});

test('a program in a document is the file of the examples that is compiled, word for word', () => {
  const shown = (file: string) => [...read(file).matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, text]) => text);
  expect(shown('docs/hang-up.md')).toEqual([read('docs/examples/hang-up.ts')]);
});
