/** docs/faults.md, compared with the tests there are. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { faultsExcused, faultsListed, faultTests, withFaultTests } from './fault-documents.ts';
import { repositoryRoot } from './repository.ts';

const document = readFileSync(path.join(repositoryRoot(), 'docs', 'faults.md'), 'utf8');

test('every test that names a fault names one of the catalogue', () => {
  const listed = faultsListed(document);
  expect(faultTests().filter(({ id }) => !listed.includes(id))).toEqual([]);
});

test('the list of tests is the one that `npm run gen:docs` writes', () => {
  expect(withFaultTests(document)).toBe(document);
});

/** What has no test yet. Empty, or named here: a fault may not be lost between the catalogue and the tests. */
const missing: string[] =
  'A1 A2 A3 A6 A7 A8 A9 A10 A11 A12 A13 A14 A15 A16 A18 A19 A20 A21 A22 B1 B2 B3 B4 B5 B6 B7 B10 B11 B12 B13 B18 B19 C1 C2 C6 C8 C9 C11 C12 C14 C15 C16 C17 C18 D2 D3 D4 D6 D7 D9 E4 E5 E6 E7 E8 F1 F2 F3 F4 G1 G2 G4 G5 G6 G7 G8 G9 H1 H2 H3 H3b H4 H5 H6 T1 T2 T3 T4 T5 T6 T7 T8 T9 T10 T12 T13 T14 T15 T16 T17 T18 T19 T20 T21 T22 T23 T24 T25 T26 T27 T28 T29 T30 T31 T32 T33 T34 T35 T36 T38 T39 T40 T41 T42 T43 T44 T45 T46 T48 T49 T50 T51 T53 T54 T55 T56 T57'.split(
    ' ',
  );

test('every fault has a test, or a reason why it can have none', () => {
  const covered = new Set([...faultTests().map(({ id }) => id), ...faultsExcused(document)]);
  expect(faultsListed(document).filter((id) => !covered.has(id))).toEqual(missing);
});
