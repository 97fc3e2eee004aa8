/**
 * A real call on a real server, watched in a real browser: what is lit is what the journal says, and whoever watches loses
 * nothing when the keeper is killed under it.
 */
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { Browser, Page } from 'playwright-core';
import type { Entry } from '../../src/journal/entry.ts';
import { deploy, type Deployment, until } from '../e2e/harness/index.ts';
import { ANSWER, GOODBYE, greeted, PATIENCE_MS, patient, QUESTION, type Greeted } from '../e2e/processes/calls.ts';
import { goTo, inspectorOf, openBrowser, openWindow, type Inspected } from './browser.ts';

/** How soon an answer is there is measured elsewhere: beside a browser, on a busy machine, it takes what it takes. */
const ANSWER_MS = 60_000;
const TIMEOUT_MS = 200_000;

let deployment: Deployment;
let inspector: Inspected;
let browser: Browser;
let page: Page;
let call: Greeted;

beforeAll(async () => {
  deployment = await deploy(inject('livekit'), { goodbye: { say: GOODBYE }, policy: patient });
  [inspector, browser] = await Promise.all([inspectorOf(deployment.directory), openBrowser()]);
  ({ page } = await openWindow(browser, inspector.address));
  call = await greeted(deployment);
  const session = (await deployment.journalOf(call.name))?.session ?? '';
  await goTo(page, `#/call/${session}?density=entries`);
  await page.locator('.chart-window .lit').first().waitFor();
  await page.evaluate(watchLit);
});
afterAll(async () => {
  await call?.caller[Symbol.asyncDispose]();
  await browser?.close();
  await inspector?.kill();
  await deployment?.[Symbol.asyncDispose]();
});

/** Each set of states that was ever lit, in order. */
const watchLit = `(() => {
  window.litSeen = [];
  const look = () => {
    const lit = [...document.querySelectorAll('.chart-window .lit')].map(({ id }) => id).sort().join(' ');
    if (lit !== window.litSeen.at(-1)) window.litSeen.push(lit);
  };
  look();
  new MutationObserver(look).observe(document.querySelector('.chart-window'), { subtree: true, attributes: true });
})()`;
const litSeen = () => page.evaluate('window.litSeen') as Promise<string[]>;

const journal = async (): Promise<{ file: string; entry: Entry }[]> => {
  const { epochs = [], keeper = [] } = (await deployment.journalOf(call.name)) ?? {};
  return [
    ...epochs.flatMap(({ epoch, entries }) => entries.map((entry) => ({ file: String(epoch), entry }))),
    ...keeper.map((entry) => ({ file: 'keeper', entry })),
  ];
};
/** As the chart has them: one set of ids for each transition of the session machine. */
const walked = async (): Promise<string[]> =>
  (await journal()).flatMap(({ entry: { kind, data } }) =>
    kind === 'transition' && data.machine === 'session' ? [[...data.to].map(idOf).sort().join(' ')] : [],
  );
const idOf = (state: string): string => state.replaceAll('.', '_');

/** One turn, as the journal has it. */
const asks = async (): Promise<void> => {
  const answers = async () =>
    (await journal()).filter(({ entry: { kind, data } }) => kind === 'item' && data.text === ANSWER).length;
  const before = await answers();
  await call.caller.say(call.lab, QUESTION);
  await until('an answer in the journal', async () => (await answers()) > before, ANSWER_MS);
};

/** Once nothing has been written for a moment: the page stands where the journal stands. */
const expectSame = async (): Promise<void> => {
  await expect
    .poll(async () => (await litSeen()).at(-1) === (await walked()).at(-1), { timeout: ANSWER_MS })
    .toBe(true);
};

/** References of all rows, in their order: the list is scrolled through. */
const shownRefs = async (): Promise<string[]> => {
  const refs = (await page.evaluate(`(async () => {
    const list = document.querySelector('.entry-rows');
    const found = new Map();
    const frame = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    for (let top = 0; ; top += list.clientHeight / 2) {
      list.scrollTop = top;
      await frame();
      for (const row of list.querySelectorAll('.entry-row')) found.set(row.id, row.title.split(' ')[0]);
      if (top > list.scrollHeight) break;
    }
    return [...found].map(([id, ref]) => [Number(id.slice('entry-'.length)), ref]);
  })()`)) as [number, string][];
  return refs.sort(([one], [other]) => one - other).map(([, ref]) => ref);
};
const expectEachOnce = async (): Promise<void> => {
  const once = async () => {
    const [shown, written] = [await shownRefs(), (await journal()).map(({ file, entry }) => `${file}:${entry.seq}`)];
    return JSON.stringify(shown.toSorted()) === JSON.stringify(written.toSorted()) ? 'the same' : { shown, written };
  };
  await expect.poll(once, { timeout: ANSWER_MS, interval: 500 }).toBe('the same');
};

test('while the call talks, the states that are lit are those of its journal', { timeout: TIMEOUT_MS }, async () => {
  await asks();
  await expectSame();
});

test(
  'kill -9 of the keeper under the watching page, and its restart: no entry is lost, none is there twice',
  { timeout: TIMEOUT_MS },
  async () => {
    deployment.signal('SIGKILL');
    await deployment.ended(PATIENCE_MS);
    await asks(); // nobody supervises, and the page goes on
    await expectSame();
    await expectEachOnce();
    await deployment.restart();
    await expectSame();
    await expectEachOnce();
  },
);

test('the call ends, and all that was lit was walked, in that order', { timeout: TIMEOUT_MS }, async () => {
  await call.caller.leave();
  await expect.poll(() => page.locator('.why').textContent(), { timeout: PATIENCE_MS }).toContain('caller_hung_up');
  await deployment.reportOf(call.name, PATIENCE_MS);
  await expectEachOnce();
  const [seen, steps] = [await litSeen(), await walked()];
  let from = 0;
  // States that came within one handful of news are one change: what was lit is a part of the way, in its order.
  for (const lit of seen) {
    const found = steps.indexOf(lit, from);
    expect(found, `lit, and not walked behind step ${from}: ${lit}`).toBeGreaterThanOrEqual(0);
    from = found;
  }
  expect(seen.length).toBeGreaterThan(8);
  expect(seen.at(-1)).toBe(steps.at(-1));
});
