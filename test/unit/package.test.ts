/** What is packed, and what a keeper loads of it. Reads dist/, which `npm test` has built. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { licenceDocument, licensedIn } from '../docs/licence-documents.ts';
import { repositoryRoot } from '../docs/repository.ts';

const root = repositoryRoot();
const read = (path: string) => readFileSync(join(root, path), 'utf8');

test('no source map that is packed points to a source that is not', () => {
  const output = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [{ files }] = JSON.parse(output) as [{ files: { path: string }[] }];
  const packed = new Set(files.map(({ path }) => path));
  const maps = [...packed].filter((path) => path.endsWith('.map'));
  expect(maps.length).toBeGreaterThan(100);
  const hollow = maps.filter((path) => {
    const { sources, sourcesContent = [] } = JSON.parse(read(path)) as { sources: string[]; sourcesContent?: string[] };
    return sources.some((source, at) => !sourcesContent[at] && !packed.has(join(dirname(path), source)));
  });
  expect(hollow).toEqual([]);
  const named = [...packed]
    .filter((path) => path.endsWith('.js'))
    .map((path) => /# sourceMappingURL=(.+)/.exec(read(path))?.[1] ?? '');
  expect(named.filter((name) => name !== '').length).toBe(maps.length);
});

test('docs/licences.md is what `npm run gen:docs` writes', () => {
  expect(read('docs/licences.md')).toBe(licenceDocument(licensedIn(read('package-lock.json'))));
});

test('every licence is one that asks for no more than its text', () => {
  const known = /^\(?(MIT|ISC|0BSD|BSD-[23]-Clause|Apache-2\.0)( (AND|OR) (MIT|ISC|BSD-[23]-Clause|Apache-2\.0))*\)?$/;
  expect(licensedIn(read('package-lock.json')).filter(({ licence }) => !known.test(licence))).toEqual([]);
});

test('a package without a licence is no row, but a failure', () => {
  const lock = JSON.stringify({ packages: { '': {}, 'node_modules/a': { version: '1.0.0' } } });
  expect(() => licensedIn(lock)).toThrow('a 1.0.0: expected a licence');
});

/** Every file that is loaded with this one, by imports that are not for types alone. */
function loadedWith(file: string, found = new Set<string>()): Set<string> {
  if (found.has(file) || !existsSync(file)) return found;
  found.add(file);
  const statements = readFileSync(file, 'utf8').matchAll(/^(?:import|export)\s(?!type\b)[^;]*?from '([^']+)'/gm);
  for (const [, from = ''] of statements) {
    if (from.startsWith('.')) loadedWith(join(dirname(file), from), found);
    else found.add(from);
  }
  return found;
}

test('a keeper loads no provider lab, no WebSocket server, and no SDK', () => {
  const loaded = [...loadedWith(join(root, 'src/cli/main.ts'))];
  expect(loaded).toContain(join(root, 'src/keeper/main.ts'));
  expect(loaded).toContain('pino');
  expect(
    loaded.filter((path) => path === 'ws' || path.includes('/testing/lab/') || path.startsWith('@livekit/')),
  ).toEqual([join(root, 'src/testing/lab/pace.ts')]);
});
