/** Each view by axe, by day and by night, narrow and wide; and by keyboard alone. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Browser, Page } from 'playwright-core';
import { goTo, inspectorOf, openBrowser, openWindow, type Inspected } from './browser.ts';
import { storedCalls, type StoredCalls } from './stored-calls.ts';

type Finding = { id: string; help: string; nodes: { html: string; failureSummary?: string }[] };

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
let calls: StoredCalls;
let inspector: Inspected;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  calls = await storedCalls();
  [inspector, browser] = await Promise.all([inspectorOf(calls.directory), openBrowser()]);
  // Axe is run in the page, which its policy forbids to everybody else.
  ({ page } = await openWindow(browser, inspector.address, { bypassCSP: true, reducedMotion: 'reduce' }));
  await page.locator('.call-link').first().waitFor({ timeout: 60_000 });
});
afterAll(async () => {
  await browser?.close();
  await inspector?.kill();
  calls?.remove();
});

const findings = async (): Promise<string[]> => {
  await page.evaluate(axe);
  const found = await page.evaluate('axe.run(document, { resultTypes: ["violations"] })');
  return (found as { violations: Finding[] }).violations.map(
    ({ id, help, nodes }) => `${id}: ${help}: ${nodes[0]?.html.slice(0, 200)} ${nodes[0]?.failureSummary ?? ''}`,
  );
};

const views = [
  ['the list', '#/', '.call-link'],
  ['a call', '#/call/talks?at=30', '.limits, .states'],
  ['what was said', '#/call/talks?panel=said', '.said-line'],
  ['an entry', '#/call/talks?panel=entry&density=entries', '.whole'],
  ['a crashed call', '#/call/crashed?density=story', '.lane-epochs'],
  ['a test', '#/call/talks?panel=test', '.save-test button'],
  ['two calls', '#/diff/talks/AJ_7Qd2', '.diff-row'],
  ['the ledger', '#/ledger', '.figure'],
  ['deliveries', '#/deliveries', '.notice, .card'],
] as const;

test.each(views)('axe finds nothing in %s, by day, by night, at 375 points and at 3840', async (_, hash, there) => {
  await goTo(page, hash);
  for (const [colorScheme, width, height] of [
    ['light', 1440, 900],
    ['dark', 1440, 900],
    ['light', 375, 800],
    ['dark', 3840, 2160],
  ] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.setViewportSize({ width, height });
    await page.locator(there).first().waitFor();
    await page.locator('h1').first().waitFor(); // the first line may be asked for a moment longer
    // axe reads the tree once and the layout later: what comes in between is there without its content.
    if (hash.startsWith('#/call/')) await page.locator('.lanes-surface .lane').first().waitFor();
    expect(await findings(), `${colorScheme}, ${width}`).toEqual([]);
    const wider = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
    expect(wider, `nothing is wider than ${width}`).toBeLessThanOrEqual(0);
  }
});

test('a call is found, opened and walked through by keyboard alone', async () => {
  await page.setViewportSize({ width: 1440, height: 900 });
  await goTo(page, '#/');
  await page.locator('.call-row').first().waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('talks');
  await page.keyboard.press('Enter');
  await expect.poll(() => page.locator('.call-link').count()).toBe(1);
  for (let pressed = 0; pressed < 8; pressed += 1) {
    await page.keyboard.press('Tab');
    if (await page.evaluate('document.activeElement.matches(".call-link")')) break;
  }
  await page.keyboard.press('Enter');
  await page.locator('.why h1').waitFor();
  await page.locator('.entry-row').first().waitFor();
  await page.locator('.lanes-surface:not([aria-valuemax="0"])').waitFor();
  await page.keyboard.press('Shift+ArrowLeft');
  await expect.poll(() => page.url()).toContain('at=');
});

test('a screen reader is told where the call stands', async () => {
  await goTo(page, '#/call/talks?at=12');
  await expect.poll(() => page.locator('.unseen[role=status]').textContent()).toMatch(/session: \S+/);
});
