/**
 * Ten thousand living calls in the list. The list itself is played: what ten thousand calls cost the server is measured in
 * bench:reads; here it is what they cost the browser.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Browser, Page } from 'playwright-core';
import type { CallRow, Calls } from '../../src/reads/answers.ts';
import { inspectorOf, openBrowser, openWindow, type Inspected } from './browser.ts';
import { storedCalls, type StoredCalls } from './stored-calls.ts';

const COUNT = 10_000;
/** Of 16.7 that a frame has at 60 a second: the rest is the browser's for drawing. */
const MOST_MS_A_FRAME = 10;
const FRAMES = 120;

let calls: StoredCalls;
let inspector: Inspected;
let browser: Browser;
let page: Page;

const row = (index: number): CallRow => ({
  session: `AJ_${index}`,
  job: `AJ_${index}`,
  epoch: 1,
  room: `room-${index}`,
  agentName: 'receptionist',
  state: 'living',
  stage: 'conversing: the caller waits',
  acceptedAt: Date.now() - index * 1_000,
  endedAt: null,
  silentMs: COUNT - index,
  by: null,
  reason: null,
  delivery: 'none',
  hangUp: null,
});

beforeAll(async () => {
  calls = await storedCalls();
  [inspector, browser] = await Promise.all([inspectorOf(calls.directory), openBrowser()]);
  const answer: Calls = { rows: Array.from({ length: COUNT }, (_, index) => row(index)), next: null, hidden: 0 };
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  await context.route('**/api/stream/calls**', (route) =>
    route.fulfill({ contentType: 'text/event-stream', body: `event: calls\ndata: ${JSON.stringify(answer)}\n\n` }),
  );
  ({ page } = await openWindow(browser, inspector.address, {}, context));
  await page.locator('.call-link').first().waitFor({ timeout: 60_000 });
});
afterAll(async () => {
  await browser?.close();
  await inspector?.kill();
  calls?.remove();
});

test('of ten thousand rows those in view are there, and a few around them', async () => {
  expect(await page.locator('.call-table').getAttribute('aria-rowcount')).toBe(String(COUNT + 1));
  expect(await page.locator('.call-link').count()).toBeLessThan(60);
});

test(`while it is scrolled a frame costs at most ${MOST_MS_A_FRAME} ms of script and layout`, async () => {
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  const spent = async () => {
    const { metrics } = await session.send('Performance.getMetrics');
    const of = (name: string) => metrics.find((metric) => metric.name === name)?.value ?? 0;
    return 1_000 * (of('ScriptDuration') + of('LayoutDuration') + of('RecalcStyleDuration'));
  };
  const before = await spent();
  await page.evaluate(`new Promise((resolve) => {
    const list = document.querySelector('.call-rows');
    let frames = 0;
    const step = () => {
      list.scrollTop += 400;
      frames += 1;
      frames < ${FRAMES} ? requestAnimationFrame(step) : resolve();
    };
    requestAnimationFrame(step);
  })`);
  const each = ((await spent()) - before) / FRAMES;
  console.log(`a frame of the list of ${COUNT} calls: ${each.toFixed(2)} ms of script and layout`);
  expect(each).toBeLessThanOrEqual(MOST_MS_A_FRAME);
  expect(await page.locator('.call-link').count()).toBeLessThan(60);
});

test('the last row is there when one scrolls to it', async () => {
  await page.evaluate(`document.querySelector('.call-rows').scrollTop = 1e9`);
  await page.getByRole('link', { name: `room-${COUNT - 1}`, exact: true }).waitFor();
});
