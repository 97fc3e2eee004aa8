/** The caller goes away at every moment of a call: nothing is said to an empty room, and the reason is true. */
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { startCaller } from './harness/caller.ts';
import { deploy, type Deployment, roomsOf } from './harness/index.ts';

const server = inject('livekit');
const GREETING = 'Hello, this is Ada.';
const GOODBYE = 'Thank you for calling today, it was a pleasure to talk to you. Goodbye, and have a nice day.';
let deployment: Deployment;
beforeAll(async () => {
  deployment = await deploy(server, {
    goodbye: { say: GOODBYE },
    policy: { callerGraceMs: 2000, callerJoinMs: 4000 },
  });
});
afterAll(() => deployment?.[Symbol.asyncDispose]());

const greeted = async () => {
  const call = await deployment.call();
  await call.caller.until('the greeting', () => (call.caller.line(call.lab, GREETING)[0]?.share ?? 0) > 0.9, 10_000);
  return call;
};
const spokenByLab = (texts: readonly string[]) => (entry: { kind: string; text?: string }) =>
  entry.kind === 'spoke' && texts.some((text) => text.startsWith(entry.text ?? '-'));

test('hangs up while conversing: caller_hung_up, no goodbye is made, the room is gone', async () => {
  const { name, lab, caller: made } = await greeted();
  await using caller = made;
  await caller.leave();
  const { report } = await deployment.reportOf(name, 10_000);
  expect(report.end).toMatchObject({ by: 'caller', reason: 'caller_hung_up', stage: 'conversing', fault: 'none' });
  expect(report.goodbye).toMatchObject({ outcome: 'skipped', heardMs: 0, why: expect.stringMatching(/\w/) });
  expect(lab.log.filter(spokenByLab([GOODBYE]))).toEqual([]);
  expect(report.hangUp).toMatchObject({ outcome: 'verified' });
  expect(await roomsOf(server).names()).not.toContain(name);
});

test('hangs up in the middle of the goodbye: it is cut, and the report says how much was heard', async () => {
  const { name, lab, caller: made } = await greeted();
  await using caller = made;
  await caller.say(lab, 'Goodbye.');
  await caller.until('a second of the goodbye', () => (caller.line(lab, GOODBYE)[0]?.heardMs ?? 0) > 1000, 15_000);
  await caller.leave();
  const heardMs = caller.line(lab, GOODBYE)[0]?.heardMs ?? 0;
  const { report } = await deployment.reportOf(name, 10_000);
  expect(report.end).toMatchObject({ by: 'agent', reason: 'agent_ended' });
  expect(report.alsoTriggered.map(({ reason }) => reason)).toEqual(['caller_hung_up']);
  expect(report.goodbye).toMatchObject({ outcome: 'cut' });
  expect(Math.abs((report.goodbye?.heardMs ?? 0) - heardMs)).toBeLessThan(1000);
});

test('hangs up before the greeting is heard: nothing is spoken to the empty room', async () => {
  const { name, lab } = await deployment.room();
  lab.fail('tts', { kind: 'stall' });
  await using caller = await startCaller({ server, room: name });
  await deployment.entry(name, 'effect', ({ data }) => data.name === 'speak' && data.phase === 'requested', 10_000);
  await caller.leave();
  const { report } = await deployment.reportOf(name, 10_000);
  expect(report.end).toMatchObject({ by: 'caller', reason: 'caller_hung_up', stage: 'greeting' });
  expect(report.greeting).toMatchObject({ heardMs: 0 });
  expect(report.goodbye).toMatchObject({ outcome: 'skipped' });
  expect(caller.sounds()).toEqual([]);
});

test('is gone before the agent has joined: never_joined after callerJoinMs, and nothing is spoken', async () => {
  const { name, lab } = await deployment.room();
  const report = (await deployment.reportOf(name, 20_000)).report;
  expect(report.end).toMatchObject({ by: 'limit', reason: 'never_joined', stage: 'connecting' });
  expect(report.goodbye).toMatchObject({ outcome: 'skipped' });
  expect(lab.log.filter(({ kind }) => kind === 'spoke')).toEqual([]);
  expect(await roomsOf(server).names()).not.toContain(name);
});

test('its process is killed without a leave message: the session ends after the grace period, not never', async () => {
  const { name, caller } = await greeted();
  await caller.vanish();
  const { report } = await deployment.reportOf(name, 45_000);
  expect(report.end).toMatchObject({ by: 'limit', reason: 'caller_lost' });
  expect(report.goodbye).toMatchObject({ outcome: 'skipped' });
  expect(report.participants.find(({ isCaller }) => isCaller)).toMatchObject({ timesLost: 1 });
});
