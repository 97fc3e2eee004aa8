/**
 * The lane needs a Chromium and the page's own build, beside the server and the build of `e2e/setup.ts`, which comes first.
 * Without a Chromium it is red: a page that nobody opened proves nothing.
 */
import { accessSync, constants } from 'node:fs';
import { bundlePage } from './page-bundle.ts';

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Of CHROMIUM, or where Debian and Ubuntu put it. @throws where there is none */
export function chromiumPath(environment: NodeJS.ProcessEnv = process.env): string {
  const told = environment['CHROMIUM'];
  const found = (told === undefined ? places : [told]).find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  if (found !== undefined) return found;
  const got = told === undefined ? 'none' : `CHROMIUM=${told}, which cannot be run`;
  throw new Error(`lane page: expected a Chromium, got ${got}; apt-get install chromium, or set CHROMIUM to its path`);
}

export default async function setup(): Promise<void> {
  chromiumPath();
  // `npm test` has just built everything; a lane started by itself has not.
  if (['test', 'verify'].includes(process.env['npm_lifecycle_event'] ?? '')) return;
  await bundlePage();
}
