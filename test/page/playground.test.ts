/** Beside `npm start`: the buttons that kill, by keyboard, in a real browser before a real call. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Browser, Page } from 'playwright-core';
import { environmentOf } from '../docs/npm-start.ts';
import { compiled, until } from '../e2e/harness/index.ts';
import { goTo, openBrowser, openWindow } from './browser.ts';

const PATIENCE_MS = 60_000;

let directory: string;
let call: ChildProcess;
let output = '';
let browser: Browser;
let page: Page;

const printed = (what: RegExp): Promise<unknown> =>
  until(
    `the terminal to print ${what.source}`,
    async () => what.test(output),
    PATIENCE_MS,
    async () => output,
  );

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'lastword-playground-'));
  call = spawn(process.execPath, [compiled('src/cli/start-here.ts')], {
    env: environmentOf(directory, { LASTWORD_TERMINAL: '1' }),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  for (const stream of [call.stdout, call.stderr]) stream?.on('data', (part: Buffer) => (output += part.toString()));
  browser = await openBrowser();
  await printed(/http:\S+#code=\S+/);
  await printed(/line +greeting [^\n]*\n/);
  ({ page } = await openWindow(browser, /http:\S+#code=\S+/.exec(output)?.[0] ?? ''));
  await page.locator('.chart-window .lit').first().waitFor({ timeout: PATIENCE_MS }); // it opens at the call
});
afterAll(async () => {
  await browser?.close();
  const isOver = () => call === undefined || call.exitCode !== null || call.signalCode !== null;
  const late = setTimeout(() => call?.kill('SIGKILL'), PATIENCE_MS);
  if (!isOver()) call.kill('SIGINT');
  if (!isOver()) await once(call, 'exit');
  clearTimeout(late);
  rmSync(directory, { recursive: true, force: true });
});

/** As one without a mouse: forwards until it has the focus, then Enter. */
async function press(button: string): Promise<void> {
  const wanted = page.getByRole('group', { name: 'kill -9' }).getByRole('button', { name: button });
  await page.getByRole('textbox', { name: 'Say something to the agent' }).focus();
  for (let pressed = 0; pressed < 60; pressed += 1) {
    await page.keyboard.press('Tab');
    if (await wanted.evaluate((one) => one === one.ownerDocument.activeElement)) break;
  }
  await page.keyboard.press('Enter');
  await page.getByText(`✓ /kill ${button}`).waitFor();
}

test(
  'keeper, job and worker are killed by keyboard, and the page shows that the call goes on',
  async () => {
    const session = /job +(terminal-\w+), process/.exec(output)?.[1] ?? 'no session was printed';
    await goTo(page, `#/call/${session}?density=entries`);
    await page.locator('.chart-window .lit').first().waitFor();

    await press('keeper');
    await printed(/the next keeper runs/);

    await printed(/A spare process is warm/);
    await press('job');
    await printed(/the call goes on: epoch 2 is heard/);
    await page.getByText('the call goes on: epoch 2 is heard').first().waitFor();

    await press('worker');
    await printed(/the call goes on: epoch 3 is heard/);
    await page.getByText('the call goes on: epoch 3 is heard').first().waitFor();
    expect(await page.locator('.pill', { hasText: 'over' }).count()).toBe(0);

    await page.getByRole('button', { name: 'hang up' }).click();
    await page.locator('.pill', { hasText: 'over' }).waitFor();
    await printed(/delivered, signature verified[^]*until you end this/);
  },
  3 * PATIENCE_MS,
);
