/** What docs/inspector.md says of five calls, walked: from the list on, so many clicks, and there the words stand. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Browser, Page } from 'playwright-core';
import { repositoryRoot } from '../docs/repository.ts';
import { goTo, inspectorOf, openBrowser, openWindow, type Inspected } from './browser.ts';
import { fiveCalls, type FiveCalls } from './five-calls.ts';

/** One that is not found is not there; a machine that is busy takes seconds. */
const FOUND_MS = 10_000;

let calls: FiveCalls;
let inspector: Inspected;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  calls = await fiveCalls();
  [inspector, browser] = await Promise.all([inspectorOf(calls.directory), openBrowser()]);
  ({ page } = await openWindow(browser, inspector.address));
  page.setDefaultTimeout(FOUND_MS);
});
afterAll(async () => {
  await browser?.close();
  await inspector?.kill();
  calls?.remove();
});

type Question = { name: string; tab: string; at: string };
const questions: readonly Question[] = [
  { name: 'why did it end?', tab: 'sent', at: '.why' },
  { name: 'how long did its caller sit in silence?', tab: 'state', at: '.lanes-head' },
  { name: 'what had the model been told?', tab: 'model', at: '.model-saw' },
];

/** By call and question: after so many clicks these words are read. */
type Promised = { call: string; question: Question; clicks: number; words: string[] };
const promised = ((): Promised[] => {
  const text = readFileSync(join(repositoryRoot(), 'docs/inspector.md'), 'utf8');
  const [section = ''] = text.split('### In how many clicks').slice(1).join('').split('\n**');
  const rows = section.split('\n').filter((line) => line.startsWith('| `'));
  return rows.flatMap((line) => {
    const [call = '', ...cells] = line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
    return cells.flatMap((cell, column) =>
      cell.split(';').map((part): Promised => {
        const [, clicks = ''] = /^\s*(\d): /.exec(part) ?? [];
        const words = [...part.matchAll(/`([^`]+)`/g)].map(([, said = '']) => said);
        return {
          call: call.replaceAll('`', ''),
          question: questions[column] as Question,
          clicks: Number(clicks),
          words,
        };
      }),
    );
  });
})();

test('the document names five calls, and three questions of each', () => {
  expect(new Set(promised.map(({ call }) => call)).size).toBe(5);
  for (const { name } of questions)
    expect(new Set(promised.filter(({ question }) => question.name === name).map(({ call }) => call)).size).toBe(5);
  for (const { words } of promised) expect(words.length).toBeGreaterThan(0);
});

test.each(promised.map((one) => [one.call, one.question.name, one.clicks, one] as const))(
  '%s: %s It stands there; clicks from the list: %i',
  async (call, _, clicks, { question, words }) => {
    await goTo(page, '#/');
    const row = page.locator('.call-row', { has: page.getByRole('link', { name: call, exact: true }) });
    await row.waitFor();
    let made = 0;
    const click = async (role: 'link' | 'tab', name: string) => {
      await page.getByRole(role, { name, exact: true }).click();
      made += 1;
    };
    if (clicks >= 1) await click('link', call);
    if (clicks >= 2) await click('tab', question.tab);
    const place =
      clicks === 0 ? row : page.locator(clicks === 2 && question.tab === 'sent' ? '.side .card' : question.at);
    // As it is drawn: what is folded away is another click.
    const drawn = async () => (await place.first().innerText()).replaceAll(/\s+/g, ' ');
    for (const said of words) await expect.poll(drawn, { timeout: FOUND_MS }).toContain(said);
    expect(made).toBe(clicks);
  },
);

test('a delivery says that it was signed, under which webhook-id, and that the receiver alone can tell whether it is right', async () => {
  await goTo(page, '#/call/not-delivered?panel=deliveries');
  const card = page.locator('.side .card');
  await expect.poll(() => card.textContent()).toContain('signed (v1) with its secret');
  expect(await card.textContent()).toMatch(/webhook-id rep_\S+: the same in each attempt/);
  expect(await card.textContent()).toContain('the receiver');
});
