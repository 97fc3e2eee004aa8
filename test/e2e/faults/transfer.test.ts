/**
 * A warm transfer: a second real participant comes into the room, or does not. (A cold one, a SIP REFER, needs LiveKit's
 * SIP service, which cannot be had here: test/unit/rooms-refer.test.ts tries it against a stand-in for the server's API.)
 */
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { expectEndedWell } from '../../contract/ended-well.ts';
import type { DeskWish } from '../agents/desk.ts';
import { deploy, type Deployment, roomsOf, startCaller } from '../harness/index.ts';
import type { CallWish } from '../harness/wishes.ts';
import { type Greeted, greeted, hears, PATIENCE_MS, patient } from '../processes/calls.ts';

const server = inject('livekit');
const REFUSED = 'Nobody is free. Can I help you?';
let deployment: Deployment;
beforeAll(async () => {
  deployment = await deploy(
    server,
    { policy: { ...patient, firstAudioMs: 4000, transferMs: 6000 }, idleProcesses: 2, calls: 5 },
    { agent: 'test/e2e/agents/desk.ts' },
  );
});
afterAll(() => deployment?.[Symbol.asyncDispose]());

/** The caller asks for somebody; the desk is called. */
async function asksForDesk(wish: DeskWish = {}): Promise<Greeted> {
  const call = await greeted(deployment, wish as CallWish);
  call.lab.play({
    rules: [
      { when: { afterTool: 'hand_over' }, answer: { say: REFUSED } },
      { when: { user: 'somebody' }, answer: { tools: [{ name: 'hand_over' }] } },
      { when: { user: 'goodbye' }, answer: { tools: [{ name: 'end_session' }] } },
    ],
  });
  await call.caller.say(call.lab, 'Can I talk to somebody?');
  await deployment.entry(call.name, 'transfer', ({ data }) => data.status === 'asked', PATIENCE_MS);
  return call;
}
const deskOf = ({ name }: Greeted) => startCaller({ server, room: name, identity: 'desk' });
const reportOf = async ({ name }: Greeted) => (await deployment.reportOf(name, PATIENCE_MS)).report;
const isThere = async ({ name }: Greeted, identity: string) =>
  (await roomsOf(server).identities(name)).includes(identity);

test('D8 C5 the desk takes the call: the agent leaves without a goodbye, and the two talk on', async () => {
  const call = await asksForDesk();
  await using caller = call.caller;
  await using desk = await deskOf(call);
  await caller.until(
    'the agent to leave',
    () => caller.find('participant.left')?.identity !== 'desk' && caller.find('participant.left'),
    PATIENCE_MS,
  );
  const report = expectEndedWell(
    { reports: [await reportOf(call)] },
    {
      reason: 'transferred',
      by: 'agent',
      stage: 'conversing',
      fault: 'none',
      goodbye: 'skipped',
      strategy: 'leave',
      left: ['caller', 'desk'],
    },
  );
  expect(report.transfers).toMatchObject([{ how: 'warm', to: 'desk', outcome: 'transferred' }]);
  expect(report.goodbye?.why).toBe('the caller talks to somebody else');
  expect(caller.find('disconnected')).toBeUndefined();
  expect(desk.find('disconnected')).toBeUndefined();
  expect((await roomsOf(server).identities(call.name)).toSorted()).toEqual(['caller', 'desk']);
});

/** The conversation goes on, and ends as any other. */
async function goesOn(call: Greeted, outcome: string): Promise<void> {
  await hears(call, REFUSED);
  await call.caller.say(call.lab, 'Goodbye.');
  await call.caller.disconnected(PATIENCE_MS);
  const report = expectEndedWell(
    { reports: [await reportOf(call)] },
    { reason: 'agent_ended', by: 'agent', stage: 'conversing', fault: 'none', goodbye: 'played' },
  );
  expect(report.transfers).toMatchObject([{ how: 'warm', to: 'desk', outcome }]);
}

test('D8 the desk comes and declines: it is out of the room, and the caller talks on with the agent', async () => {
  const call = await asksForDesk({ confirm: false });
  await using _ = call.caller;
  await using desk = await deskOf(call);
  await desk.disconnected(PATIENCE_MS);
  await goesOn(call, 'declined');
});

test('D8 nobody picks up: after transferMs the caller talks on with the agent', async () => {
  const call = await asksForDesk();
  await using _ = call.caller;
  await goesOn(call, 'no_answer');
});

test('D8 the caller hangs up in the middle: the desk is let go, and the reason is the hang-up', async () => {
  const call = await asksForDesk({ confirm: 'hangs' });
  await using caller = call.caller;
  await using desk = await deskOf(call);
  await caller.leave();
  await desk.disconnected(PATIENCE_MS);
  expectEndedWell(
    { reports: [await reportOf(call)] },
    { reason: 'caller_hung_up', by: 'caller', stage: 'conversing', fault: 'none', goodbye: 'skipped' },
  );
  expect(await isThere(call, 'desk')).toBe(false);
});
