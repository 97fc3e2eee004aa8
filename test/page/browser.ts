/** A real Chromium before a real inspector, which is a process of its own, as `lastword inspect` starts it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { chromium, type Browser, type BrowserContext, type BrowserContextOptions, type Page } from 'playwright-core';
import { compiled } from '../e2e/harness/index.ts';
import { chromiumPath } from './setup.ts';

const STARTED_MS = 40_000;

export type Inspected = {
  port: number;
  /** Lets one browser in, once; a new one after each restart. */
  address: string;
  /** As a crash: nothing is said to anybody. */
  kill(): Promise<void>;
};

/** *Effect.* @param port 0: any */
export async function inspectorOf(directory: string, port = 0, more: readonly string[] = []): Promise<Inspected> {
  const child: ChildProcess = spawn(
    process.execPath,
    [compiled('src/cli/main.ts'), 'inspect', '--port', String(port), ...more],
    {
      env: { ...process.env, LASTWORD_DIR: directory, LASTWORD_STORE: `sqlite:${join(directory, 'lastword.db')}` },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  const address = await new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no address within ${STARTED_MS / 1_000} s`)), STARTED_MS);
    lines.on('line', (line) => {
      const found = /http:\S+#code=\S+/.exec(line)?.[0];
      if (found === undefined) return;
      clearTimeout(timer);
      resolve(found);
    });
    child.once('exit', (code) => reject(new Error(`the inspector ended with ${code} before it had an address`)));
  });
  return {
    port: Number(new URL(address).port),
    address,
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

/** @param more arguments of Chromium */
export const openBrowser = (more: readonly string[] = []): Promise<Browser> =>
  chromium.launch({
    executablePath: chromiumPath(),
    args: [...(process.getuid?.() === 0 ? ['--no-sandbox'] : []), '--disable-gpu', ...more],
    timeout: STARTED_MS,
  });

export type Opened = {
  page: Page;
  /** Whatever the page complained of; a test that expects nothing looks here. */
  complaints: string[];
  /** Requests to anybody else than this inspector. */
  strangers: string[];
};

/** A window of its own, with what it asks and what goes wrong in it written down. */
export async function openWindow(
  browser: Browser,
  address: string,
  options: BrowserContextOptions = {},
  own?: BrowserContext,
): Promise<Opened> {
  const context = own ?? (await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options }));
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const { host } = new URL(address);
  const [complaints, strangers]: [string[], string[]] = [[], []];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (url.protocol !== 'data:' && url.protocol !== 'blob:' && url.host !== host) strangers.push(request.url());
  });
  await page.goto(address);
  return { page, complaints, strangers };
}

/** Another view of the page that is open. */
export const goTo = (page: Page, hash: string): Promise<unknown> =>
  page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
