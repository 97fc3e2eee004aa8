/** What a browser loads, compressed; the bound is held by test/page/size.test.ts. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { root } from '../../e2e/harness/compiled.ts';
import { shown } from '../figures.ts';
import type { Goal } from '../keeper/part.ts';

const KILOBYTE = 1_000;
const folder = (name: string) => join(root, 'dist/src/inspector', name);
const zipped = (path: string): number => gzipSync(readFileSync(path), { level: 9 }).length;
const sizeOf = (name: string, files: readonly string[]): number =>
  files.reduce((sum, file) => sum + zipped(join(folder(name), file)), 0);

export const sizePart = (): Promise<Goal[]> => {
  const row = (what: string, bytes: number, most: number): Goal => ({
    what,
    figure: `${shown(bytes / KILOBYTE, 1)} kB`,
    goal: `≤ ${most} kB`,
    isMet: bytes <= most * KILOBYTE,
  });
  return Promise.resolve([
    row('page, script and style, compressed', sizeOf('page', ['index.html', 'page.js', 'page.css']), 60),
    row('the three drawings, compressed', sizeOf('chart', readdirSync(folder('chart'))), 40),
  ]);
};
