/**
 * O-E1 to O-E6 on the wire: agents that end their calls by the SDK's own means. The goodbye is heard whole, the reason is
 * true, there is one report, and the room is left or deleted as was promised.
 */
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { WellEnded } from '../../contract/ended-well.ts';
import type { OwnEndWish } from '../agents/own-ends.ts';
import { type Caller, deploy, type Deployment, HEARD_WHOLE, roomsOf, until } from '../harness/index.ts';
import type { CallWish } from '../harness/wishes.ts';
import { GOODBYE, type Greeted, greeted, parted, PATIENCE_MS, patient, reportsAbout } from '../processes/calls.ts';
import { expectEndedWell } from '../../contract/ended-well.ts';

const server = inject('livekit');
const rooms = roomsOf(server);
const FAREWELL = 'It was a pleasure to talk to you. Have a nice day, and see you soon.';
const LONG = { timeout: 60_000 };

let deployment: Deployment;
beforeAll(async () => {
  deployment = await deploy(
    server,
    { goodbye: { say: GOODBYE }, policy: patient, calls: leaves.length + deletes.length + 1 },
    { agent: 'test/e2e/agents/own-ends.ts' },
  );
});
afterAll(() => deployment?.[Symbol.asyncDispose]());

/** The model ends the call when it is asked to, and has a word for what the tool returns. */
async function asked(wish: OwnEndWish): Promise<Greeted> {
  const call = await greeted(deployment, wish as CallWish);
  const name = wish.end === 'end_call' ? 'end_call' : 'hang_up';
  call.lab.play({
    rules: [
      { when: { user: 'that is all' }, answer: { tools: [{ name }] } },
      { when: { afterTool: 'end_call' }, answer: { say: FAREWELL } },
    ],
    otherwise: { say: 'All right, I have done that for you.' },
  });
  await call.caller.say(call.lab, 'Thank you, that is all.');
  return call;
}

const shareOf = ({ caller, lab }: Greeted, line: string) => caller.line(lab, line).map(({ share }) => share);
const tells = (text: string) =>
  until(
    text,
    async () => (await deployment.log()).includes(`told: ${text}`),
    PATIENCE_MS,
    () => deployment.log(),
  );

/** One report, one last word that was heard to its end, nothing after it, and no time in which nothing was heard. */
async function endedWell(call: Greeted, lastWord: string, goneAt: number, wanted: Partial<WellEnded>) {
  const reports = await reportsAbout(deployment, call.name);
  const report = expectEndedWell({ reports }, { ...parted, ...wanted });
  expect(report.alsoTriggered).toEqual([]);
  expect(report.errors).toEqual([]);
  const shares = shareOf(call, lastWord);
  expect(shares, 'heard once').toHaveLength(1);
  expect(shares[0]).toBeGreaterThan(HEARD_WHOLE);
  expect(shareOf(call, 'All right, I have done that for you.')).toEqual([]);
  const sounds = call.caller.sounds();
  expect(goneAt - (sounds.at(-1)?.to ?? 0)).toBeLessThan(2000);
  await tells(`callback of ${report.session}`);
  return report;
}

const goneAtOf = (caller: Caller, agent: string) =>
  caller
    .until('the agent to be gone', () => caller.find('participant.left')?.identity === agent && Date.now(), PATIENCE_MS)
    .then(Number);

const leaves = [
  ['O-E1', { end: 'ctx.shutdown' }, { reason: 'caller is done' }],
  ['O-E4', { end: 'room.disconnect' }, {}],
] as const;
test.each(leaves)('%s %j: goodbye, and the others stay in the room', LONG, async (_, wish, wanted) => {
  const call = await asked(wish);
  await using caller = call.caller;
  const identities = await rooms.identities(call.name);
  const agent = identities.find((identity) => identity !== 'caller') ?? '';
  const goneAt = await goneAtOf(caller, agent);
  await endedWell(call, GOODBYE, goneAt, { strategy: 'leave', left: ['caller'], ...wanted });
  expect(await rooms.identities(call.name)).toEqual(['caller']);
  expect(caller.find('disconnected')).toBeUndefined();
  await rooms.delete(call.name);
});

const deletes = [
  ['O-E2', { end: 'session.shutdown' }, { detail: 'session.shutdown' }],
  ['O-E5', { end: 'ctx.deleteRoom' }, { detail: 'ctx.deleteRoom' }],
  ['O-E3', { end: 'close from a timer' }, { detail: 'session.close' }],
] as const;
test.each(deletes)('%s %j: goodbye, and the room is deleted once', LONG, async (_, wish, wanted) => {
  const call = await asked(wish);
  await using caller = call.caller;
  const { at, reason } = await caller.disconnected(30_000);
  expect(reason).toBe('ROOM_DELETED');
  if (wish.end === 'close from a timer') {
    // The model goes on while the timer runs: what it says then is cut, and the rest is as ever.
    const [report] = await reportsAbout(deployment, call.name);
    expect(report).toMatchObject({ end: { by: 'agent', reason: 'agent_ended' }, goodbye: { outcome: 'played' } });
    await tells(`a report of ${report?.session}`);
    return;
  }
  const report = await endedWell(call, GOODBYE, at, wanted);
  if (wish.end === 'session.shutdown') await tells(`closed ${report.session}`);
  expect(await rooms.names()).not.toContain(call.name);
});

test(
  'O-E6 createEndCallTool: its farewell is heard whole, ours is not said, and the room is deleted',
  LONG,
  async () => {
    const call = await asked({ end: 'end_call', deleteRoom: true });
    await using caller = call.caller;
    const { at, reason } = await caller.disconnected(30_000);
    expect(reason).toBe('ROOM_DELETED');
    const report = await endedWell(call, FAREWELL, at, { goodbye: 'skipped', detail: 'createEndCallTool' });
    expect(report.goodbye?.why).toBe("the model's own farewell was the goodbye");
    expect(shareOf(call, GOODBYE)).toEqual([]);
  },
);
