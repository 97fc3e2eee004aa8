/**
 * Which build of `machines/` this is: a hash of its sources, all of them. Whoever runs from sources and whoever runs from
 * what was built of them have the same.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** *Effect.* Of all code below a folder, by its names and its text. */
export const hashOfSources = (folder: string): string => {
  const hash = createHash('sha256');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  for (const file of files.filter((name) => /(?<!\.d)\.[jt]s$/.test(name)).sort())
    hash.update(`${file}\n${readFileSync(`${folder}/${file}`, 'utf8')}\n`);
  return hash.digest('hex').slice(0, 16);
};

const folder = fileURLToPath(new URL('../../machines', import.meta.url));

const read = (): string => {
  try {
    return JSON.parse(readFileSync(`${folder}/build.json`, 'utf8')) as string; // `npm run build` wrote it
  } catch {
    return hashOfSources(folder);
  }
};

export const build: string = read();
