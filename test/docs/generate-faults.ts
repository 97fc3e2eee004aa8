/** Writes the list of tests in docs/faults.md, and the most telling rows of its table into the README. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withFaultTests, withTellingRows } from './fault-documents.ts';
import { repositoryRoot } from './repository.ts';

const [faults, readme] = [join(repositoryRoot(), 'docs', 'faults.md'), join(repositoryRoot(), 'README.md')];
await writeFile(faults, withFaultTests(await readFile(faults, 'utf8')));
await writeFile(readme, withTellingRows(await readFile(readme, 'utf8'), await readFile(faults, 'utf8')));
console.log('docs/faults.md README.md');
