/** docs/faults.md, compared with the tests there are. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { faultsExcused, faultsListed, faultTests, withFaultTests, withTellingRows } from './fault-documents.ts';
import { repositoryRoot } from './repository.ts';

const document = readFileSync(path.join(repositoryRoot(), 'docs', 'faults.md'), 'utf8');

test('every test that names a fault names one of the catalogue', () => {
  const listed = faultsListed(document);
  expect(faultTests().filter(({ id }) => !listed.includes(id))).toEqual([]);
});

test('the list of tests is the one that `npm run gen:docs` writes', () => {
  expect(withFaultTests(document)).toBe(document);
});

test('the README shows five rows of the table, as they are there', () => {
  const readme = readFileSync(path.join(repositoryRoot(), 'README.md'), 'utf8');
  expect(withTellingRows(readme, document)).toBe(readme);
  expect(/<!-- faults:telling -->([^]*)<!--/.exec(readme)?.[1]?.match(/^\| .* report \|$/gm)).toHaveLength(5);
});

test('every fault has a test, or a reason why it can have none', () => {
  const covered = new Set([...faultTests().map(({ id }) => id), ...faultsExcused(document)]);
  expect(faultsListed(document).filter((id) => !covered.has(id))).toEqual([]);
});
