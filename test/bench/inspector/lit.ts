/** From an event in the job to the page that shows its state: writer, inspector and Chromium are processes of their own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { goTo, inspectorOf, openBrowser, openWindow } from '../../page/browser.ts';
import { median, percentile, shown } from '../figures.ts';
import type { Goal } from '../keeper/part.ts';
import { startJob } from './job.ts';
import type { Written } from './job-messages.ts';

const SESSION = 'AJ_lit';
const STEPS = 300;
/** A step each 150 to 450 ms: no two fall into one handful of news. */
const PACE = { everyMs: 150, everyMostMs: 450 };
const GOAL_P50_MS = 100;
const GOAL_P99_MS = 500;
const SETTLE_MS = 1_500;

/** What was lit, each time that it was another; the time is that of the frame which shows it. */
const watchLit = `(() => {
  window.litSeen = [];
  const frameShown = new MessageChannel();
  let waiting = [];
  frameShown.port1.onmessage = () => {
    const at = performance.timeOrigin + performance.now();
    for (const lit of waiting) window.litSeen.push({ at, lit });
    waiting = [];
  };
  new MutationObserver(() => {
    const lit = [...document.querySelectorAll('.chart-window .lit')].map(({ id }) => id).sort();
    waiting.push(lit);
    if (waiting.length === 1) requestAnimationFrame(() => frameShown.port2.postMessage(0));
  }).observe(document.querySelector('.chart-window'), { subtree: true, attributes: true, attributeFilter: ['class'] });
})()`;

export async function litPart(much: number): Promise<Goal[]> {
  const directory = mkdtempSync(join(tmpdir(), 'lastword-bench-lit-'));
  try {
    using job = await startJob(directory, SESSION);
    const [inspector, browser] = await Promise.all([inspectorOf(directory), openBrowser()]);
    try {
      const { page } = await openWindow(browser, inspector.address);
      await goTo(page, `#/call/${SESSION}`);
      await page.locator('.chart-window .lit').first().waitFor();
      await page.evaluate(watchLit);
      await job.steps({ count: 6, ...PACE }); // the first ones compile
      await page.evaluate('window.litSeen.length = 0');
      const written = await job.steps({ count: Math.max(6, Math.round(STEPS * much)), ...PACE });
      await page.waitForTimeout(SETTLE_MS);
      const seen = (await page.evaluate('window.litSeen')) as Written[];
      const late = lateness(written, seen);
      const [p50, p99] = [median(late), percentile(late, 0.99)];
      return [
        {
          what: `event in the job → its state is lit (${written.length} steps, one each ${PACE.everyMs} to ${PACE.everyMostMs} ms)`,
          figure: `p50 ${shown(p50)} ms, p99 ${shown(p99)} ms`,
          goal: `p50 ≤ ${GOAL_P50_MS} ms, p99 ≤ ${GOAL_P99_MS} ms`,
          isMet: p50 <= GOAL_P50_MS && p99 <= GOAL_P99_MS,
        },
      ];
    } finally {
      await browser.close();
      await inspector.kill();
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/**
 * *Pure.* Of each step, how long it took until a frame showed its state, or that of a later step: two that come within one
 * frame are one change. What was never shown is an error, and no figure.
 */
function lateness(written: readonly Written[], seen: readonly Written[]): number[] {
  const late: number[] = [];
  for (const { at, lit } of seen) {
    const key = lit.join();
    const shownStep = written.findIndex((one, index) => index >= late.length && one.at <= at && one.lit.join() === key);
    while (late.length <= shownStep) late.push(at - (written[late.length]?.at ?? at));
  }
  if (late.length < written.length)
    throw new Error(`step ${late.length} of ${written.length} was never lit; ${seen.length} changes were seen`);
  return late;
}
