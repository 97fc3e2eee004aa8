/** How a call comes about: a telephone that rings, a caller who does not wait, two agents for one, others in the room. */
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { listSessions } from '../../../src/journal/read.ts';
import { defaultPolicy, startBound } from '../../../src/index.ts';
import { expectEndedWell } from '../../contract/ended-well.ts';
import { type CallerWish, deploy, type Deployment, roomsOf, startCaller, until } from '../harness/index.ts';
import {
  asks,
  GOODBYE,
  GREETING,
  greeted,
  hears,
  PATIENCE_MS,
  partsWith,
  patient,
  reportsAbout,
} from '../processes/calls.ts';

const server = inject('livekit');
const rooms = roomsOf(server);
/** Longer than a first audio may take: a clock that ran while it rings would have ended the call. */
const RINGING_MS = 5000;
let deployment: Deployment;
beforeAll(async () => {
  const policy = { ...patient, firstAudioMs: 4000 };
  deployment = await deploy(server, { goodbye: { say: GOODBYE }, policy, idleProcesses: 2, calls: 9 });
});
afterAll(() => deployment?.[Symbol.asyncDispose]());

const telephone = (status: string) => ({ kind: 'sip', attributes: { 'sip.callStatus': status } }) as const;
const spoken = (lab: { log: readonly { kind: string }[] }) => lab.log.filter(({ kind }) => kind === 'spoke');
/** An agent that waits in its room, and somebody who comes. */
async function comes(wish: Partial<CallerWish>) {
  await deployment.warm(1, PATIENCE_MS);
  const { name, lab } = await deployment.room();
  const isWaiting = ({ data }: { data: { to: string[] } }) => data.to.some((state) => state.includes('awaitingCaller'));
  await deployment.entry(name, 'transition', isWaiting, PATIENCE_MS);
  const caller = await startCaller({ server, room: name, ...wish });
  const met = await deployment.entry(name, 'participant', ({ data }) => data.identity === 'caller', PATIENCE_MS);
  return { name, lab, caller, met };
}

test('G9 A6 a telephone rings: nothing is said and no clock of the call runs until it is picked up', async () => {
  const call = await comes(telephone('dialing'));
  await using caller = call.caller;
  for (const end = Date.now() + RINGING_MS; Date.now() < end;) {
    expect(await rooms.identities(call.name)).toContain('caller');
    expect(spoken(call.lab)).toEqual([]);
  }
  const answeredAt = Date.now();
  await rooms.setAttributes(call.name, 'caller', { 'sip.callStatus': 'active' });
  await hears(call, GREETING, 0.5);
  await asks(call);
  await call.caller.say(call.lab, 'Goodbye.');
  await caller.disconnected(PATIENCE_MS);
  const report = expectEndedWell(
    { reports: await reportsAbout(deployment, call.name), rooms: await rooms.names() },
    { reason: 'agent_ended', by: 'agent', stage: 'conversing', fault: 'none', goodbye: 'played' },
  );
  expect(report.participants.find(({ isCaller }) => isCaller)).toMatchObject({ identity: 'caller', kind: 'sip' });
  const cameAt = Date.parse(report.times.callerJoinedAt ?? '');
  expect(cameAt - answeredAt).toBeGreaterThan(-50);
  expect(report.times.callMs).toBe(Date.parse(report.times.releasedAt ?? '') - cameAt);
  expect(report.latency.greetingMs).toBeLessThan(4000);
});

test('A6 G9 a telephone rings and is never picked up: reported when it stops, long before callerJoinMs, and nothing is said', async () => {
  const call = await comes(telephone('ringing'));
  await using caller = call.caller;
  const stoppedAt = Date.now();
  await caller.leave();
  const report = expectEndedWell(
    { reports: await reportsAbout(deployment, call.name), rooms: await rooms.names() },
    {
      reason: 'caller_hung_up',
      by: 'caller',
      stage: 'connecting',
      fault: 'none',
      goodbye: 'skipped',
      apology: null,
    },
  );
  expect(Date.parse(report.times.endedAt ?? '') - stoppedAt).toBeLessThan(defaultPolicy.callerJoinMs / 10);
  expect(report.times.callMs).toBeNull();
  expect(spoken(call.lab)).toEqual([]);
});

test('C15 a telephone whose media never come is gone after a moment: the report tells of it, and of who ended the call', async () => {
  const call = await comes({ ...telephone('active'), microphone: 'none' });
  await using caller = call.caller;
  await hears(call, GREETING, 0.5); // ours comes: what is missing is theirs
  await caller.leave();
  const report = expectEndedWell(
    { reports: await reportsAbout(deployment, call.name), rooms: await rooms.names() },
    { reason: 'caller_hung_up', by: 'caller', stage: 'conversing', fault: 'none', goodbye: 'skipped' },
  );
  const message = 'the telephone was gone before it had sent any audio';
  expect(report.warnings).toMatchObject([{ component: 'microphone', message, recoverable: true }]);
});

test('T50 a caller who publishes nothing is announced late, and greeted all the same within startBound of their coming', async () => {
  const call = await comes({ microphone: 'none' });
  await using caller = call.caller;
  await hears(call, GREETING, 0.5);
  const firstAt = caller.line(call.lab, GREETING)[0]?.firstAt ?? Infinity;
  expect(firstAt - caller.joinedAt).toBeLessThan(startBound(defaultPolicy));
  await caller.leave();
  const report = expectEndedWell(
    { reports: await reportsAbout(deployment, call.name), rooms: await rooms.names() },
    { reason: 'caller_hung_up', by: 'caller', stage: 'conversing', fault: 'none', goodbye: 'skipped' },
  );
  expect(report.participants).toMatchObject([{ identity: 'caller', isCaller: true, leftReason: 'CLIENT_INITIATED' }]);
});

test('C8 the caller leaves while the job still starts: that is the reason, at once, and no limit is waited for', async () => {
  await deployment.warm(1, PATIENCE_MS);
  const { name, lab, caller: made } = await deployment.call({ start: 'session hangs' });
  await using caller = made;
  const isStarting = ({ data }: { data: { to: string[] } }) =>
    data.to.some((state) => state.includes('startingSession'));
  await deployment.entry(name, 'transition', isStarting, PATIENCE_MS);
  await deployment.entry(name, 'participant', ({ data }) => data.isCaller === true, PATIENCE_MS);
  const leftAt = Date.now();
  await caller.leave();
  const reports = await reportsAbout(deployment, name);
  expect(Date.now() - leftAt).toBeLessThan(patient.connectMs / 2);
  expectEndedWell(
    { reports, rooms: await rooms.names() },
    {
      reason: 'caller_hung_up',
      by: 'caller',
      stage: 'connecting',
      fault: 'none',
      goodbye: 'skipped',
      apology: null,
    },
  );
  expect(spoken(lab)).toEqual([]);
});

test('D6 others leave the room, a person and an agent: the call goes on until its caller ends it', async () => {
  const call = await greeted(deployment);
  await using _ = call.caller;
  await using person = await startCaller({ server, room: call.name, identity: 'person' });
  await using agent = await startCaller({ server, room: call.name, identity: 'other-agent', kind: 'agent' });
  for (const other of [person, agent]) {
    const noted = (change: 'joined' | 'left') =>
      deployment.entry(
        call.name,
        'participant',
        ({ data }) => data.change === change && data.identity === other.identity,
        PATIENCE_MS,
      );
    await noted('joined'); // the server tells nobody of someone who came and went between two of its updates
    await other.leave();
    await noted('left');
  }
  await asks(call);
  await partsWith(call);
  const report = expectEndedWell(
    { reports: await reportsAbout(deployment, call.name), rooms: await rooms.names() },
    { reason: 'agent_ended', by: 'agent', stage: 'conversing', fault: 'none', goodbye: 'played' },
  );
  expect(report.alsoTriggered).toEqual([]);
  expect(report.participants.filter(({ isCaller }) => isCaller).map(({ identity }) => identity)).toEqual(['caller']);
});

test('D7 an agent is called for three times, twice at once and once in the middle: one greets, one answers, one reports', async () => {
  await deployment.warm(2, PATIENCE_MS);
  const before = (await listSessions(deployment.directory)).length;
  const { name, lab } = await deployment.room();
  await rooms.dispatch(name, deployment.agentName);
  await using caller = await startCaller({ server, room: name });
  const call = { name, lab, caller };
  const declined = async (times: number) => {
    const told = async () => [...(await deployment.log()).matchAll(/this call has its agent already/g)].length >= times;
    await until(`${times} refusals`, told, PATIENCE_MS);
  };
  await hears(call, GREETING, 0.5);
  await declined(1);
  await rooms.dispatch(name, deployment.agentName);
  await declined(2);
  await asks(call);
  expect((await rooms.identities(name)).length).toBe(2);
  await partsWith(call);
  expect(caller.line(lab, GREETING)).toHaveLength(1);
  expectEndedWell(
    { reports: await reportsAbout(deployment, name), rooms: await rooms.names() },
    { reason: 'agent_ended', by: 'agent', stage: 'conversing', fault: 'none', goodbye: 'played' },
  );
  expect(await listSessions(deployment.directory)).toHaveLength(before + 1);
});
