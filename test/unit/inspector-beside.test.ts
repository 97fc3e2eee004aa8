/** The inspector as a child of the keeper: it may die, and it is gone when the keeper is. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { takeOwn } from '../../src/cli/keeper-options.ts';
import { startBeside } from '../../src/inspector/beside.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lastword-beside-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const isThere = (pid: number): boolean => {
  try {
    // One that has ended and was not yet asked for counts as gone.
    return !/\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
};
const script = (text: string): string => {
  const path = join(folder, `${Math.random()}.mjs`);
  writeFileSync(path, text);
  return path;
};
const logged = () => {
  const lines: string[] = [];
  const say = (_fields: object, message: string) => void lines.push(message);
  return { lines, log: { info: say, warn: say } as never };
};
const main = new URL('../../dist/src/cli/main.js', import.meta.url).pathname;

it('one that dies is started again, and nobody is told more than that', async () => {
  const { lines, log } = logged();
  const command = { file: process.execPath, args: [script('setTimeout(() => process.exit(1), 20)')] };
  const beside = startBeside({ command, log, firstPauseMs: 20 });
  await expect
    .poll(() => lines.filter((line) => line === 'inspector started').length, { timeout: 10_000 })
    .toBeGreaterThan(2);
  expect(lines).toContain('the inspector has ended, calls go on; it is started again');
  beside.stop();
});

it.each([
  ['whose settings are wrong', 'process.exit(78)'],
  ['that cannot be started', undefined],
])('one %s harms nobody', async (_what, text) => {
  const { lines, log } = logged();
  const command =
    text === undefined ? { file: '/nowhere/node', args: [] } : { file: process.execPath, args: [script(text)] };
  const beside = startBeside({ command, log, firstPauseMs: 60_000 });
  await expect.poll(() => lines.at(-1), { timeout: 10_000 }).toMatch(/^the inspector has ended, calls go on/);
  beside.stop();
});

it('one that is told to end ends, and its address is printed where the output of the keeper goes', async () => {
  const { log } = logged();
  const command = {
    file: process.execPath,
    args: [main, 'inspect', '--json', '--port', '0'],
    environment: { LASTWORD_DIR: folder },
  };
  const beside = startBeside({ command, log });
  const { pid = 0 } = beside;
  await expect.poll(() => isThere(pid)).toBe(true);
  beside.stop();
  await expect.poll(() => isThere(pid), { timeout: 5_000 }).toBe(false);
});

it('a keeper that is killed leaves no inspector behind', async () => {
  const keeper = script(`
    import { startBeside } from ${JSON.stringify(new URL('../../dist/src/inspector/beside.js', import.meta.url).href)};
    const log = { info: () => {}, warn: () => {} };
    const args = [${JSON.stringify(main)}, 'inspect', '--json', '--port', '0'];
    const beside = startBeside({ command: { file: process.execPath, args }, log });
    console.log(beside.pid);
    setInterval(() => {}, 1000);
  `);
  const child = spawn(process.execPath, [keeper], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, LASTWORD_DIR: folder },
  });
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (printed += chunk));
  await expect.poll(() => printed, { timeout: 15_000 }).toMatch(/"url":"http:\/\/127\.0\.0\.1:\d+\/#code=/);
  const pid = Number.parseInt(printed, 10);
  expect(isThere(pid)).toBe(true);
  child.kill('SIGKILL');
  await expect.poll(() => isThere(pid), { timeout: 5_000 }).toBe(false);
}, 30_000);

it('options of the keeper stand anywhere, and the rest goes to the agent file as it was', () => {
  expect(takeOwn(['agent.js', '--inspect', '--log-level', 'debug', '--metrics-port', '9464'], {})).toEqual({
    isInspected: true,
    metricsPort: 9464,
    rest: ['agent.js', '--log-level', 'debug'],
  });
  expect(takeOwn(['agent.js', '--metrics-port=0', '--inspector'], { LASTWORD_METRICS_PORT: '1' })).toEqual({
    isInspected: false,
    metricsPort: 0,
    rest: ['agent.js', '--inspector'],
  });
  expect(takeOwn(['agent.js'], { LASTWORD_METRICS_PORT: '9464' }).metricsPort).toBe(9464);
  expect(() => takeOwn(['agent.js'], { LASTWORD_METRICS_PORT: 'x' })).toThrow(/LASTWORD_METRICS_PORT: expected a port/);
  expect(() => takeOwn(['agent.js', '--metrics-port'], {})).toThrow(/expected a port, got nothing/);
});
