/** A call of 5,000 entries, opened and walked through in a real page. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lineOf } from '../../../src/journal/line.ts';
import { inspectorOf, openBrowser, openWindow } from '../../page/browser.ts';
import { median, percentile, shown } from '../figures.ts';
import type { Goal } from '../keeper/part.ts';
import { longCall } from '../long-call.ts';

const ENTRIES = 5_000;
const TIMES = 12;
const STEPS = 200;
const OPENED_MS = 200;
const STEP_MS = 16;
/** Some transitions change nothing that is lit. */
const SAME_MS = 400;

/** From the click until first line, rows, lanes and lit states are there, and a frame shows them; and until the machine was walked, for deadlines and memory. */
const opened = (session: string) => `new Promise((resolve) => {
  const began = performance.now();
  let shown;
  const isThere = (of) => document.querySelector(of) !== null;
  const look = () => {
    const all = ['.why h1', '.entry-row', '.lanes-surface .span', '.chart-window .lit', '.machine .states li'].every(isThere);
    if (all) shown ??= performance.now() - began;
    const isWalked = all && document.querySelector('.machine .context') !== null;
    isWalked ? resolve({ shown, walked: performance.now() - began }) : requestAnimationFrame(look);
  };
  location.hash = '#/call/${session}?density=entries';
  requestAnimationFrame(look);
})`;
/** From the key until the frame in which the states of that transition are lit; null: it leads to the same states. */
const stepped = `new Promise((resolve) => {
  const lit = () => [...document.querySelectorAll('.chart-window .lit')].map(({ id }) => id).join();
  const before = lit();
  const began = performance.now();
  const look = () => {
    if (lit() !== before) resolve(performance.now() - began);
    else if (performance.now() - began > ${SAME_MS}) resolve(null);
    else requestAnimationFrame(look);
  };
  document.querySelector('.lanes-surface').dispatchEvent(
    new KeyboardEvent('keydown', { key: 'ArrowLeft', shiftKey: true, bubbles: true }));
  requestAnimationFrame(look);
})`;

export async function openedPart(much: number): Promise<Goal[]> {
  const directory = mkdtempSync(join(tmpdir(), 'lastword-bench-opened-'));
  try {
    const entries = await longCall(ENTRIES);
    const text = entries.map((entry) => lineOf(entry)).join('');
    const times = Math.max(3, Math.round(TIMES * much));
    for (let round = 0; round <= times; round += 1) {
      const folder = join(directory, 'sessions', `AJ_long_${round}`);
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, '1.jsonl'), text);
    }
    const [inspector, browser] = await Promise.all([inspectorOf(directory), openBrowser()]);
    try {
      const { page } = await openWindow(browser, inspector.address);
      const open = async (round: number): Promise<{ shown: number; walked: number }> => {
        await page.evaluate(`location.hash = '#/ledger'`);
        await page.locator('.lanes-surface').waitFor({ state: 'detached' });
        return (await page.evaluate(opened(`AJ_long_${round}`))) as { shown: number; walked: number };
      };
      await open(times); // once, so that both sides have compiled what they run
      const took: { shown: number; walked: number }[] = [];
      for (let round = 0; round < times; round += 1) took.push(await open(round));
      const steps: number[] = [];
      for (let step = 0; step < Math.max(20, STEPS * much); step += 1)
        steps.push(...([await page.evaluate(stepped)] as (number | null)[]).filter((ms) => ms !== null));
      if (steps.length < 10) throw new Error(`expected steps that light something, got ${steps.length}`);
      const goal = (what: string, values: readonly number[], most: number): Goal => ({
        what,
        figure: figureOf(values),
        goal: `p50 ≤ ${most} ms`,
        isMet: median(values) <= most,
      });
      return [
        goal(
          `a call of ${entries.length.toLocaleString('en-US')} entries open in the page (${times} times)`,
          took.map(({ shown: ms }) => ms),
          OPENED_MS,
        ),
        {
          what: 'the same until its machine was walked again, for the deadlines and the memory at its end',
          figure: figureOf(took.map(({ walked }) => walked)),
          goal: '—',
          isMet: true,
        },
        goal(
          `a step by key from transition to transition, until the frame that shows its states (${steps.length} steps; a frame is 17 ms)`,
          steps,
          STEP_MS,
        ),
      ];
    } finally {
      await browser.close();
      await inspector.kill();
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const figureOf = (values: readonly number[]): string =>
  `p50 ${shown(median(values))} ms, p99 ${shown(percentile(values, 0.99))} ms`;
