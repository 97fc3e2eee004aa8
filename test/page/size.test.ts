/** What a browser loads: small, and nothing but what stands here. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { repositoryRoot } from '../docs/repository.ts';

const folder = (name: string) => join(repositoryRoot(), 'dist', 'src', 'inspector', name);
const zipped = (path: string): number => gzipSync(readFileSync(path), { level: 9 }).length;
const KILOBYTE = 1_000;

test('page, script and style are at most 60 kB compressed', () => {
  const bytes = ['index.html', 'page.js', 'page.css'].map((name) => zipped(join(folder('page'), name)));
  expect(bytes.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(60 * KILOBYTE);
});

test('the drawings are at most 40 kB compressed, all three', () => {
  const names = readdirSync(folder('chart'));
  expect(names.sort()).toEqual(['recovery.svg', 'session.svg', 'supervision.svg']);
  const bytes = names.map((name) => zipped(join(folder('chart'), name)));
  expect(bytes.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(40 * KILOBYTE);
});

test('the page has no style, script or handler of its own beside its two files', () => {
  const html = readFileSync(join(folder('page'), 'index.html'), 'utf8');
  expect(html).not.toMatch(/ style=| on\w+=|<style|<script(?! type="module" src="\/assets\/page\.js")/);
});
