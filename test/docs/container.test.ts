/** docs/examples/docker, without Docker: its numbers are those of the code, and its commands are commands. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { defaultPolicy } from '../../machines/index.ts';
import { repositoryRoot } from './repository.ts';

const read = (name: string) => readFileSync(path.join(repositoryRoot(), name), 'utf8');
const docker = read('docs/examples/docker/Dockerfile');
const compose = read('docs/examples/docker/compose.yaml');
const lines = docker.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
const one = (keyword: string): string[] =>
  lines.filter((line) => line.startsWith(`${keyword} `)).map((line) => line.slice(keyword.length + 1));
const at = (text: string): number => lines.findIndex((line) => line.includes(text));

test('what it runs of ours are commands of the worker, on the file that the settings of docs/installing.md write', () => {
  const settings = JSON.parse(
    [...read('docs/installing.md').matchAll(/^```json\n([\s\S]*?)^```/gm)].map(([, text]) => text ?? '')[1] ?? '{}',
  ) as { compilerOptions: { outDir: string } };
  const [, commands = ''] = /const workerCommands = \[([^\]]*)\]/.exec(read('src/worker/run-worker.ts')) ?? [];
  const known = [...commands.matchAll(/'([\w-]+)'/g)].map(([, name]) => name);
  const ran = [
    ...docker.matchAll(/node (dist\/agent\.js) ([\w-]+)/g),
    ...docker.matchAll(/"node", "([^"]+)", "([\w-]+)"\]$/gm),
  ];
  expect(ran.map(([, , command]) => command)).toEqual(['download-files', 'start']);
  for (const [, file, command] of ran) {
    expect(file).toBe(`${settings.compilerOptions.outDir}/agent.js`);
    expect(['start', ...known]).toContain(command);
  }
});

test('the user is not root, owns LASTWORD_DIR before it is a volume, and fetches the files for itself', () => {
  const directory = /LASTWORD_DIR=(\S+)/.exec(docker)?.[1];
  expect(one('USER')).toEqual(['node']);
  expect(one('VOLUME')).toEqual([directory]);
  expect(compose).toContain(`- lastword:${directory}`);
  const order = [at(`install -d -o node -g node -m 700 ${directory}`), at('USER'), at('download-files'), at('VOLUME')];
  expect(order).toEqual(order.toSorted((first, second) => first - second));
  expect(order[0]).toBeGreaterThan(0);
});

test('it is stopped by the signal that we take, and has the time of docs/deploying.md for it', () => {
  expect(one('STOPSIGNAL')).toEqual(['SIGTERM']);
  const [, seconds] = /stop_grace_period: (\d+)s/.exec(compose) ?? [];
  const { shutdownBudgetMs, probeMs, hangUpMs, sealMs } = defaultPolicy;
  const workerAndReportsMs = 2_000 + 5_000 + 10_000;
  expect(Number(seconds) * 1000).toBeGreaterThan(shutdownBudgetMs + probeMs + hangUpMs + sealMs + workerAndReportsMs);
  expect(read('docs/deploying.md')).toContain(`Give it **${seconds} seconds**`);
});

test('the health check asks the default port, and the command is Node itself', () => {
  const [, port] = /Default (\d+)\. \|/.exec(read('docs/cli.md').split('`LASTWORD_PORT` |')[1] ?? '') ?? [];
  expect(one('EXPOSE')).toEqual([port]);
  expect(one('HEALTHCHECK')[0]).toContain(`http://127.0.0.1:${port}/`);
  expect(one('CMD')).toEqual(['["node", "dist/agent.js", "start"]']);
});
