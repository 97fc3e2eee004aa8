/** The worker loses its connection to LiveKit. Its calls have connections of their own. */
import { expect, inject, test } from 'vitest';
import { type Deployment, deploy, until } from '../harness/index.ts';
import { openDoor } from '../harness/server-api.ts';
import { asks, endedWell, expectGoodbye, GOODBYE, greeted, parted, partsWith, PATIENCE_MS, patient } from './calls.ts';

const server = inject('livekit');
const registered = async (deployment: Deployment) =>
  ((await deployment.log()).match(/registered worker/g) ?? []).length;
const logged = (deployment: Deployment, words: string) =>
  until(words, async () => (await deployment.log()).includes(words), PATIENCE_MS);

test('H3 the worker loses LiveKit and finds it again: the call notices nothing, and the next one is answered', async () => {
  await using door = await openDoor(server);
  await using deployment = await deploy(door, { goodbye: { say: GOODBYE }, policy: patient, calls: 2 });
  const call = await greeted(deployment);
  await using caller = call.caller;
  const before = await registered(deployment);
  door.shutToWorkers(true);
  await logged(deployment, 'failed to connect to LiveKit server');
  await asks(call);
  door.shutToWorkers(false);
  await until('the worker to register again', async () => (await registered(deployment)) > before, PATIENCE_MS);
  const next = await greeted(deployment);
  await using other = next.caller;
  await partsWith(call);
  await partsWith(next);
  expect([caller, other].map((each) => each.find('disconnected')?.reason)).toEqual(['ROOM_DELETED', 'ROOM_DELETED']);
  for (const { name } of [call, next]) await endedWell(server, deployment, name, parted);
});

test('H3b the worker gives up on LiveKit, which is back by then: its call goes on with the next worker', async () => {
  await using door = await openDoor(server);
  await using deployment = await deploy(door, {
    goodbye: { say: GOODBYE },
    onCrash: { resume: 2 },
    policy: { ...patient, shutdownBudgetMs: 60_000 }, // the next worker takes as long as the machine is slow
    calls: 1,
    server: { maxRetry: 1 }, // of 10, which take 80 s
  });
  const call = await greeted(deployment);
  await using caller = call.caller;
  const worker = await deployment.workerPid();
  door.shutToWorkers(true);
  await logged(deployment, 'the worker died; starting it again');
  door.shutToWorkers(false);
  const epochs = async () => (await deployment.journalOf(call.name))?.epochs.length;
  await until('the next job', async () => (await epochs()) === 2, 2 * PATIENCE_MS);
  await asks(call);
  expect(await deployment.workerPid()).not.toBe(worker);
  expect(caller.find('disconnected')).toBeUndefined();
  await partsWith(call);
  await endedWell(server, deployment, call.name, parted);
});

test('H3 T12 the worker gives up on LiveKit: its call hears the goodbye, and the keeper starts workers until one takes the next call', async () => {
  await using door = await openDoor(server);
  await using deployment = await deploy(door, {
    goodbye: { say: GOODBYE },
    policy: patient,
    calls: 1,
    server: { maxRetry: 1 }, // of 10, which take 80 s
  });
  const call = await greeted(deployment);
  await using caller = call.caller;
  const [worker, before] = [await deployment.workerPid(), await registered(deployment)];
  door.shutToWorkers(true);
  await logged(deployment, 'the worker died; starting it again');
  await caller.disconnected(PATIENCE_MS);
  expectGoodbye(call);
  await endedWell(server, deployment, call.name, {
    reason: 'worker_lost',
    by: 'system',
    stage: 'conversing',
    fault: 'platform',
    goodbye: 'played',
  });
  door.shutToWorkers(false);
  await until('a worker to register', async () => (await registered(deployment)) > before, 2 * PATIENCE_MS);
  expect(await deployment.workerPid()).not.toBe(worker);
  const next = await greeted(deployment);
  await using other = next.caller;
  expect(other.find('disconnected')).toBeUndefined();
  await partsWith(next);
  await endedWell(server, deployment, next.name, parted);
});
