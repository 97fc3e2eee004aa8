/** The call goes on: its process dies, and the caller hears the agent again. */
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { deploy, type Deployment, HEARD, roomsOf } from '../harness/index.ts';
import { ANSWER, GOODBYE, GREETING, greeted, hears, PATIENCE_MS, partsWith, patient, QUESTION } from './calls.ts';

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

test('kill -9 of the job in the middle of a sentence: the caller hears the agent again, who knows what was said, and one report tells it', async () => {
  await deployment.warm(2, PATIENCE_MS);
  const call = await greeted(deployment);
  await using caller = call.caller;
  await caller.say(call.lab, QUESTION);
  const isOfAnswer = (text: string | undefined) => text !== undefined && text !== '' && ANSWER.startsWith(text);
  await deployment.entry(call.name, 'audible', ({ data }) => isOfAnswer(data.pii?.text), PATIENCE_MS);
  const killedAt = Date.now();
  process.kill(await deployment.jobPid(call.name), 'SIGKILL');
  await hears(call, SORRY, 0.1);
  const sorry = caller.line(call.lab, SORRY)[0];
  console.log('heard again after', (sorry?.firstAt ?? 0) - killedAt);
  await hears(call, SORRY);
  await caller.until('the whole answer', () => (caller.line(call.lab, ANSWER).at(-1)?.share ?? 0) > HEARD, PATIENCE_MS);
  await caller.say(call.lab, 'How are you?');
  await hears(call, 'Very well, thank you. And you?');
  await partsWith(call);

  const { report } = await deployment.reportOf(call.name, 10_000);
  expect(report.end).toMatchObject({ by: 'agent', reason: 'agent_ended' });
  expect(report.completeness).toMatchObject({
    status: 'closed',
    epochs: [
      { epoch: 1, closed: false },
      { epoch: 2, closed: true },
    ],
  });
  console.log(JSON.stringify(report.transcript.map(({ role, text, interrupted }) => [role, text, interrupted])));
  expect(caller.line(call.lab, GREETING)).toHaveLength(1);
  expect(await roomsOf(server).names()).not.toContain(call.name);
});
