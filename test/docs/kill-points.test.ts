import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { inLane, points } from '../torture/points/points.ts';
import { rowsOfTable } from '../torture/points/table.ts';
import { repositoryRoot } from './repository.ts';

test('the kill points of the guarantees are those that processes are killed at', () => {
  const text = readFileSync(path.join(repositoryRoot(), 'docs/guarantees.md'), 'utf8');
  expect(text.match(/^\| K\d+ \|.*$/gm)).toEqual(rowsOfTable());
  expect(inLane.filter((id) => !points.some((point) => point.id === id))).toEqual([]);
});
