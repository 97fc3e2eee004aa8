/** A process dies, or stands still, while somebody is on the line. */
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { deploy, type Deployment } from '../harness/index.ts';
import {
  ANSWER,
  asks,
  endedWell,
  GOODBYE,
  GREETING,
  greeted,
  hears,
  PATIENCE_MS,
  partsWith,
  patient,
  QUESTION,
} from './calls.ts';

const server = inject('livekit');
let deployment: Deployment;
beforeAll(async () => {
  deployment = await deploy(server, { goodbye: { say: GOODBYE }, policy: patient, idleProcesses: 2, calls: 5 });
});
afterAll(() => deployment?.[Symbol.asyncDispose]());

test('T13 T29 kill -9 of the job: the caller is released within 2 s, and the report has the transcript so far', async () => {
  const call = await greeted(deployment);
  await using caller = call.caller;
  await asks(call);
  const pid = await deployment.jobPid(call.name);
  await deployment.entry(call.name, 'item', ({ data }) => data.text === ANSWER, 5000);
  const killedAt = Date.now();
  process.kill(pid, 'SIGKILL');
  const { at } = await caller.disconnected(10_000);
  expect(at - killedAt).toBeLessThan(2000);

  const report = await endedWell(server, deployment, call.name, {
    reason: 'process_crashed',
    by: 'system',
    stage: 'conversing',
    fault: 'application',
    goodbye: null,
    apology: null,
    strategy: 'delete-room',
    status: 'recovered',
  });
  expect(report.completeness.noticed).toMatchObject([{ what: 'died', epoch: 1 }]);
  expect(report.hangUp?.by).toBe('recovery');
  const words = report.transcript.filter(({ role }) => role !== 'handoff');
  expect(words.map(({ role, text }) => [role, text])).toEqual([
    ['assistant', GREETING],
    ['user', QUESTION],
    ['assistant', ANSWER],
  ]);
});

test('T13 T29 kill -9 in the middle of a reply: the report has what was heard of it', async () => {
  const call = await greeted(deployment);
  await using caller = call.caller;
  await caller.say(call.lab, QUESTION);
  const isOfAnswer = (text: string | undefined) => text !== undefined && text !== '' && ANSWER.startsWith(text);
  await deployment.entry(call.name, 'audible', ({ data }) => isOfAnswer(data.pii?.text), PATIENCE_MS);
  process.kill(await deployment.jobPid(call.name), 'SIGKILL');
  await caller.disconnected(10_000);
  const { report } = await deployment.reportOf(call.name, 10_000);
  expect(report.end).toMatchObject({ by: 'system', reason: 'process_crashed' });
  const last = report.transcript.at(-1);
  expect(last).toMatchObject({ role: 'assistant', source: 'played', interrupted: true, heard: true });
  expect(isOfAnswer(last?.text)).toBe(true);
  expect(last?.text).not.toBe(ANSWER);
});

test('kill -9 of the keeper, started again on the same directory: the call goes on, and one report is delivered', async () => {
  const call = await greeted(deployment);
  await using caller = call.caller;
  const workerPid = /"workerPid":(\d+)/.exec(await deployment.log())?.[1];
  const jobPid = await deployment.jobPid(call.name);
  deployment.signal('SIGKILL');
  await deployment.ended(5000);
  await asks(call); // nobody supervises, and nobody notices
  await deployment.restart();
  expect(await deployment.log()).toContain('worker adopted');
  await caller.say(call.lab, 'How are you?');
  await hears(call, 'Very well, thank you. And you?');
  await partsWith(call);

  const { report } = await deployment.reportOf(call.name, 10_000);
  expect(report.end).toMatchObject({ by: 'agent', reason: 'agent_ended' });
  expect(report.completeness).toMatchObject({ status: 'closed', noticed: [], epochs: [{ epoch: 1, closed: true }] });
  expect(await deployment.jobPid(call.name)).toBe(jobPid);
  const started = (await deployment.log()).match(/"worker started"/g);
  expect(started, `only worker ${workerPid} was ever started`).toHaveLength(1);
});

test('two calls at once, one of which loses its model: the other notices nothing', async () => {
  await deployment.warm(2, PATIENCE_MS);
  const [well, ill] = await Promise.all([greeted(deployment), greeted(deployment)]);
  await using fine = well.caller;
  await using failing = ill.caller;
  ill.lab.fail('llm', { kind: 'status', status: 401 });
  await Promise.all([ill.caller.say(ill.lab, QUESTION), asks(well)]);
  await failing.disconnected(20_000);
  expect(fine.find('disconnected')).toBeUndefined();
  await fine.say(well.lab, 'How are you?');
  await hears(well, 'Very well, thank you. And you?');
  await partsWith(well);

  const failed = (await deployment.reportOf(ill.name, 10_000)).report;
  expect(failed.end).toMatchObject({ by: 'system', reason: 'model_failed', fault: 'provider' });
  const { report } = await deployment.reportOf(well.name, 10_000);
  expect(report.end).toMatchObject({ by: 'agent', reason: 'agent_ended' });
  expect(report.errors).toEqual([]);
  expect(report.completeness).toMatchObject({ status: 'closed', noticed: [] });
});
