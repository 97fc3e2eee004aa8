/** Writes the picture and the table of docs/architecture.md from the imports. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { picture, withRooms } from './architecture.ts';
import { repositoryRoot } from './repository.ts';

const folder = join(repositoryRoot(), 'docs');
const page = join(folder, 'architecture.md');
await writeFile(page, withRooms(await readFile(page, 'utf8')));
await writeFile(join(folder, 'architecture.svg'), await picture());
console.log('docs/architecture.md docs/architecture.svg');
