/**
 * The files of the page: read whole when the process starts, by the names that lie in the folder then. A request chooses
 * among these names and never makes a path.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { gzipSync } from 'node:zlib';

export type PageFile = { type: string; bytes: Buffer; zipped: Buffer; tag: string };
/** By their name in the URL: `page.js`. */
export type PageFiles = ReadonlyMap<string, PageFile>;

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** *Effect.* Those of a folder that a page can have; none where there is no such folder. */
export function readPageFiles(folder: URL): PageFiles {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return new Map();
  }
  return new Map(
    names.flatMap((name): [string, PageFile][] => {
      const type = types[extname(name)];
      if (type === undefined) return [];
      const bytes = readFileSync(new URL(encodeURIComponent(name), folder.href.replace(/\/?$/, '/')));
      const tag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`;
      return [[name, { type, bytes, zipped: gzipSync(bytes), tag }]];
    }),
  );
}
