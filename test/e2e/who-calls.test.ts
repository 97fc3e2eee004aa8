/** Who the caller is: a telephone that rings until we speak, others in the room, whom the options name, signs of life. */
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { Policy } from '../../machines/index.ts';
import { expectEndedWell, type WellEnded } from '../contract/ended-well.ts';
import { type Caller, type CallerWish, deploy, type Deployment, roomsOf, startCaller } from './harness/index.ts';
import type { CallWish, DeploymentWish } from './harness/wishes.ts';
import {
  asks,
  GOODBYE,
  type Greeted,
  GREETING,
  hears,
  parted,
  partsWith,
  PATIENCE_MS,
  patient,
  reportsAbout,
} from './processes/calls.ts';

const server = inject('livekit');
const rooms = roomsOf(server);
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function deployed(wish: DeploymentWish, agent?: string): Promise<Deployment> {
  const policy = { ...patient, ...(wish.policy as Partial<Policy>) };
  const all = { goodbye: { say: GOODBYE }, ...wish, policy };
  const made = await deploy(server, all, agent === undefined ? {} : { agent });
  if (agent === undefined) await made.warm(1, PATIENCE_MS); // only that one says when it is
  return made;
}
const comes = (room: string, wish: Partial<CallerWish> = {}) => startCaller({ server, room, ...wish });
const endedWell = async (deployment: Deployment, room: string, wanted: WellEnded = parted) =>
  expectEndedWell({ reports: await reportsAbout(deployment, room), rooms: await rooms.names() }, wanted);
const callersIn = ({ participants }: { participants: { isCaller: boolean; identity: string }[] }) =>
  participants.filter(({ isCaller }) => isCaller).map(({ identity }) => identity);

/** As a gateway brings in a telephone: it rings, and is picked up once it hears somebody's track. */
async function ringsIn(
  room: string,
  attributes: Record<string, string> = {},
): Promise<Caller & { pickedUpAt: number }> {
  const ringing = { 'sip.callStatus': 'ringing', 'sip.phoneNumber': '+15550100', ...attributes };
  const caller = await comes(room, { kind: 'sip', attributes: ringing });
  try {
    await caller.until('a track of somebody', () => caller.find('track.heard'), PATIENCE_MS);
    expect(caller.sounds()).toEqual([]);
    const pickedUpAt = Date.now();
    await rooms.setAttributes(room, caller.identity, { 'sip.callStatus': 'active' });
    return Object.assign(caller, { pickedUpAt });
  } catch (error) {
    await caller[Symbol.asyncDispose]();
    throw error;
  }
}

/** A telephone is taken out of the room before that is deleted. */
async function hangsUpAfter(call: Greeted): Promise<void> {
  await call.caller.say(call.lab, 'Goodbye.');
  await hears(call, GOODBYE);
  await call.caller.disconnected(PATIENCE_MS);
}

describe('greeting: say', () => {
  let deployment: Deployment;
  beforeAll(async () => void (deployment = await deployed({ namesCaller: true, idleProcesses: 2, calls: 2 })));
  afterAll(() => deployment?.[Symbol.asyncDispose]());

  test('O-C1 a telephone rings until we publish: picked up, then greeted, and the call counts from there', async () => {
    const { name, lab } = await deployment.room();
    await using caller = await ringsIn(name);
    const call = { name, lab, caller };
    await hears(call, GREETING);
    expect(caller.line(lab, GREETING)[0]?.firstAt).toBeGreaterThan(caller.pickedUpAt);
    await asks(call);
    await hangsUpAfter(call);
    const report = await endedWell(deployment, name);
    expect(callersIn(report)).toEqual(['caller']);
    expect(Date.parse(report.times.callerJoinedAt ?? '')).toBeGreaterThan(caller.pickedUpAt - 50);
  });

  test('O-C2 an observer and a colleague come first, the caller is named: greeted, heard, and theirs is the end', async () => {
    const { name, lab } = await deployment.room({ caller: { participantIdentity: 'caller' } });
    await using observer = await comes(name, { identity: 'observer', isObserver: true });
    await using colleague = await comes(name, { identity: 'colleague' });
    await deployment.entry(name, 'participant', ({ data }) => data.identity === 'colleague', PATIENCE_MS);
    await wait(500);
    expect(colleague.sounds()).toEqual([]);
    await using caller = await comes(name);
    const call = { name, lab, caller };
    await hears(call, GREETING);
    await colleague.leave();
    await observer.leave();
    await asks(call);
    await partsWith(call);
    const report = await endedWell(deployment, name);
    expect(callersIn(report)).toEqual(['caller']);
    expect(report.alsoTriggered).toEqual([]);
  });
});

describe("greeting: 'agent'", () => {
  let deployment: Deployment;
  const greets: CallWish = { greeting: GREETING };
  beforeAll(async () => void (deployment = await deployed({ greeting: 'agent', namesCaller: true, calls: 1 })));
  afterAll(() => deployment?.[Symbol.asyncDispose]());

  test('O-C1 a telephone rings until somebody publishes: picked up, and then the agent’s own greeting is heard whole', async () => {
    await deployment.warm(1, PATIENCE_MS);
    const { name, lab } = await deployment.room(greets);
    await using caller = await ringsIn(name, { 'sip.ruleID': 'SDR_1' });
    const call = { name, lab, caller };
    await hears(call, GREETING);
    await asks(call);
    await hangsUpAfter(call);
    expect(callersIn(await endedWell(deployment, name))).toEqual(['caller']);
  });
});

describe("greeting: 'wait'", () => {
  let deployment: Deployment;
  beforeAll(async () => {
    const policy = { idleMs: 3000, callerJoinMs: 6000 };
    deployment = await deployed({ greeting: 'wait', namesCaller: true, policy, calls: 2 });
  });
  afterAll(() => deployment?.[Symbol.asyncDispose]());

  test('O-C1 O-D1 a telephone is picked up and its caller types: each key is a sign of life, and no digit stands in the clear', async () => {
    const { name, lab } = await deployment.room();
    await using caller = await ringsIn(name);
    const digits = '4925000011#';
    for (const key of digits) {
      await wait(1000);
      caller.press(key);
    }
    const keys = async () =>
      (await deployment.journalOf(name))?.epochs[0]?.entries.filter(({ kind }) => kind === 'key') ?? [];
    expect(caller.sounds()).toEqual([]); // nobody was asked whether they are there
    // From here on nobody presses anything.
    await hears({ name, lab, caller }, 'Are you still there?', 0.5);
    expect((await keys()).map(({ data }) => data)).toEqual(
      Array.from(digits).map((digit) => ({ identity: 'caller', pii: { digit } })),
    );
    await caller.leave();
    await endedWell(deployment, name, { ...parted, reason: 'caller_hung_up', by: 'caller', goodbye: 'skipped' });
  });

  test('O-C2 the identity that is named never comes: never_joined, and the detail says who was expected and who was there', async () => {
    await deployment.warm(1, PATIENCE_MS);
    const { name } = await deployment.room({ caller: { participantIdentity: 'caller-7' } });
    await using colleague = await comes(name, { identity: 'colleague' });
    await colleague.disconnected(PATIENCE_MS);
    const report = await endedWell(deployment, name, {
      reason: 'never_joined',
      by: 'limit',
      stage: 'connecting',
      fault: 'caller',
      goodbye: 'skipped',
    });
    expect(report.end.detail).toBe('expected caller-7; there: colleague (somebody else is expected)');
    expect(callersIn(report)).toEqual([]);
    expect(report.times.callMs).toBeNull();
  });
});

test('O-C1 a program: a telephone rings until somebody publishes, is picked up, and hears the program’s first words whole', async () => {
  await using deployment = await deployed({ calls: 1 }, 'test/e2e/agents/program.ts');
  const { name } = await deployment.room();
  await using caller = await ringsIn(name);
  const hello = () => caller.utterances().find(({ utterance }) => utterance === 7);
  await caller.until('the program’s words', () => (hello()?.heardMs ?? 0) > 1200, PATIENCE_MS);
  expect(hello()?.firstAt).toBeGreaterThan(caller.pickedUpAt);
  await caller.disconnected(PATIENCE_MS);
  const [report] = await reportsAbout(deployment, name);
  expect(report?.end.reason).toBe('program_failed'); // as it is planted there
});
