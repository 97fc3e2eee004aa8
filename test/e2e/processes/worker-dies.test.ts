/** The worker dies above its calls: they end in order while the SDK still lets them live, and nobody stays behind. */
import { expect, inject, test } from 'vitest';
import { receptionist } from '../../../src/testing/index.ts';
import type { WellEnded } from '../../contract/ended-well.ts';
import { deploy, until } from '../harness/index.ts';
import { endedWell, expectGoodbye, GOODBYE, greeted, parted, partsWith, PATIENCE_MS, patient } from './calls.ts';

const server = inject('livekit');
/** The SDK lets a job without a worker live so long at most, and then ends it without a word. */
const ORPHAN_MS = 15_000;
const lostWorker = {
  reason: 'worker_lost',
  by: 'system',
  stage: 'conversing',
  fault: 'platform',
  goodbye: 'played',
  strategy: 'delete-room',
} as const satisfies WellEnded;

test('H3b T12 T30 kill -9 of the worker with two calls: both hear the goodbye and are let go in time, and the next call is answered', async () => {
  await using deployment = await deploy(server, {
    goodbye: { say: GOODBYE },
    policy: patient,
    idleProcesses: 2,
    calls: 2,
  });
  await deployment.warm(2, PATIENCE_MS);
  const calls = await Promise.all([greeted(deployment), greeted(deployment)]);
  await using one = calls[0].caller;
  await using other = calls[1].caller;
  const [worker, before] = [await deployment.workerPid(), await deployment.processes()];
  const killedAt = Date.now();
  process.kill(worker, 'SIGKILL');
  for (const { at } of await Promise.all([one, other].map((caller) => caller.disconnected(PATIENCE_MS))))
    expect(at - killedAt).toBeLessThan(ORPHAN_MS);
  for (const call of calls) {
    expectGoodbye(call);
    const report = await endedWell(server, deployment, call.name, lostWorker);
    expect(report.completeness.noticed).toEqual([]);
  }

  const next = await greeted(deployment); // the new worker
  await using caller = next.caller;
  await until(
    'the processes of the dead worker to be gone',
    async () => (await deployment.processes()).every((pid) => !before.includes(pid)),
    PATIENCE_MS,
    async () => `${before.join()} were there, ${(await deployment.processes()).join()} are`,
  );
  expect(caller.find('disconnected')).toBeUndefined();
  await partsWith(next);
  await endedWell(server, deployment, next.name, parted);
});

test('H3b T30 kill -9 of keeper and worker at once: the job notices by itself, its caller hears the goodbye whole although it takes longer than the SDK waits, no process stays, and the next keeper delivers the report', async () => {
  await using deployment = await deploy(server, {
    goodbye: { say: GOODBYE },
    policy: { ...patient, goodbyeMs: 18_000, shutdownBudgetMs: 35_000 },
    calls: 1,
  });
  const call = await greeted(deployment);
  await using caller = call.caller;
  call.lab.play({ ...receptionist, durations: { [GOODBYE]: ORPHAN_MS + 1000 } });
  const worker = await deployment.workerPid();
  const killedAt = Date.now();
  deployment.signal('SIGKILL');
  process.kill(worker, 'SIGKILL');
  await deployment.ended(5000);
  const { at } = await caller.disconnected(35_000);
  expect(at - killedAt).toBeGreaterThan(ORPHAN_MS);
  expectGoodbye(call);
  await until(
    'nobody to be left',
    async () => (await deployment.processes()).length === 0,
    2 * PATIENCE_MS,
    async () => `${(await deployment.processes()).join()} are still there`,
  );
  expect(deployment.delivered).toEqual([]);
  await deployment.restart();
  await endedWell(server, deployment, call.name, lostWorker);
});
