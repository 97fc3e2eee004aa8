/** A call as one file: it opens from a disk, asks nobody, and shows what the inspector shows. */
import { execFile } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Browser, Page } from 'playwright-core';
import { compiled } from '../e2e/harness/index.ts';
import { goTo, inspectorOf, openBrowser, openWindow, type Inspected, type Opened } from './browser.ts';
import { HOSTILE, storedCalls, type StoredCalls } from './stored-calls.ts';

let calls: StoredCalls;
let inspector: Inspected;
let browser: Browser;
let served: Opened;
let file: Opened;

const write = async (session: string, name: string, ...more: string[]): Promise<string> => {
  const path = join(calls.directory, name);
  const { directory } = calls;
  const env = { ...process.env, LASTWORD_DIR: directory, LASTWORD_STORE: `sqlite:${join(directory, 'lastword.db')}` };
  const command = [compiled('src/cli/main.ts'), 'show', session, '--html', path, ...more];
  await promisify(execFile)(process.execPath, command, { env, timeout: 60_000 });
  return path;
};

beforeAll(async () => {
  calls = await storedCalls();
  [inspector, browser] = await Promise.all([inspectorOf(calls.directory), openBrowser()]);
  served = await openWindow(browser, inspector.address);
  await served.page.locator('.call-link').first().waitFor({ timeout: 60_000 });
  file = await openWindow(browser, pathToFileURL(await write('talks', 'talks.html', '--texts')).href);
});
afterAll(async () => {
  await browser?.close();
  await inspector?.kill();
  calls?.remove();
});

const shownBy = async (page: Page, hash: string) => {
  await goTo(page, hash);
  await page.locator('.why h1').waitFor();
  await page.locator('.entry-row').first().waitFor();
  await page.locator('.states').first().waitFor();
  await page.locator('.chart-window .lit').first().waitFor();
  const texts = async (selector: string) => await page.locator(selector).allTextContents();
  return {
    why: await texts('.why'),
    // Which rows are drawn around it depends on where the list was scrolled to before.
    rows: await texts('.count, .entry-row.is-here'),
    machines: await texts('.machine h2, .states li'),
    limits: await texts('.limit-words'),
    lanes: await texts('.lanes-surface .span title'),
    lit: await page.locator('.chart-window .lit').evaluateAll((shapes) => shapes.map(({ id }) => id)),
  };
};

test.each(['?density=entries&at=9', '?density=story', '?at=25', '?density=entries&at=40'])(
  'the file shows what the inspector shows: %s',
  async (asked) => {
    const hash = `#/call/talks${asked}`;
    const different = async (): Promise<unknown[]> => {
      const [wanted, shown] = [await shownBy(served.page, hash), await shownBy(file.page, hash)];
      const names = Object.keys(wanted) as (keyof typeof wanted)[];
      return names
        .filter((name) => JSON.stringify(wanted[name]) !== JSON.stringify(shown[name]))
        .map((name) => ({ name, wanted: wanted[name], shown: shown[name] }));
    };
    await expect.poll(different, { timeout: 30_000 }).toEqual([]);
  },
);

test('keys and panels work in the file', async () => {
  await goTo(file.page, '#/call/talks?density=entries&at=5');
  await file.page.locator('h1').click();
  await file.page.keyboard.press('ArrowRight');
  await expect.poll(() => file.page.locator('.lanes-surface').getAttribute('aria-valuenow')).toBe('6');
  await file.page.getByRole('tab', { name: 'said' }).click();
  await file.page.keyboard.press('End');
  await file.page.getByRole('tab', { name: 'said' }).press('End');
  await file.page.locator('h1').click();
  await file.page.keyboard.press('End');
  await file.page.getByText('A table for two at seven, please.').first().waitFor();
});

test('nobody is asked for anything, and its policy has nothing to complain of', () => {
  expect(file.strangers).toEqual([]);
  expect(file.complaints).toEqual([]);
});

test('without --texts nothing that was said is in the file, whose owner alone can read it', async () => {
  const path = await write('talks', 'withheld.html');
  const text = readFileSync(path, 'utf8');
  expect(text).not.toContain('Lovelace');
  expect(text).toContain('characters withheld');
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('texts of strangers end no script and begin none', async () => {
  const path = await write('hostile', 'hostile.html', '--texts');
  expect(readFileSync(path, 'utf8')).not.toContain(HOSTILE.slice(0, 20));
  const opened = await openWindow(browser, pathToFileURL(path).href);
  await opened.page.locator('.entry-row').first().waitFor();
  expect(await opened.page.title()).not.toContain('owned');
  expect(opened.complaints).toEqual([]);
});
