/** The doctor at a real LiveKit server: nobody notices it, and what is wrong is told. */
import { expect, inject, test } from 'vitest';
import { definePolicy } from '../../machines/index.ts';
import { checkLiveKit } from '../../src/doctor/check-livekit.ts';
import { describeAgent } from '../../src/doctor/describe-agent.ts';
import { listSessions } from '../../src/journal/read.ts';
import { compiled, deploy, environmentOf, roomsOf } from './harness/index.ts';

const server = inject('livekit');
const policy = definePolicy();

test('a server that is well is good in all, and wrong keys are told', async () => {
  const found = await checkLiveKit(environmentOf(server), policy);
  expect(found.map(({ check, outcome }) => `${check} ${outcome}`)).toEqual([
    'LiveKit good',
    'keys good',
    'dispatch good',
    'clock good',
    'departureTimeout good',
  ]);
  const wrong = await checkLiveKit({ ...environmentOf(server), LIVEKIT_API_SECRET: 'another' }, policy);
  expect(wrong.find(({ check }) => check === 'keys')).toMatchObject({
    outcome: 'bad',
    found: expect.not.stringContaining('eyJ'),
  });
});

test('an agent without a name, which each new room gets, is not called by it, and no room stays', async () => {
  await using deployment = await deploy(server, {}, { agentName: '' });
  await checkLiveKit(environmentOf(server), policy);
  const left = (await roomsOf(server).names()).filter((name) => name.startsWith('lastword-doctor-'));
  expect(left).toEqual([]);
  await deployment.warm(1, 20_000);
  expect(await listSessions(deployment.directory)).toEqual([]);
});

test('an agent file says what it asks for, and no worker starts', async () => {
  Object.assign(process.env, { OPENAI_API_KEY: 'lab', CARTESIA_API_KEY: 'lab' });
  const description = await describeAgent(compiled('docs/examples/hang-up.ts'));
  expect(description).toMatchObject({ policy: { callerGraceMs: policy.callerGraceMs } });
});
