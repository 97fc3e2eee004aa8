/** The house is what docs/architecture.md says: each room is explained, and the arrows of the picture run one way. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { doubleNames, floors, longFiles, picture, rooms, ways, withRooms } from './architecture.ts';
import { repositoryRoot } from './repository.ts';

const root = repositoryRoot();
const read = (name: string) => readFileSync(join(root, name), 'utf8');

test('every room is explained, and every room that is explained is there', () => {
  const there = new Set([...ways().keys(), ...[...ways().values()].flatMap((targets) => [...targets])]);
  expect([...there].sort()).toEqual(Object.keys(rooms).sort());
});

test('no way leads back: a circle of rooms is refused by name', () => {
  expect(() => floors()).not.toThrow();
  const planted = new Map([...ways()].map(([room, targets]) => [room, new Set(targets)]));
  planted.get('src/store')?.add('src/keeper');
  expect(() => floors(planted)).toThrow(
    /a circle: .*src\/store → .*src\/keeper|a circle: .*src\/keeper → .*src\/store/,
  );
});

test('no exported name means two things', () => {
  expect(doubleNames()).toEqual([]);
});

test('is up to date; if not: npm run gen:docs', async () => {
  const text = read('docs/architecture.md');
  expect(withRooms(text)).toBe(text);
  expect(read('docs/architecture.svg')).toBe(await picture());
});

test('a file above 300 lines stands there with its reason', () => {
  const text = read('docs/architecture.md');
  expect(longFiles().filter((file) => !text.includes(`\`${file}\``))).toEqual([]);
});

test('the walks pass files that are there', () => {
  const text = read('docs/architecture.md');
  const walks = text.slice(text.indexOf('## Four walks'), text.indexOf('## Long files'));
  const named = [...walks.matchAll(/`((?:src|machines)\/[\w./-]+\.ts)`/g)].map(([, file = '']) => file);
  expect(named.length).toBeGreaterThan(20);
  expect(named.filter((file) => !existsSync(join(root, file)))).toEqual([]);
});
