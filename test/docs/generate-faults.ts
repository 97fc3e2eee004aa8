/** Writes the list of tests in docs/faults.md. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withFaultTests } from './fault-documents.ts';
import { repositoryRoot } from './repository.ts';

const file = join(repositoryRoot(), 'docs', 'faults.md');
await writeFile(file, withFaultTests(await readFile(file, 'utf8')));
console.log('docs/faults.md');
