/** The list of ten thousand living calls, scrolled: real rows, real journals, some of which go on being written. */
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lineOf } from '../../../src/journal/line.ts';
import type { Entry } from '../../../src/journal/entry.ts';
import { openStore } from '../../../src/store/open.ts';
import { inspectorOf, openBrowser, openWindow } from '../../page/browser.ts';
import { percentile, shown } from '../figures.ts';
import type { Goal } from '../keeper/part.ts';
import { putLivingCalls } from '../living-calls.ts';

const CALLS = 10_000;
const FRAMES = 600;
/** Of a frame at 60 a second; what takes longer than one and a half was seen to stutter. */
const FRAME_MS = 1_000 / 60;
const GOAL_FRAMES = 60;
const WRITTEN_EVERY_MS = 100;
const ALL_SHOWN_MS = 60_000;
const LOOK_MS = 200;

type Frames = { at: number[]; rows: number };

/** The list is moved by ten rows each frame, as a wheel does that is turned quickly. */
const scrolled = (frames: number) => `new Promise((resolve) => {
  const list = document.querySelector('.call-rows');
  list.scrollTop = 0;
  const at = [];
  const step = (now) => {
    at.push(now);
    list.scrollTop += 400;
    at.length <= ${frames} ? requestAnimationFrame(step) : resolve({ at, rows: list.querySelectorAll('.call-row').length });
  };
  requestAnimationFrame(step);
})`;

export async function listPart(much: number): Promise<Goal[]> {
  const directory = mkdtempSync(join(tmpdir(), 'lastword-bench-list-'));
  const frames = Math.max(60, Math.round(FRAMES * much));
  try {
    await (await openStore(`sqlite:${join(directory, 'lastword.db')}`)).close();
    putLivingCalls(directory, CALLS);
    const [inspector, browser] = await Promise.all([inspectorOf(directory), openBrowser()]);
    try {
      const { page } = await openWindow(browser, inspector.address);
      await page.locator('.call-link').first().waitFor({ timeout: ALL_SHOWN_MS });
      const shownRows = () => page.locator('.call-table').getAttribute('aria-rowcount').then(Number);
      const deadline = Date.now() + ALL_SHOWN_MS;
      while ((await shownRows()) <= CALLS) {
        if (Date.now() > deadline) throw new Error(`expected ${CALLS} rows, got ${await shownRows()}`);
        await page.evaluate(`document.querySelector('.call-rows').scrollTop = 1e9`);
        await page.waitForTimeout(LOOK_MS);
      }
      const calm = (await page.evaluate(scrolled(frames))) as Frames;
      let seq = 3;
      const writing = setInterval(() => goOn(directory, (seq += 1)), WRITTEN_EVERY_MS);
      const busy = (await page.evaluate(scrolled(frames))) as Frames;
      clearInterval(writing);
      return [
        goalOf(`list of ${CALLS.toLocaleString('en-US')} living calls, scrolled by ten rows a frame`, calm),
        goalOf(`the same while ${1_000 / WRITTEN_EVERY_MS} calls a second go on`, busy),
      ];
    } finally {
      await browser.close();
      await inspector.kill();
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** One call after the other is heard, or no longer: the list is another each time. */
function goOn(directory: string, seq: number): void {
  const place = ((seq * 7) % CALLS) + 1;
  const change = place % 2 === 0 ? 'ends' : 'begins';
  const entry = { seq: 4, at: Date.now(), kind: 'audible', data: { who: 'agent', change, speech: 's' } } as Entry;
  appendFileSync(join(directory, 'sessions', `AL_${place}`, '1.jsonl'), lineOf(entry));
}

function goalOf(what: string, { at }: Frames): Goal {
  const each = at.slice(1).map((time, index) => time - (at[index] ?? time));
  const seconds = ((at.at(-1) ?? 0) - (at[0] ?? 0)) / 1_000;
  const perSecond = each.length / seconds;
  const late = each.filter((ms) => ms > FRAME_MS * 1.5).length;
  return {
    what,
    figure: `${shown(perSecond, 1)} frames a second, p99 ${shown(percentile(each, 0.99), 1)} ms, ${late} of ${each.length} late`,
    goal: `${GOAL_FRAMES} frames a second`,
    isMet: Math.round(perSecond) >= GOAL_FRAMES,
  };
}
