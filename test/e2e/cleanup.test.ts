/** How a call is cleaned up behind: who is released, who stays, and what happens when LiveKit does not do as it is told. */
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { expectEndedWell } from '../contract/ended-well.ts';
import { type Deployment, deploy, roomsOf, startCaller, until } from './harness/index.ts';
import { openDoor, type Door } from './harness/server-api.ts';
import { expectNoRoom, GOODBYE, greeted, GREETING, hears, PATIENCE_MS, patient, reportsOf } from './processes/calls.ts';

const server = inject('livekit');
const rooms = roomsOf(server);
const sip = { kind: 'sip', attributes: { 'sip.callStatus': 'active', 'sip.phoneNumber': '+15550100' } } as const;

describe('with the default, delete-room', () => {
  let door: Door;
  let deployment: Deployment;
  beforeAll(async () => {
    door = await openDoor(server);
    deployment = await deploy(door, { goodbye: { say: GOODBYE }, policy: { ...patient, drainMs: 4000 }, calls: 5 });
  });
  afterAll(async () => {
    await deployment?.[Symbol.asyncDispose]();
    await door?.[Symbol.asyncDispose]();
  });

  test('C3 T11 LiveKit refuses to hang up while the call ends: the report does not wait, and the caller is released when LiveKit is back', async () => {
    const call = await greeted(deployment);
    await using caller = call.caller;
    await caller.say(call.lab, 'Goodbye.');
    await hears(call, GOODBYE);
    door.refusal = 503;
    const { report } = await deployment.reportOf(call.name, PATIENCE_MS);
    expectEndedWell(
      { reports: [report] },
      {
        reason: 'agent_ended',
        by: 'agent',
        stage: 'conversing',
        fault: 'none',
        goodbye: 'played',
        hangUp: 'unverified',
        left: report.hangUp?.left ?? [],
      },
    );
    expect(report.hangUp?.error).toContain('503');
    expect(report.alsoTriggered).toEqual([]);
    expect(caller.find('disconnected')).toBeUndefined();
    door.refusal = undefined;
    expect((await caller.disconnected(PATIENCE_MS)).reason).toBe('ROOM_DELETED');
    await expectNoRoom(server, call.name);
    expect(reportsOf(deployment, call.name)).toHaveLength(1);
  });

  test('C3 a key that LiveKit refuses is told once by the job and once by the keeper, and the caller is released when it is right', async () => {
    const call = await greeted(deployment);
    await using caller = call.caller;
    await caller.say(call.lab, 'Goodbye.');
    await hears(call, GOODBYE);
    const before = (await deployment.log()).length;
    const told = async (what: RegExp) => [...(await deployment.log()).slice(before).matchAll(what)].length;
    door.refusal = 401;
    const { report } = await deployment.reportOf(call.name, PATIENCE_MS);
    expect(report.hangUp).toMatchObject({ outcome: 'unverified', attempts: 1 });
    expect(report.hangUp?.error).toContain('LIVEKIT_API_KEY');
    await until('two late attempts', async () => (await told(/the hang-up is still owed/g)) >= 2, PATIENCE_MS);
    const loud = /"msg":"(delete room|list rooms|list participants): LiveKit refused the API key/g;
    expect(await told(loud)).toBe(2);
    door.refusal = undefined;
    expect((await caller.disconnected(PATIENCE_MS)).reason).toBe('ROOM_DELETED');
  });

  test('A25 D4 a telephone is taken out of the room before the room goes, and neither counts as a departure of the caller', async () => {
    await deployment.warm(1, PATIENCE_MS);
    const { name, lab } = await deployment.room();
    await using caller = await startCaller({ server, room: name, ...sip });
    await hears({ name, lab, caller }, GREETING);
    await using witness = await startCaller({ server, room: name, identity: 'witness', microphone: 'none' });
    await caller.say(lab, 'Goodbye.');
    const gone = await caller.disconnected(PATIENCE_MS);
    expect(gone.reason).toBe('PARTICIPANT_REMOVED');
    const over = await witness.disconnected(PATIENCE_MS);
    expect(over.reason).toBe('ROOM_DELETED');
    expect(over.at).toBeGreaterThanOrEqual(gone.at);
    await deployment.reportOf(name, PATIENCE_MS);
    const report = expectEndedWell(
      { reports: reportsOf(deployment, name), rooms: await rooms.names() },
      {
        reason: 'agent_ended',
        by: 'agent',
        stage: 'conversing',
        fault: 'none',
        goodbye: 'played',
        strategy: 'delete-room',
      },
    );
    expect(report.alsoTriggered).toEqual([]); // our own doing is no event
    expect(report.errors).toEqual([]);
  });

  test('D4 C4 the room is deleted while the session drains: the first reason stays, nothing is said to nobody, the hang-up is verified', async () => {
    const speech = 'This is a speech of ten seconds that nobody wants to hear to its end.';
    const call = await greeted(deployment, { endWhileSpeaking: { speech: 2, afterMs: 500, drain: true } });
    await using caller = call.caller;
    call.lab.play({ rules: [], otherwise: { say: speech }, durations: { [speech]: 10_000 } });
    await caller.say(call.lab, 'Tell me something long.');
    const isDraining = ({ data }: { data: { to: string[] } }) => data.to.some((state) => state.includes('draining'));
    await deployment.entry(call.name, 'transition', isDraining, PATIENCE_MS);
    await rooms.delete(call.name);
    expect((await caller.disconnected(PATIENCE_MS)).reason).toBe('ROOM_DELETED');
    await deployment.reportOf(call.name, PATIENCE_MS);
    const report = expectEndedWell(
      { reports: reportsOf(deployment, call.name), rooms: await rooms.names() },
      { reason: 'planted_end', by: 'agent', stage: 'conversing', fault: 'none', goodbye: 'skipped' },
    );
    // The server says it of the caller, of us, or of both.
    expect([...new Set(report.alsoTriggered.map(({ reason }) => reason))]).toEqual(['room_deleted']);
    expect(caller.line(call.lab, GOODBYE)).toEqual([]);
  });

  test('C2 the process of the agent is killed: a web user is not left with a frozen page, but disconnected', async () => {
    const call = await greeted(deployment);
    await using caller = call.caller;
    const killedAt = Date.now();
    process.kill(await deployment.jobPid(call.name), 'SIGKILL');
    const { reason, at } = await caller.disconnected(PATIENCE_MS);
    expect(reason).toBe('ROOM_DELETED');
    expect(at - killedAt).toBeLessThan(5000);
    await deployment.reportOf(call.name, PATIENCE_MS);
    expectEndedWell(
      { reports: reportsOf(deployment, call.name), rooms: await rooms.names() },
      {
        reason: 'process_crashed',
        by: 'system',
        stage: 'conversing',
        fault: 'application',
        goodbye: null,
        status: 'recovered',
      },
    );
  });
});
