/**
 * Who is lost and comes back, under the same name or the same connection; who is taken out by somebody else; and who is
 * quiet for long and there.
 */
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { defaultPolicy } from '../../../src/index.ts';
import { expectEndedWell } from '../../contract/ended-well.ts';
import { deploy, type Deployment, roomsOf, startCaller } from '../harness/index.ts';
import { openDoor } from '../harness/server-api.ts';
import {
  asks,
  GOODBYE,
  GREETING,
  greeted,
  hears,
  parted,
  PATIENCE_MS,
  partsWith,
  patient,
  reportsAbout,
} from '../processes/calls.ts';

const server = inject('livekit');
const rooms = roomsOf(server);
const NUDGE = 'Are you still there?';
/** Quiet for eight times as long as a job may be silent. */
const quiet = { unresponsiveMs: 1500, beatMs: 250, startMs: 15_000, idleMs: 12_000, nudges: 2 };
let deployment: Deployment;
beforeAll(async () => {
  deployment = await deploy(server, { goodbye: { say: GOODBYE }, policy: patient, idleProcesses: 2, calls: 4 });
});
afterAll(() => deployment?.[Symbol.asyncDispose]());

test('D2 the caller is lost without a word and comes back as the same person on a new connection: the call goes on', async () => {
  const call = await greeted(deployment);
  await call.caller.vanish();
  await using again = await startCaller({ server, room: call.name });
  await deployment.entry(call.name, 'participant', ({ data }) => data.change === 'returned', PATIENCE_MS);
  const resumed = { ...call, caller: again };
  await asks(resumed);
  await partsWith(resumed);
  const report = expectEndedWell(
    { reports: await reportsAbout(deployment, call.name), rooms: await rooms.names() },
    parted,
  );
  const [caller, ...more] = report.participants;
  expect(more).toEqual([]);
  expect(caller).toMatchObject({ isCaller: true, timesLost: 1 });
  expect(caller?.sids).toHaveLength(2);
});

test('D2 D1 the line of the caller is cut and comes back on the same connection: nobody was lost, and the call goes on', async () => {
  await using door = await openDoor(server);
  await deployment.warm(1, PATIENCE_MS);
  const { name, lab } = await deployment.room();
  await using caller = await startCaller({ server: door, room: name });
  const call = { name, lab, caller };
  await hears(call, 'Hello, this is Ada.', 0.5);
  door.cut();
  await caller.until('to be back', () => caller.find('reconnected'), PATIENCE_MS);
  await asks(call);
  await partsWith(call);
  const report = expectEndedWell({ reports: await reportsAbout(deployment, name), rooms: await rooms.names() }, parted);
  expect(report.participants).toMatchObject([{ isCaller: true }]);
  expect(report.participants[0]?.sids).toHaveLength(1);
});

test('D2 D7 the caller joins a second time while the first connection is still there: the call goes on with the new one, and there is one report', async () => {
  const call = await greeted(deployment);
  await using first = call.caller;
  await using second = await startCaller({ server, room: call.name });
  expect((await first.disconnected(PATIENCE_MS)).reason).toBe('DUPLICATE_IDENTITY');
  const isHeard = () => second.find('track.heard') !== undefined;
  await second.until('the track of the agent', isHeard, PATIENCE_MS);
  const resumed = { ...call, caller: second };
  await asks(resumed);
  await partsWith(resumed);
  const report = expectEndedWell(
    { reports: await reportsAbout(deployment, call.name), rooms: await rooms.names() },
    parted,
  );
  expect(report.alsoTriggered).toEqual([]);
  const [caller, ...more] = report.participants;
  expect(more).toEqual([]);
  // Lost, and back in the same millisecond; in the end they were sent away with the room.
  expect(caller).toMatchObject({ identity: 'caller', isCaller: true, timesLost: 1, leftReason: 'ROOM_DELETED' });
  expect(caller?.sids).toHaveLength(2);
  expect(call.lab.spoken(GREETING)).toHaveLength(1); // nobody is greeted twice
});

test('F3 D1 an administrator removes the caller: the reason says so at once, no grace is waited for, and no goodbye is made for nobody', async () => {
  const call = await greeted(deployment);
  await using caller = call.caller;
  const removedAt = Date.now();
  await rooms.remove(call.name, caller.identity);
  expect((await caller.disconnected(PATIENCE_MS)).reason).toBe('PARTICIPANT_REMOVED');
  const report = expectEndedWell(
    { reports: await reportsAbout(deployment, call.name), rooms: await rooms.names() },
    {
      reason: 'removed',
      by: 'operator',
      stage: 'conversing',
      fault: 'none',
      goodbye: 'skipped',
      apology: null,
      strategy: 'delete-room',
    },
  );
  expect(Date.parse(report.times.endedAt ?? '') - removedAt).toBeLessThan(defaultPolicy.callerGraceMs / 10);
  expect(report.participants).toMatchObject([{ isCaller: true, leftReason: 'PARTICIPANT_REMOVED' }]);
  expect(report.alsoTriggered).toEqual([]);
  expect(call.lab.spoken(GOODBYE)).toEqual([]);
});

test('G4 nobody speaks for eight times as long as a job may be silent: nobody takes the call for dead, and it goes on', async () => {
  await using other = await deploy(server, { goodbye: { say: GOODBYE }, policy: { ...patient, ...quiet }, calls: 1 });
  const call = await greeted(other);
  await using _ = call.caller;
  await hears(call, NUDGE);
  await asks(call);
  await partsWith(call);
  const report = expectEndedWell({ reports: await reportsAbout(other, call.name), rooms: await rooms.names() }, parted);
  expect(report.completeness.noticed).toEqual([]);
  expect(report.lines.filter(({ line }) => line === 'nudge')).toMatchObject([{ outcome: 'played' }]);
});
