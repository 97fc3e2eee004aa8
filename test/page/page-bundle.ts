/** The page put together: one script, one style, the drawings. Nothing is fetched or built when it runs. */
import { build } from 'esbuild';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repositoryRoot } from '../docs/repository.ts';
import { chartForPage } from './chart-for-page.ts';

/** *Effect.* Into dist/, where the server looks for it. */
export async function bundlePage(root: string = repositoryRoot()): Promise<void> {
  const from = join(root, 'src', 'inspector', 'page');
  const page = join(root, 'dist', 'src', 'inspector', 'page');
  const charts = join(root, 'dist', 'src', 'inspector', 'chart');

  await mkdir(page, { recursive: true });
  await build({
    entryPoints: [
      { in: join(from, 'main.tsx'), out: 'page' },
      { in: join(from, 'style', 'page.css'), out: 'page' },
    ],
    outdir: page,
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2023',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    tsconfigRaw: '{}',
    legalComments: 'none',
    logLevel: 'warning',
  });
  for (const name of ['index.html', 'icon.svg']) await cp(join(from, name), join(page, name));
  await rm(charts, { recursive: true, force: true });
  await mkdir(charts, { recursive: true });
  for (const name of ['session', 'recovery', 'supervision']) {
    const drawing = await readFile(join(root, 'docs', 'machines', `${name}.svg`), 'utf8');
    await writeFile(join(charts, `${name}.svg`), chartForPage(drawing));
  }
}
