/** From `npm start` to the page with a lit state; what builds is apart. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compiled } from '../../e2e/harness/index.ts';
import type { Browser } from 'playwright-core';
import { openBrowser, openWindow } from '../../page/browser.ts';
import { median, shown } from '../figures.ts';
import type { Goal } from '../keeper/part.ts';

const TIMES = 5;
const GOAL_MS = 5_000;
const LATEST_MS = 40_000;

export async function startPart(much: number): Promise<Goal[]> {
  const browser = await openBrowser(); // whoever opens a page has one
  const took: number[] = [];
  try {
    for (let round = 0; round < Math.max(2, Math.round(TIMES * much)); round += 1) took.push(await startedIn(browser));
  } finally {
    await browser.close();
  }
  return [
    {
      what: `\`npm start\` → the page with a lit state, in a browser that is open (${took.length} times)`,
      figure: `median ${shown(median(took) / 1_000, 1)} s, worst ${shown(Math.max(...took) / 1_000, 1)} s`,
      goal: `≤ ${GOAL_MS / 1_000} s`,
      isMet: median(took) <= GOAL_MS,
    },
  ];
}

async function startedIn(browser: Browser): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'lastword-bench-start-'));
  const { LIVEKIT_URL: _, LIVEKIT_API_KEY: __, LIVEKIT_API_SECRET: ___, ...env } = process.env;
  const began = performance.now();
  const child = spawn(process.execPath, [compiled('src/cli/start-here.ts')], {
    env: {
      ...env,
      LASTWORD_DIR: directory,
      LASTWORD_STORE: `sqlite:${join(directory, 'lastword.db')}`,
      LASTWORD_TERMINAL: '1',
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  try {
    const address = await new Promise<string>((resolve, reject) => {
      let text = '';
      setTimeout(() => reject(new Error(`no address; it said: ${text}`)), LATEST_MS).unref();
      child.stdout.on('data', (part: Buffer) => {
        text += part.toString();
        const found = /http:\S+#code=[\w-]+(?=\s)/.exec(text)?.[0];
        if (found !== undefined) resolve(found);
      });
    });
    const { page } = await openWindow(browser, address);
    await page.locator('.chart-window .lit').first().waitFor({ timeout: LATEST_MS });
    const took = performance.now() - began;
    await page.context().close();
    return took;
  } finally {
    child.kill('SIGINT'); // the call ends in order, and whatever it started with it
    const late = setTimeout(() => child.kill('SIGKILL'), LATEST_MS);
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    clearTimeout(late);
    rmSync(directory, { recursive: true, force: true });
  }
}
