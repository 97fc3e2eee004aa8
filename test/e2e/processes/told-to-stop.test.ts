/** Every way in which a job can be told to stop is a request with a budget: the caller hears the goodbye, the report is true. */
import { AgentDispatchClient } from 'livekit-server-sdk';
import { expect, inject, test } from 'vitest';
import type { WellEnded } from '../../contract/ended-well.ts';
import { defaultPolicy } from '../../../src/index.ts';
import { deploy, until } from '../harness/index.ts';
import { endedWell, expectGoodbye, GOODBYE, greeted, hears, parted, partsWith, PATIENCE_MS, patient } from './calls.ts';

const server = inject('livekit');
const { hangUpMs, closeMs, reportMs, shutdownBudgetMs } = defaultPolicy;
const toldToStop = {
  reason: 'worker_shutdown',
  by: 'operator',
  stage: 'conversing',
  fault: 'none',
  goodbye: 'played',
  strategy: 'delete-room',
} as const satisfies WellEnded;
/** The goodbye takes 4 s, a word with the SDK's 15 s much longer. */
const SOON_MS = 12_000;

test('H1 H2 T16 T39 SIGTERM to the worker alone: its call is told at once, the caller hears the goodbye, and a new worker answers the next call', async () => {
  await using deployment = await deploy(server, { goodbye: { say: GOODBYE }, policy: patient, calls: 1 });
  const call = await greeted(deployment);
  await using caller = call.caller;
  const worker = await deployment.workerPid();
  const askedAt = Date.now();
  process.kill(worker, 'SIGTERM');
  const { at } = await caller.disconnected(shutdownBudgetMs);
  expect(at - askedAt).toBeLessThan(SOON_MS);
  expectGoodbye(call);
  const report = await endedWell(server, deployment, call.name, toldToStop);
  expect(report.alsoTriggered).toEqual([]);

  const next = await greeted(deployment);
  await using other = next.caller;
  expect(await deployment.workerPid()).not.toBe(worker);
  expect(other.find('disconnected')).toBeUndefined();
  await partsWith(next);
  await endedWell(server, deployment, next.name, parted);
});

test('H4 T39 LiveKit terminates the job: the caller hears what there is time for of the goodbye, is let go, and the report says who wanted it', async () => {
  await using deployment = await deploy(server, { goodbye: { say: GOODBYE }, policy: patient, calls: 1 });
  const call = await greeted(deployment);
  await using caller = call.caller;
  const dispatches = new AgentDispatchClient(server.url, server.apiKey, server.apiSecret);
  const [dispatch] = await dispatches.listDispatch(call.name);
  const askedAt = Date.now();
  await dispatches.deleteDispatch(dispatch?.id ?? '', call.name);
  const { at } = await caller.disconnected(PATIENCE_MS);
  expect(at - askedAt).toBeLessThan(SOON_MS);
  expect(at - askedAt).toBeGreaterThan(2000); // it is 3 s later that LiveKit removes the agent
  expect(caller.line(call.lab, GOODBYE)[0]?.share).toBeGreaterThan(0.3);
  const report = await endedWell(server, deployment, call.name, {
    ...toldToStop,
    goodbye: 'cut',
    detail: 'the worker or LiveKit asked this job to end',
  });
  expect(report.alsoTriggered).toMatchObject([{ by: 'operator', reason: 'removed' }]);
  expect(report.completeness.noticed).toEqual([]);
});

test('H2 T16 SIGTERM with less time than the goodbye takes: it is cut, and the hang-up, the report and the exit are in time', async () => {
  const budgetMs = hangUpMs + closeMs + reportMs + 2500;
  await using deployment = await deploy(server, {
    goodbye: { say: GOODBYE },
    policy: { ...patient, shutdownBudgetMs: budgetMs },
    calls: 1,
  });
  const call = await greeted(deployment);
  await using caller = call.caller;
  const askedAt = Date.now();
  deployment.signal('SIGTERM');
  const { at, reason } = await caller.disconnected(budgetMs);
  await deployment.ended(budgetMs);
  expect(Date.now() - askedAt).toBeLessThan(budgetMs);
  expect(reason).toBe('ROOM_DELETED');
  expect(at - askedAt).toBeLessThan(2500 + hangUpMs);
  const [heard] = caller.line(call.lab, GOODBYE);
  expect(heard?.share).toBeGreaterThan(0.1);
  expect(heard?.share).toBeLessThan(0.85);
  await endedWell(server, deployment, call.name, { ...toldToStop, goodbye: 'cut' });
});

test('T34 a caller who vanished without a word, and SIGTERM: the ghost holds nobody up, and its report is delivered before the exit', async () => {
  await using deployment = await deploy(server, { goodbye: { say: GOODBYE }, policy: patient, calls: 1 });
  const { name, caller } = await greeted(deployment);
  await caller.vanish();
  const askedAt = Date.now();
  deployment.signal('SIGTERM');
  await deployment.ended(shutdownBudgetMs);
  expect(Date.now() - askedAt).toBeLessThan(shutdownBudgetMs);
  expect(deployment.delivered).toHaveLength(1);
  // LiveKit lists the ghost for 20 s: to the agent it is still there.
  await endedWell(server, deployment, name, toldToStop);
});

test('T40 SIGINT twice while the goodbye plays: it is cut, the caller is let go within 3 s, and the report is delivered all the same', async () => {
  await using deployment = await deploy(server, { goodbye: { say: GOODBYE }, policy: patient, calls: 1 });
  const call = await greeted(deployment);
  await using caller = call.caller;
  deployment.signal('SIGINT');
  await hears(call, GOODBYE, 0.1);
  const againAt = Date.now();
  deployment.signal('SIGINT');
  const { at } = await caller.disconnected(PATIENCE_MS);
  expect(at - againAt).toBeLessThan(3000);
  expect((await deployment.ended(PATIENCE_MS)).code).toBe(143); // the worker's, and no crash of the keeper
  const report = await endedWell(server, deployment, call.name, { ...toldToStop, goodbye: 'cut' });
  expect(report.goodbye?.heardMs).toBeGreaterThan(0);
  expect(deployment.delivered).toHaveLength(1);
  expect(await deployment.processes()).toEqual([]);
});

test('T17 SIGTERM while a process warms up: the keeper and all its processes are gone within 8 s, not after a minute', async () => {
  await using deployment = await deploy(server, { prewarm: 'hangs' });
  await until('a process to warm up', async () => (await deployment.processes()).length > 1, PATIENCE_MS);
  const askedAt = Date.now();
  deployment.signal('SIGTERM');
  const { code } = await deployment.ended(PATIENCE_MS);
  expect(Date.now() - askedAt).toBeLessThan(8000);
  expect(code).toBe(143);
  expect(await deployment.processes()).toEqual([]);
});

test('T17 SIGTERM while a process is still importing, and its worker dies: the keeper does not leave before all processes are gone', async () => {
  await using deployment = await deploy(server, { import: 'slow in the job', prewarm: 'hangs' });
  await until('a process to import', async () => (await deployment.processes()).length > 1, PATIENCE_MS);
  const worker = await deployment.workerPid();
  deployment.signal('SIGTERM');
  process.kill(worker, 'SIGKILL');
  await deployment.ended(PATIENCE_MS);
  expect(await deployment.processes()).toEqual([]);
});
