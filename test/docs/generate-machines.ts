/** Writes docs/machines/ from the code: npx tsc -p tsconfig.build.json && node dist/test/docs/generate-machines.js */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { machineDocuments } from './machine-documents.ts';
import { repositoryRoot } from './repository.ts';

const folder = join(repositoryRoot(), 'docs', 'machines');
await mkdir(folder, { recursive: true });
for (const [name, text] of await machineDocuments()) {
  await writeFile(join(folder, name), text);
  console.log(`docs/machines/${name}`);
}
