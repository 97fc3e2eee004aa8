/** The caller goes away at every moment of a call: nothing is said to an empty room, and the reason is true. */
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { expectEndedWell } from '../contract/ended-well.ts';
import { startCaller } from './harness/caller.ts';
import { deploy, type Deployment, roomsOf } from './harness/index.ts';
import { hears } from './processes/calls.ts';

const server = inject('livekit');
const GREETING = 'Hello, this is Ada.';
const GOODBYE = 'Thank you for calling today, it was a pleasure to talk to you. Goodbye, and have a nice day.';
/** What the release of a user's resource leaves in the report when it fails: so it was run. */
const RELEASED = { component: 'release planted', message: 'planted: released' };
let deployment: Deployment;
beforeAll(async () => {
  deployment = await deploy(server, {
    calls: 5,
    goodbye: { say: GOODBYE },
    policy: { callerGraceMs: 2000, callerJoinMs: 4000 },
  });
});
afterAll(() => deployment?.[Symbol.asyncDispose]());

const greeted = async () => {
  const call = await deployment.call();
  await hears(call, GREETING);
  return call;
};
const reportOf = async (room: string, ms = 10_000) => (await deployment.reportOf(room, ms)).report;
const spokenByLab = (texts: readonly string[]) => (entry: { kind: string; text?: string }) =>
  entry.kind === 'spoke' && texts.some((text) => text.startsWith(entry.text ?? '-'));

test('F3 the caller hangs up while conversing: caller_hung_up, no goodbye is made, the room is gone', async () => {
  const { name, lab, caller: made } = await greeted();
  await using caller = made;
  await caller.leave();
  const reports = [await reportOf(name)];
  expectEndedWell(
    { reports, rooms: await roomsOf(server).names() },
    { reason: 'caller_hung_up', by: 'caller', stage: 'conversing', fault: 'none', goodbye: 'skipped' },
  );
  expect(lab.log.filter(spokenByLab([GOODBYE]))).toEqual([]);
});

test('B4 the caller hangs up in the middle of the goodbye: it is cut, and the report says how much was heard', async () => {
  const { name, lab, caller: made } = await greeted();
  await using caller = made;
  await caller.say(lab, 'Goodbye.');
  await caller.until('a second of the goodbye', () => (caller.line(lab, GOODBYE)[0]?.heardMs ?? 0) > 1000, 15_000);
  await caller.leave();
  const heardMs = caller.line(lab, GOODBYE)[0]?.heardMs ?? 0;
  const report = expectEndedWell(
    { reports: [await reportOf(name)] },
    { reason: 'agent_ended', by: 'agent', stage: 'conversing', fault: 'none', goodbye: 'cut' },
  );
  expect(report.alsoTriggered.map(({ reason }) => reason)).toEqual(['caller_hung_up']);
  expect(Math.abs((report.goodbye?.heardMs ?? 0) - heardMs)).toBeLessThan(1000);
});

test('D3 the caller hangs up before the greeting is heard: nothing is spoken to the empty room', async () => {
  const { name, lab } = await deployment.room();
  lab.fail('tts', { kind: 'stall' });
  await using caller = await startCaller({ server, room: name });
  await deployment.entry(name, 'effect', ({ data }) => data.name === 'speak' && data.phase === 'requested', 10_000);
  await caller.leave();
  const report = expectEndedWell(
    { reports: [await reportOf(name)], rooms: await roomsOf(server).names() },
    { reason: 'caller_hung_up', by: 'caller', stage: 'greeting', fault: 'none', goodbye: 'skipped', apology: null },
  );
  expect(report.greeting).toMatchObject({ heardMs: 0 });
  expect(caller.sounds()).toEqual([]);
});

test('A6 C12 G6 nobody ever joins: never_joined after callerJoinMs, nothing is spoken, and what the user opened is released', async () => {
  const { name, lab } = await deployment.room({ onClose: 'throws' });
  const reports = [await reportOf(name, 20_000)];
  const report = expectEndedWell(
    { reports, rooms: await roomsOf(server).names() },
    { reason: 'never_joined', by: 'limit', stage: 'connecting', fault: 'caller', goodbye: 'skipped', apology: null },
  );
  expect(report.errors).toContainEqual(expect.objectContaining(RELEASED));
  expect(lab.log.filter(({ kind }) => kind === 'spoke')).toEqual([]);
});

test('T10 T31 D1 the process of the caller is killed without a leave message: the session ends after the grace period, not never', async () => {
  const { name, caller } = await greeted();
  await caller.vanish();
  const reports = [await reportOf(name, 45_000)];
  const report = expectEndedWell(
    { reports, rooms: await roomsOf(server).names() },
    { reason: 'caller_lost', by: 'limit', stage: 'conversing', fault: 'platform', goodbye: 'skipped' },
  );
  const lost = report.participants.find(({ isCaller }) => isCaller);
  expect(lost).toMatchObject({ timesLost: 1, leftReason: 'CONNECTION_TIMEOUT' });
});
