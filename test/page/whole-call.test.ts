/** A call that is over, in a real browser: what a first look shows, and each way through it. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Browser, Page } from 'playwright-core';
import { replay } from '../../machines/analysis/replay.ts';
import type { Entry } from '../../src/journal/entry.ts';
import { build as machinesBuild } from '../../src/session/machines-build.ts';
import { goTo, inspectorOf, openBrowser, openWindow, type Inspected, type Opened } from './browser.ts';
import { storedCalls, type StoredCalls } from './stored-calls.ts';

let calls: StoredCalls;
let inspector: Inspected;
let browser: Browser;
let opened: Opened;
let page: Page;

beforeAll(async () => {
  calls = await storedCalls();
  [inspector, browser] = await Promise.all([inspectorOf(calls.directory), openBrowser()]);
  opened = await openWindow(browser, inspector.address);
  page = opened.page;
  await page.locator('.call-row', { hasText: 'talks' }).waitFor();
});
afterAll(async () => {
  await browser?.close();
  await inspector?.kill();
  calls?.remove();
});

const openCall = async (session: string, more = '') => {
  await goTo(page, `#/call/${session}${more}`);
  await page.locator('.why h1').waitFor();
  await page.locator('.entry-row').first().waitFor();
};
const inOrder = (names: readonly string[]): string[] => [...names].sort((one, other) => (one < other ? -1 : 1));
/** The ids of the shapes that are lit. */
const lit = async (): Promise<string[]> =>
  inOrder(await page.locator('.chart-window .lit').evaluateAll((shapes) => shapes.map((shape) => shape.id)));
const here = () => page.locator('.lanes-surface').getAttribute('aria-valuenow').then(Number);

test('the address loses its code, and a second browser is not let in by it', async () => {
  expect(page.url()).not.toContain('code=');
  const second = await openWindow(browser, inspector.address);
  await second.page.getByText('expected one that was not used yet').waitFor();
  await second.page.context().close();
});

test('a tab that is opened beside it is let in without a code', async () => {
  const beside = await page.context().newPage();
  await beside.goto(`http://127.0.0.1:${inspector.port}/#/ledger`);
  await beside.getByRole('heading', { name: 'Ledger' }).waitFor();
  await beside.close();
});

test('why did it end: one sentence, and each word that has a proof leads to that entry', async () => {
  await openCall('talks');
  await expect.poll(() => page.locator('.why h1').textContent()).toContain('caller');
  await page.locator('a.why-word', { hasText: 'caller_hung_up' }).click();
  await expect.poll(() => page.url()).toMatch(/ref=1%3A\d+/);
  const ref = new URL(page.url().replace('#/', '')).searchParams.get('ref') ?? '';
  const proof = calls.talks.find(({ seq }) => seq === Number(ref.slice(2))) as Entry;
  await page.locator('.whole h2', { hasText: ref }).waitFor();
  expect(await page.locator('.whole h2').textContent()).toContain(proof.kind);
});

test('who was audible stands on lanes, and a silence beyond the bound is marked with its length', async () => {
  await openCall('silent');
  await page.locator('.lane-silence .span.tone-bad').first().waitFor();
  const text = await page.locator('.lane-silence .span.tone-bad text').first().textContent();
  expect(text).toMatch(/^✕ 1\d s › 10 s$/);
  expect(await page.locator('.lane-caller .span').count()).toBe(2);
  expect(await page.locator('.lanes-head').textContent()).toContain('too long');
});

test('the death of a process crosses all lanes', async () => {
  await openCall('crashed');
  await page.locator('.death line').waitFor({ state: 'attached' });
  const [line, lanes] = await Promise.all([
    page.locator('.death line').boundingBox(),
    page.locator('.lanes-surface').boundingBox(),
  ]);
  expect(line?.height).toBeGreaterThan((lanes?.height ?? 0) * 0.85);
});

test('at each entry the lit states are those of the replay', async () => {
  await openCall('talks', '?density=entries&at=0');
  const [walked] = replay(calls.talks, machinesBuild);
  const steps = walked?.steps ?? [];
  expect(steps.length).toBeGreaterThan(10);
  const last = calls.talks.length - 1;
  for (let index = 3; index <= last; index += 3) {
    const seq = calls.talks[index]?.seq ?? 0;
    const states = steps.findLast((step) => step.seq <= seq)?.states ?? [];
    await goTo(page, `#/call/talks?density=entries&at=${index}`);
    const expected = inOrder(states.map((state) => state.replaceAll('.', '_')));
    await expect.poll(lit, { message: `at entry ${index}`, timeout: 15_000 }).toEqual(expected);
  }
});

test('what is lit is in view, and so is the transition that was just taken', async () => {
  await openCall('talks', '?at=20');
  await page.locator('.moved-head').first().waitFor({ state: 'attached' });
  const window = await page.locator('.chart-window').boundingBox();
  // Regions that rest may be out of view where all would be too small to read.
  const moving = '.chart-window .lit:not([id$="_none"], [id$="_open"]) > rect';
  for (const shape of await page.locator(moving).all()) {
    const box = await shape.boundingBox();
    expect(box?.x).toBeGreaterThanOrEqual((window?.x ?? 0) - 2);
    expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual((window?.x ?? 0) + (window?.width ?? 0) + 2);
  }
});

test('deadlines stand as bars with what was left of them, and nothing is said to be executed', async () => {
  const index = calls.talks.findIndex(({ kind, data }) => kind === 'event' && data.type === 'caller.waits') + 1;
  await openCall('talks', `?at=${index}`);
  await page.locator('.limits progress').first().waitFor();
  expect(await page.locator('.limits').first().textContent()).toMatch(/left of/);
  expect(await page.locator('.now-at').textContent()).toContain('nothing is executed again');
});

test('keys go from entry to entry, transition to transition, turn to turn, and back to the end', async () => {
  await openCall('talks', '?density=entries&at=5');
  await page.locator('h1').click();
  await page.keyboard.press('ArrowRight');
  await expect.poll(here).toBe(6);
  await page.keyboard.press('ArrowLeft');
  await expect.poll(here).toBe(5);
  const kinds = calls.talks.map(({ kind }) => kind);
  await page.keyboard.press('Shift+ArrowRight');
  await expect.poll(here).toBe(kinds.indexOf('transition', 6));
  await page.keyboard.press(']');
  await expect.poll(here).toBe(kinds.indexOf('item'));
  await page.keyboard.press('Escape');
  await expect.poll(here).toBe(calls.talks.length - 1);
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keys' }).waitFor();
  await page.keyboard.press('Escape');
});

test('keys are silent while somebody types', async () => {
  await openCall('talks', '?density=entries&at=5');
  await page.keyboard.press('/');
  await page.keyboard.type('a[?');
  await page.keyboard.press('ArrowLeft');
  expect(await here()).toBe(5);
  expect(await page.getByRole('dialog').count()).toBe(0);
  await page.keyboard.press('Escape');
});

test('three densities of one history; later entries are dimmed', async () => {
  await openCall('talks', '?density=story&at=20');
  const count = async () => Number((await page.locator('.count').textContent())?.replace(/\D/g, ''));
  await expect.poll(count).toBeGreaterThan(3);
  const story = await count();
  await page.getByRole('tab', { name: 'steps' }).click();
  await expect.poll(count).toBeGreaterThan(story);
  const steps = await count();
  await page.getByRole('tab', { name: 'entries' }).click();
  await expect.poll(count).toBeGreaterThan(steps);
  expect(await count()).toBe(calls.talks.length);
  const later = page.locator('.entry-row.is-later').first();
  expect(await later.getAttribute('id')).toBe('entry-21');
});

test('the filter stands in the address, says what it hides, and the back button leads out of it', async () => {
  await openCall('talks', '?density=entries');
  await page.getByRole('searchbox', { name: 'Filter entries' }).fill('kind:item');
  await expect.poll(() => page.url()).toContain('filter=kind%3Aitem');
  await expect.poll(() => page.locator('.entry-row').count()).toBe(3);
  expect(await page.locator('.entries .hides').textContent()).toContain(`${calls.talks.length - 3} rows`);
  await page.goBack();
  await expect.poll(() => page.url()).not.toContain('filter=');
  await expect.poll(() => page.locator('.entry-row').count()).toBeGreaterThan(10);
});

test('a filter that is none says what was expected', async () => {
  await openCall('talks', '?filter=colour%3Ared');
  await page.getByText('expected one of kind:').waitFor();
});

test('names and texts of strangers are texts', async () => {
  await openCall('hostile', '?density=entries');
  await page.getByRole('tab', { name: 'said' }).click();
  await page.getByText('<img src=x onerror').first().waitFor();
  expect(await page.locator('main img, main script').count()).toBe(0);
  expect(await page.title()).not.toContain('owned');
});

test('two calls stand side by side, and the first difference is marked', async () => {
  await goTo(page, '#/diff/talks/AJ_7Qd2');
  await page.locator('.diff-row.is-first').waitFor();
  expect(await page.locator('.diff-row.is-first .diff-sign').getAttribute('aria-label')).toBe('first difference');
});

test('an event that is left out leads another way, which is shown', async () => {
  await openCall('talks', '?panel=test');
  await page.getByRole('button', { name: 'leave out caller.waits' }).first().click();
  await page.locator('.other-path .is-other').first().waitFor();
  await page.getByRole('button', { name: 'As it was' }).click();
  await expect.poll(() => page.locator('.other-path').count()).toBe(0);
});

test('the ledger adds up what was accepted, sealed and delivered', async () => {
  await goTo(page, '#/ledger');
  await page.locator('.figure').first().waitFor();
  expect(await page.locator('.figure').count()).toBe(3);
});

test('a call that is not there is said to be not there', async () => {
  await goTo(page, '#/call/nobody');
  await page.locator('main .tone-bad').first().waitFor();
  expect(await page.locator('main').textContent()).toContain('nobody');
});

test('nobody else was asked for anything, and the page complained of nothing', () => {
  expect(opened.strangers).toEqual([]);
  // What the server refuses on purpose (a filter, a call that is not there) is an answer.
  expect(opened.complaints.filter((text) => !/status of (400|404)/.test(text))).toEqual([]);
});
