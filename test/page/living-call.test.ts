/** A call that goes on while somebody looks: what is written is lit, and nothing is lost or shown twice. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Browser, Page } from 'playwright-core';
import { goTo, inspectorOf, openBrowser, openWindow, type Inspected } from './browser.ts';
import { storedCalls, type StoredCalls } from './stored-calls.ts';

let calls: StoredCalls;
let inspector: Inspected;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  calls = await storedCalls();
  [inspector, browser] = await Promise.all([inspectorOf(calls.directory), openBrowser()]);
  ({ page } = await openWindow(browser, inspector.address));
});
afterAll(async () => {
  await browser?.close();
  await inspector?.kill();
  calls?.remove();
});

const shown = async (): Promise<string[]> =>
  await page.locator('.entry-row').evaluateAll((rows) => rows.map((row) => row.getAttribute('title') ?? ''));
const last = () => page.locator('.lanes-surface').getAttribute('aria-valuemax').then(Number);

test('the list says who is living, and puts the longest silence first', async () => {
  await page.locator('.call-row.state-living').first().waitFor();
  const states = await page.locator('.call-row .call-state').allTextContents();
  expect(states[0]).toContain('living');
});

test('what a living call writes is there without asking', async () => {
  await goTo(page, '#/call/lives?density=entries');
  await page.locator('.entry-row').first().waitFor();
  const before = calls.talks.length - calls.rest.length;
  await expect.poll(last).toBe(before - 1);
  calls.goOn(6);
  await expect.poll(last, { timeout: 15_000 }).toBe(before + 5);
});

test('after a crash of the inspector the page comes back by itself: no entry is lost, none is there twice', async () => {
  const seen = calls.talks.length - calls.rest.length;
  const asked: string[] = [];
  page.on('request', (request) => {
    if (request.url().includes('/api/stream/session/')) asked.push(request.url());
  });
  await inspector.kill();
  calls.goOn(5);
  await page
    .getByText(/does not answer|connecting/)
    .first()
    .waitFor();
  inspector = await inspectorOf(calls.directory, inspector.port);
  const written = calls.talks.length - calls.rest.length;
  await expect.poll(last, { timeout: 40_000 }).toBe(written - 1);
  await page.locator('.lanes-surface').focus();
  await page.keyboard.press('End');
  await expect.poll(async () => (await shown()).at(-1), { timeout: 15_000 }).toContain(`1:${written} `);
  // It goes on behind the last id that came, and not from the beginning.
  expect(asked.at(-1)).toContain(`from=1:${seen}`);
  const titles = await shown();
  expect(new Set(titles).size).toBe(titles.length);
});

test('when it ends, the first line says why, and the page says that it is over', async () => {
  calls.goOn();
  await expect.poll(() => page.locator('.why').textContent(), { timeout: 20_000 }).toContain('caller_hung_up');
  await page.locator('.pill', { hasText: 'over' }).waitFor();
});
