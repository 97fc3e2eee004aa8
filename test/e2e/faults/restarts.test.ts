/**
 * The agent's own way to LiveKit is lost: a server that is killed and started again, a line that is cut, an administrator
 * who removes the agent. Who comes back finds the call; who cannot does not leave the caller alone.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectEndedWell } from '../../contract/ended-well.ts';
import {
  deploy,
  type Deployment,
  HEARD_WHOLE,
  type LiveKitServer,
  roomsOf,
  startCaller,
  startLiveKitServer,
  until,
} from '../harness/index.ts';
import { type Door, openDoor } from '../harness/server-api.ts';
import {
  asks,
  expectNoRoom,
  GOODBYE,
  type Greeted,
  GREETING,
  greeted,
  hears,
  PATIENCE_MS,
  partsWith,
  parted,
  patient,
  reportsAbout,
} from '../processes/calls.ts';

const RETURN_MS = 30_000;
/** Long enough for the agent's first attempt to fail: its client makes the next one 5 s later. */
const DOWN_MS = 2000;
const NUDGE = 'Are you still there?';
/** The default grace, the hang-up, and a slow machine. */
const GIVING_UP_MS = 60_000;
let server: LiveKitServer;
let door: Door;
let deployment: Deployment;
beforeAll(async () => {
  server = await startLiveKitServer();
  door = await openDoor(server);
  deployment = await deploy(door, { goodbye: { say: GOODBYE }, policy: patient, idleProcesses: 2, calls: 7 });
});
afterAll(async () => {
  await deployment?.[Symbol.asyncDispose]();
  await door?.[Symbol.asyncDispose]();
  await server?.stop();
});

const room = ({ name }: Greeted, change: string) =>
  deployment.entry(name, 'room', ({ data }) => data.change === change, RETURN_MS);
const agentOf = async ({ name }: Greeted) =>
  (await roomsOf(server).identities(name)).find((identity) => identity !== 'caller') ?? '';

/** `kill -9`, and the same address again; worker, caller and agent are back, in a room that has another sid now. */
async function restartUnder(call: Greeted, downMs = 0): Promise<void> {
  const registered = async () => [...(await deployment.log()).matchAll(/registered worker/g)].length;
  const before = await registered();
  await server.kill();
  await new Promise((resolve) => setTimeout(resolve, downMs));
  await server.restart();
  await call.caller.until('to be back', () => call.caller.find('reconnected'), RETURN_MS);
  await room(call, 'renewed');
  const isBack = async () => (await roomsOf(server).identities(call.name)).length === 2;
  await until('caller and agent in the room', isBack, RETURN_MS);
  const { caller } = call;
  const backAt = caller.find('reconnecting')?.at ?? Infinity;
  const isHeard = () => caller.events.some((event) => event.kind === 'track.heard' && event.at > backAt);
  await caller.until('the track of the agent to be back', isHeard, RETURN_MS);
  await until('the worker to be registered', async () => (await registered()) > before, RETURN_MS);
}

test('T32 D9 LiveKit is killed and started again in the middle of a call: the agent that was away speaks first, the call goes on, and ends with goodbye and report as any other', async () => {
  const call = await greeted(deployment);
  await using _ = call.caller;
  await restartUnder(call, DOWN_MS);
  await hears(call, NUDGE, HEARD_WHOLE);
  await asks(call);
  await partsWith(call);
  const report = expectEndedWell(
    { reports: await reportsAbout(deployment, call.name), rooms: await roomsOf(server).names() },
    parted,
  );
  expect(report.alsoTriggered).toEqual([]);
  expect(report.completeness.noticed).toEqual([]);
});

test('T32 D9 the process of the agent is killed after LiveKit was started again: the caller is released from the room that was made anew', async () => {
  const call = await greeted(deployment);
  await using caller = call.caller;
  await restartUnder(call);
  process.kill(await deployment.jobPid(call.name), 'SIGKILL');
  await caller.disconnected(PATIENCE_MS);
  const report = expectEndedWell(
    { reports: await reportsAbout(deployment, call.name) },
    {
      reason: 'process_crashed',
      by: 'system',
      stage: 'conversing',
      fault: 'application',
      goodbye: null,
      status: 'recovered',
    },
  );
  expect(report.hangUp).toMatchObject({ by: 'recovery', strategy: 'delete-room' });
  await expectNoRoom(server, call.name);
});

test('D7 T32 an agent is called for again in the room that was made anew: the first one is still there, and goes on alone', async () => {
  const call = await greeted(deployment);
  await using caller = call.caller;
  await restartUnder(call);
  await roomsOf(server).dispatch(call.name, deployment.agentName);
  const declined = async () => (await deployment.log()).includes('this call has its agent already');
  await until('the second agent to be declined', declined, PATIENCE_MS);
  await asks(call);
  expect(await roomsOf(server).identities(call.name)).toHaveLength(2);
  await partsWith(call);
  expect(caller.line(call.lab, GREETING)).toHaveLength(1);
  expectEndedWell({ reports: await reportsAbout(deployment, call.name), rooms: await roomsOf(server).names() }, parted);
});

test('D9 the line of the agent and of its worker to LiveKit is cut: both come back, and the call goes on', async () => {
  const call = await greeted(deployment);
  await using caller = call.caller;
  door.cut(); // the caller's own too: all of them call through this door
  await room(call, 'reconnected');
  await asks(call);
  await partsWith(call);
  expect(caller.find('disconnected')?.reason).toBe('ROOM_DELETED');
  const report = expectEndedWell(
    { reports: await reportsAbout(deployment, call.name), rooms: await roomsOf(server).names() },
    parted,
  );
  expect(report.alsoTriggered).toEqual([]);
});

test('D9 an administrator removes the agent: the reason says so, nobody is greeted goodbye, and the caller is not left alone in the room', async () => {
  const call = await greeted(deployment);
  await using caller = call.caller;
  await roomsOf(server).remove(call.name, await agentOf(call));
  const { reason } = await caller.disconnected(PATIENCE_MS);
  expect(reason).toBe('ROOM_DELETED');
  expectEndedWell(
    { reports: await reportsAbout(deployment, call.name), rooms: await roomsOf(server).names() },
    {
      reason: 'removed',
      by: 'operator',
      stage: 'conversing',
      fault: 'none',
      detail: 'the agent was removed from the room',
      goodbye: 'skipped',
      apology: null,
    },
  );
  expect(caller.line(call.lab, GOODBYE)).toEqual([]);
});

test('D9 the agent cannot come back to LiveKit: the call ends after the grace period as lost by the agent’s own line, and the caller is let go as soon as LiveKit can be told', async () => {
  await deployment.warm(1, PATIENCE_MS);
  const { name, lab } = await deployment.room();
  await using caller = await startCaller({ server, room: name }); // by a way of their own
  const call = { name, lab, caller };
  await hears(call, GREETING, 0.5);
  door.isShut = true;
  door.cut();
  await room(call, 'reconnecting');
  const [report] = await reportsAbout(deployment, call.name, GIVING_UP_MS);
  door.isShut = false;
  expect((await caller.disconnected(RETURN_MS)).reason).toBe('ROOM_DELETED');
  expectEndedWell(
    { reports: report ? [report] : [] },
    {
      reason: 'caller_lost', // seen from the agent it is everybody else who is gone
      by: 'system', // after the grace period, or when the client gives up: both take 20 s
      stage: 'conversing',
      fault: 'platform',
      detail: /^the agent lost the room/,
      goodbye: 'skipped',
      hangUp: 'unverified',
    },
  );
  await expectNoRoom(server, name);
});
