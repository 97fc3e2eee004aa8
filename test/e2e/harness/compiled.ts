/** Child processes run JavaScript: where the compiler puts what a TypeScript file of this repository becomes. */
import { execFile } from 'node:child_process';
import { cp } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const here = fileURLToPath(import.meta.url);
/** The root of the repository, seen from the source or from its compiled copy. */
export const root = path.resolve(here, here.endsWith('.ts') ? '../../../..' : '../../../../..');
const BUILD_DEADLINE_MS = 120_000;

/**
 * The compiled file of a source file.
 *
 * @param source - path below the root of the repository, ending in `.ts`
 */
export function compiled(source: string): string {
  const file = path.join(root, 'dist', source.replace(/\.ts$/, '.js'));
  if (!existsSync(file))
    throw new Error(`expected ${source} compiled in dist/, found nothing there; run "npm run build" first`);
  return file;
}

/** Compiles everything into `dist/`: a lane must never test what the sources were yesterday. */
export async function compile(): Promise<void> {
  if (process.env['LASTWORD_PREBUILT'] !== undefined) return; // whoever built it a moment ago says so
  const compiler = path.join(root, 'node_modules/typescript/bin/tsc');
  try {
    await promisify(execFile)(process.execPath, [compiler, '-p', path.join(root, 'tsconfig.build.json')], {
      cwd: root,
      timeout: BUILD_DEADLINE_MS,
    });
  } catch (error) {
    const output = error instanceof Error && 'stdout' in error ? String(error.stdout) : '';
    throw new Error(`the sources do not compile, so there is nothing to test:\n${output}`, { cause: error });
  }
  await cp(path.join(root, 'src/sound/assets'), path.join(root, 'dist/src/sound/assets'), { recursive: true });
}
