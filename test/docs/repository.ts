import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The folder that holds package.json: the same from the sources and from dist/. */
export function repositoryRoot(from: string = import.meta.dirname): string {
  if (existsSync(join(from, 'package.json'))) return from;
  const parent = dirname(from);
  if (parent === from) throw new Error(`expected a package.json above ${import.meta.dirname}; found none`);
  return repositoryRoot(parent);
}
