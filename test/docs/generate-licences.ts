/** Writes docs/licences.md. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { licenceDocument, licensedIn } from './licence-documents.ts';
import { repositoryRoot } from './repository.ts';

const lock = await readFile(join(repositoryRoot(), 'package-lock.json'), 'utf8');
await writeFile(join(repositoryRoot(), 'docs', 'licences.md'), licenceDocument(licensedIn(lock)));
console.log('docs/licences.md');
