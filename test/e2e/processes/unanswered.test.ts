/** A caller comes while no worker is there. LiveKit offers their call to nobody, and never again: the keeper does. */
import { expect, inject, test } from 'vitest';
import { deploy, roomsOf } from '../harness/index.ts';
import { asks, type Greeted, GOODBYE, GREETING, hears, parted, partsWith, patient, endedWell } from './calls.ts';

const server = inject('livekit');
/** The next worker, twelve seconds of waiting, a cold machine. */
const ANSWERED_MS = 60_000;

test('C6 T12 a caller who comes while the worker is dead is answered by the next one, once, and their call is as any other', async () => {
  await using deployment = await deploy(server, { goodbye: { say: GOODBYE }, policy: patient, calls: 1 });
  process.kill(await deployment.workerPid(), 'SIGKILL');
  const call: Greeted = await deployment.call();
  await using caller = call.caller;
  await caller.until('an agent', () => caller.line(call.lab, GREETING)[0], ANSWERED_MS);
  await hears(call, GREETING, 0.5);
  await asks(call);
  await partsWith(call);
  const report = await endedWell(server, deployment, call.name, parted);
  expect(report.completeness.epochs).toHaveLength(1);
  expect(deployment.delivered).toHaveLength(1);
  expect(await deployment.log()).toContain('a caller waits and no job took the call');
  expect(await roomsOf(server).names()).not.toContain(call.name);
});
