/** docs/reference.md is what the types and docstrings say today, and they say enough. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { incompleteOf, readTypes, referencePath, referenceText } from './generate-reference.ts';
import { repositoryRoot } from './repository.ts';

const root = repositoryRoot();
const described = readTypes();

test('every field has a docstring, what may be left out names its default, and a number its unit', () => {
  expect(incompleteOf(described)).toEqual([]);
});

test('a field without default, unit or docstring is found', () => {
  const fields = [
    { name: 'waitMs', isOptional: true, type: 'number', doc: 'How long.' },
    { name: 'why', isOptional: false, type: 'string', doc: '' },
  ];
  const planted = { name: 'Planted', kind: 'fields' as const, doc: '', text: '', fields, names: [], isExported: true };
  expect(incompleteOf([planted])).toEqual([
    'Planted.waitMs: its docstring names no default',
    'Planted.waitMs: its docstring names no unit',
    'Planted.why: no docstring',
  ]);
});

test('the reference is up to date: npm run gen:docs writes it', () => {
  expect(readFileSync(path.join(root, referencePath), 'utf8')).toBe(referenceText(described));
});

test('every export has its place in the reference', () => {
  const text = readFileSync(path.join(root, referencePath), 'utf8');
  const names = described.filter(({ isExported, kind }) => isExported && kind !== 'error' && kind !== 'value');
  expect(names.length).toBeGreaterThan(20);
  expect(names.map(({ name }) => name).filter((name) => !text.includes(`### ${name}\n`))).toEqual([]);
});

test('every variable of the environment that is read is in the table of the command line', () => {
  const page = readFileSync(path.join(root, 'docs/cli.md'), 'utf8');
  const sources = readdirSync(path.join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.startsWith('testing'))
    .map((name) => readFileSync(path.join(root, 'src', name), 'utf8'))
    .join('\n');
  // Between our own processes, or of Node, npm, pm2 and terminals.
  const inside = [
    'LASTWORD_SOCKET',
    'LASTWORD_TOKEN',
    'LASTWORD_REPLACES',
    'LASTWORD_TERMINAL_ROOM',
    'LASTWORD_TERMINAL_SOCKET',
    'LASTWORD_TERMINAL_SOUND',
    'LASTWORD_DESCRIBE',
    'LASTWORD_POOL',
    'NODE_OPTIONS',
    'TERM',
  ];
  const read = [...sources.matchAll(/\benv\['([A-Z_]+)'\]|'((?:LASTWORD|LIVEKIT|OPENAI|CARTESIA)_[A-Z_]+)'/g)]
    .map(([, one, other]) => one ?? other ?? '')
    .filter((name) => !inside.includes(name) && !new RegExp(`code = '${name}'`).test(sources));
  expect([...new Set(read)].filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});
