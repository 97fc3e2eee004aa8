/**
 * The job dies, and the keeper dies while it brings the agent back: the next keeper takes up from the disk what there
 * is, calls for the job that nobody called for, or follows the one that has come. One voice, one report.
 */
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { deploy, type Deployment, roomsOf, until } from '../harness/index.ts';
import { GOODBYE, GREETING, greeted, hears, PATIENCE_MS, partsWith, patient, asks } from './calls.ts';

const server = inject('livekit');
const SORRY = 'Sorry, I lost you for a moment.';
let deployment: Deployment;
beforeAll(async () => {
  deployment = await deploy(server, {
    goodbye: { say: GOODBYE },
    onCrash: { resume: 2, say: SORRY },
    policy: patient,
    idleProcesses: 2,
  });
});
afterAll(() => deployment?.[Symbol.asyncDispose]());

test('A3 T13 kill -9 of the job, and of the keeper when the next job has begun', { timeout: 120_000 }, async () => {
  await deployment.warm(2, PATIENCE_MS);
  const call = await greeted(deployment);
  await using caller = call.caller;
  await asks(call);
  process.kill(await deployment.jobPid(call.name), 'SIGKILL');
  const killedAt = Date.now();
  await until('the moment', async () => (await deployment.journalOf(call.name))?.epochs.length === 2, PATIENCE_MS);
  deployment.signal('SIGKILL');
  await deployment.ended(5000);
  await deployment.restart();
  await hears(call, SORRY);
  const [again] = caller.line(call.lab, SORRY);
  console.info(`heard again after ${Math.round((again?.firstAt ?? 0) - killedAt)} ms`);
  await caller.say(call.lab, 'How are you?');
  await hears(call, 'Very well, thank you. And you?');
  await partsWith(call);
  const { report } = await deployment.reportOf(call.name, 15_000);
  const { epochs, gaps } = report.completeness;
  expect(epochs.map(({ epoch, closed }) => [epoch, closed])).toEqual([
    [1, false],
    [2, true],
  ]);
  expect(gaps).toHaveLength(1);
  expect(caller.line(call.lab, GREETING), 'greeted once').toHaveLength(1);
  expect(caller.line(call.lab, SORRY), 'excused once').toHaveLength(1);
  expect(await roomsOf(server).names()).not.toContain(call.name);
});
