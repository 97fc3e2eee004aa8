/**
 * The picture of the README: `npm run picture`. A real call is played (`npm start` without a terminal); when it is over,
 * the page shows the moment in which its caller waits for an answer.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compiled } from '../e2e/harness/index.ts';
import { repositoryRoot } from '../docs/repository.ts';
import { goTo, inspectorOf, openBrowser, openWindow } from './browser.ts';

const CALL_MS = 90_000;
const MOST_BYTES = 200_000;
const path = join(repositoryRoot(), 'docs', 'inspector.png');

const directory = mkdtempSync(join(tmpdir(), 'lastword-picture-'));
try {
  const { LIVEKIT_URL: _, LIVEKIT_API_KEY: __, LIVEKIT_API_SECRET: ___, ...env } = process.env;
  const call = spawn(process.execPath, [compiled('src/cli/start-here.ts')], {
    env: { ...env, LASTWORD_DIR: directory, LASTWORD_STORE: `sqlite:${join(directory, 'lastword.db')}`, NO_COLOR: '1' },
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: CALL_MS,
  });
  await once(call, 'exit');
  const [session] = readdirSync(join(directory, 'sessions'));
  if (session === undefined) throw new Error('picture: expected a call, got none; npm start < /dev/null says why');
  const [inspector, browser] = await Promise.all([inspectorOf(directory), openBrowser()]);
  try {
    const { page } = await openWindow(browser, inspector.address, {
      viewport: { width: 1280, height: 810 },
      colorScheme: 'light',
      reducedMotion: 'reduce',
    });
    await goTo(page, `#/call/${session}?density=story`);
    await page.locator('.why h1').waitFor();
    await page.locator('.entry-row.tone-caller').first().click();
    await page.locator('.machine .states li').first().waitFor();
    await page.locator('.chart-window .lit').first().waitFor();
    await page.screenshot({ path, animations: 'disabled' });
  } finally {
    await browser.close();
    await inspector.kill();
  }
  const { size } = statSync(path);
  if (size > MOST_BYTES) throw new Error(`picture: expected at most ${MOST_BYTES} bytes, got ${size}`);
  console.log(`docs/inspector.png, ${size} bytes, of ${session}`);
} finally {
  rmSync(directory, { recursive: true, force: true });
}
