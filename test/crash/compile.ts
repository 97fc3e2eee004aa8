/** A TypeScript file of the tests as a program of its own, for children that are to be killed. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { hashOfSources } from '../../src/session/machines-build.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Inside the repository, so that the program finds its packages. Call `clean` at the end. */
export const compile = async (
  ...files: string[]
): Promise<{ path: (file: string) => string; clean: () => Promise<void> }> => {
  await mkdir(join(root, '.cache'), { recursive: true });
  const folder = await mkdtemp(join(root, '.cache', 'compiled-'));
  const config = {
    extends: resolve(root, 'tsconfig.json'),
    compilerOptions: {
      noEmit: false,
      noCheck: true,
      declaration: false,
      sourceMap: false,
      rootDir: root,
      outDir: folder,
    },
    include: [],
    files: files.map((file) => resolve(root, file)),
  };
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config));
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  await promisify(execFile)(process.execPath, [compiler, '-p', join(folder, 'tsconfig.json')], { timeout: 60_000 });
  const machines = join(folder, 'machines');
  if (existsSync(machines))
    await writeFile(join(machines, 'build.json'), JSON.stringify(hashOfSources(join(root, 'machines')))); // as `npm run build` does
  return {
    path: (file) => join(folder, file.replace(/\.ts$/, '.js')),
    clean: () => rm(folder, { recursive: true, force: true }),
  };
};
