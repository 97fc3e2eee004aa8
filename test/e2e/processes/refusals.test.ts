/** A worker that cannot work says so, and takes no caller with it. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, inject, test } from 'vitest';
import { defaultPolicy, startBound } from '../../../src/index.ts';
import { compiled, deploy, freePort, until } from '../harness/index.ts';
import { endedWell, PATIENCE_MS } from './calls.ts';

const server = inject('livekit');
const START_MS = startBound(defaultPolicy);
const startupFailed = { reason: 'startup_failed', by: 'system', fault: 'application' } as const;
const EXIT_MS = 40_000;
const starts = (log: string) => log.match(/"worker started"/g) ?? [];

test('the agent file throws on import everywhere: the keeper exits with a code, the file and the error', async () => {
  await using deployment = await deploy(server, { import: 'throws' }, { awaitReady: false });
  const { code } = await deployment.ended(EXIT_MS);
  expect(code).toBeGreaterThan(0);
  const log = await deployment.log();
  expect(log).toContain('planted: the agent file throws on import');
  expect(log).toContain(compiled('test/e2e/agents/scripted.ts'));
  expect(starts(log)).toHaveLength(1);
});

test('the health port is in use: refused in one line, and not tried again', async () => {
  const port = await freePort();
  const taken = createServer().listen(port, '0.0.0.0');
  await once(taken, 'listening');
  try {
    await using deployment = await deploy(server, {}, { awaitReady: false, port });
    const { code } = await deployment.ended(EXIT_MS);
    expect(code).toBe(78);
    const log = await deployment.log();
    expect(
      log.match(new RegExp(`^lastword: port ${port}: expected it to be free .*, got EADDRINUSE; .+$`, 'gm')),
    ).toHaveLength(1);
    expect(log).not.toContain('    at '); // no stack trace
    expect(starts(log)).toHaveLength(1);
  } finally {
    taken.close();
  }
});

test('C6 the agent file throws on import in the job only: the caller is released within startBound, report startup_failed', async () => {
  await using deployment = await deploy(server, { import: 'throws in the job' });
  const { name, caller: made } = await deployment.call();
  await using caller = made;
  const { at } = await caller.disconnected(START_MS + 5000);
  expect(at - caller.joinedAt).toBeLessThan(START_MS);
  const report = await endedWell(server, deployment, name, {
    ...startupFailed,
    stage: 'connecting',
    goodbye: null,
    apology: null,
    status: 'recovered',
  });
  expect(report.completeness.noticed).toMatchObject([{ what: 'unopened' }]);
  expect(report.hangUp?.by).toBe('recovery');
  expect(await deployment.log()).toContain('planted: the agent file throws on import');
});

for (const [prewarm, error] of [
  ['throws', 'planted: prewarm throws'],
  ['hangs', 'prewarm did not settle within 8000 ms'],
] as const) {
  test(`H6 T14 prewarm ${prewarm}: the caller hears the apology and is released within startBound, report startup_failed`, async () => {
    await using deployment = await deploy(server, { prewarm, calls: 1 });
    await until(
      'a process whose prewarm failed',
      async () => (await deployment.log()).includes('prewarm failed'),
      PATIENCE_MS,
    );
    const { name, caller: made } = await deployment.call();
    await using caller = made;
    const { at } = await caller.disconnected(START_MS + 5000);
    expect(at - caller.joinedAt).toBeLessThan(START_MS);
    const recordings = await caller.recordings();
    expect(recordings.map(({ name: recording }) => recording)).toEqual(['apology']);
    const report = await endedWell(server, deployment, name, {
      ...startupFailed,
      stage: 'connecting',
      goodbye: 'skipped',
      apology: 'bundled',
    });
    expect(report.errors.map(({ component, message }) => [component, message])).toContainEqual(['prewarm', error]);
  });
}
