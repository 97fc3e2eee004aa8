/** `lastword start --inspect --metrics-port`, as an operator starts it, over a stand-in for the worker. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

const built = (path: string) => new URL(`../../dist/${path}`, import.meta.url).pathname;
let directory: string;
let keeper: ChildProcess;
let printed = '';
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'lastword-started-'));
  const given = ['start', built('test/unit/metrics-worker-process.js'), '--inspect', '--metrics-port', '0'];
  keeper = spawn(process.execPath, [built('src/cli/main.js'), ...given], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, LASTWORD_DIR: directory, LASTWORD_STORE: '' },
  });
  keeper.stdout?.setEncoding('utf8').on('data', (chunk: string) => (printed += chunk));
});
afterAll(async () => {
  const gone = new Promise((resolve) => keeper.once('exit', resolve));
  if (keeper.exitCode === null && keeper.signalCode === null) {
    keeper.kill('SIGKILL');
    await gone;
  }
  rmSync(directory, { recursive: true, force: true });
});

const lines = () =>
  printed
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { msg: string; url?: string; inspectorPid?: number; metricsPort?: number });
const addresses = () => lines().flatMap(({ url = '' }) => (url.includes('#code=') ? [url] : []));
const pids = () => lines().flatMap(({ inspectorPid }) => inspectorPid ?? []);
const isThere = (pid: number): boolean => {
  try {
    return !/\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
};
const status = async (url: string) => (await fetch(url).catch(() => ({ status: 0 }))).status;
const patience = { timeout: 30_000 };

it('the inspector is beside the keeper: killed, it is back, its token is the same, and no call has noticed', async () => {
  await expect.poll(() => addresses().length, patience).toBe(1);
  await expect
    .poll(() => lines().find(({ metricsPort }) => metricsPort !== undefined)?.metricsPort, patience)
    .toBeDefined();
  const port = lines().find(({ metricsPort }) => metricsPort !== undefined)?.metricsPort;
  const ready = () => status(`http://127.0.0.1:${port}/readyz`);
  await expect.poll(ready, patience).toBe(200);
  const page = () => (addresses().at(-1) ?? '').split('#')[0] ?? '';
  expect(await status(page())).not.toBe(0);
  const token = readFileSync(join(directory, 'inspector-token'), 'utf8');
  const [pid = 0] = pids();
  expect(isThere(pid)).toBe(true);
  process.kill(pid, 'SIGKILL');
  await expect.poll(() => addresses().length, patience).toBe(2);
  expect(readFileSync(join(directory, 'inspector-token'), 'utf8')).toBe(token);
  const list = await fetch(`${page()}api/read/calls`, { headers: { authorization: `Bearer ${token}` } });
  expect(list.status).toBe(200);
  const { rows } = (await list.json()) as { rows: { session: string; state: string }[] };
  expect(rows).toMatchObject([{ session: 'AJ_1', state: 'living' }]);
  expect(await ready()).toBe(200);
  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  expect(metrics).toContain('lastword_calls{state="running"} 1\n');
  expect(metrics).toContain('lastword_calls_accepted_total 1\n');
  expect(metrics).not.toMatch(/lastword_recoveries_total\{/);
}, 120_000);

it('it ends with its keeper', async () => {
  const pid = pids().at(-1) ?? 0;
  expect(isThere(pid)).toBe(true);
  keeper.kill('SIGKILL');
  await expect.poll(() => isThere(pid), patience).toBe(false);
}, 60_000);
