/** A job that stands still while somebody is on the line. What it may take to notice is the default. */
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { defaultPolicy, silenceBound } from '../../../src/index.ts';
import { receptionist } from '../../../src/testing/index.ts';
import { deploy, type Deployment, silences } from '../harness/index.ts';
import { endedWell, GOODBYE, greeted, hears, parted, partsWith, patient } from './calls.ts';

const server = inject('livekit');
const { firstAudioMs, rungMs } = patient;
const STUCK = 'I am stuck.';
const FREED = 'That took a moment.';
/** The tool `block` holds the event loop of the job. */
const blocking = {
  rules: [
    { when: { afterTool: 'block' }, answer: { say: FREED } },
    { when: { user: 'stuck' }, answer: { tools: [{ name: 'block' }] } },
    ...receptionist.rules,
  ],
};
let deployment: Deployment;
beforeAll(async () => {
  deployment = await deploy(server, { goodbye: { say: GOODBYE }, policy: { firstAudioMs, rungMs }, calls: 2 });
});
afterAll(() => deployment?.[Symbol.asyncDispose]());

test('A12 the event loop of the job is blocked for 2 s: nothing happens, the call goes on', async () => {
  const call = await greeted(deployment, { blockMs: 2000 });
  await using caller = call.caller;
  call.lab.play(blocking);
  await caller.say(call.lab, STUCK);
  await hears(call, FREED);
  await partsWith(call);
  const report = await endedWell(server, deployment, call.name, parted);
  expect(report.completeness.noticed).toEqual([]);
  expect(report.tools.find(({ name }) => name === 'block')).toMatchObject({ status: 'settled', output: 'done' });
});

test('A12 T13 the event loop of the job is blocked for good: missing beats tell, and the caller is released within silenceBound', async () => {
  const call = await greeted(deployment);
  await using caller = call.caller;
  call.lab.play(blocking);
  const { to } = await caller.say(call.lab, STUCK);
  const { at } = await caller.disconnected(silenceBound(defaultPolicy) + 5000);
  const [longest] = silences(caller.sounds(), to, at);
  expect(longest?.ms).toBeLessThanOrEqual(silenceBound(defaultPolicy));

  const report = await endedWell(server, deployment, call.name, {
    reason: 'process_crashed',
    by: 'system',
    stage: 'conversing',
    fault: 'application',
    goodbye: null,
    apology: null,
    status: 'recovered',
  });
  expect(report.completeness.noticed).toMatchObject([{ what: 'frozen', epoch: 1 }]);
  expect(report.hangUp?.by).toBe('recovery');
  expect(report.tools.find(({ name }) => name === 'block')).toMatchObject({ status: 'unknown' });
  expect(report.transcript.at(-1)).toMatchObject({ role: 'user', text: STUCK });
});
