/** Workers and programs that start, and then do not go on as they should. */
import { expect, inject, test } from 'vitest';
import { defaultPolicy, releaseBound } from '../../../src/index.ts';
import { expectEndedWell } from '../../contract/ended-well.ts';
import { deploy, freePort, roomsOf } from '../harness/index.ts';
import { asks, GOODBYE, greeted, PATIENCE_MS, partsWith, patient } from '../processes/calls.ts';

const server = inject('livekit');
const rooms = roomsOf(server);
const wish = { goodbye: { say: GOODBYE }, policy: patient, calls: 1 };
const EXIT_MS = 40_000;
const HELLO = 7;

test('T27 the program throws after its greeting: the caller hears the apology and is let go, and nobody is left in the room', async () => {
  await using deployment = await deploy(server, { policy: patient, calls: 1 }, { agent: 'test/e2e/agents/program.ts' });
  const { name, caller: made } = await deployment.call();
  await using caller = made;
  const hello = () => caller.utterances().find(({ utterance }) => utterance === HELLO);
  await caller.until('the greeting', () => (hello()?.heardMs ?? 0) > 1000, PATIENCE_MS);
  const { at, reason } = await caller.disconnected(PATIENCE_MS);
  expect(reason).toBe('ROOM_DELETED');
  expect(at - (hello()?.lastAt ?? 0)).toBeLessThan(releaseBound({ ...defaultPolicy, ...patient }));
  expect((await caller.recordings()).map((each) => each.name)).toEqual(['apology']);
  expectEndedWell(
    { reports: [(await deployment.reportOf(name, PATIENCE_MS)).report], rooms: await rooms.names() },
    {
      reason: 'program_failed',
      by: 'system',
      stage: 'conversing',
      fault: 'application',
      detail: 'planted: the program throws after its greeting',
      goodbye: null,
      apology: 'bundled',
    },
  );
});

test('T33 two workers on one machine: the second is refused the port of the first and harms nobody, and with one of its own both serve their callers', async () => {
  const port = await freePort();
  await using one = await deploy(server, wish, { port });
  const early = await greeted(one);
  await using caller = early.caller;
  {
    await using refused = await deploy(server, wish, { port, awaitReady: false });
    expect((await refused.ended(EXIT_MS)).code).toBe(78);
    expect(await refused.log()).toContain(`lastword: port ${port}: expected it to be free`);
  }
  await using other = await deploy(server, wish);
  const late = await greeted(other);
  await using second = late.caller;
  for (const [deployment, call] of [
    [one, early],
    [other, late],
  ] as const) {
    await asks(call);
    await partsWith(call);
    expectEndedWell(
      { reports: [(await deployment.reportOf(call.name, PATIENCE_MS)).report], rooms: await rooms.names() },
      { reason: 'agent_ended', by: 'agent', stage: 'conversing', fault: 'none', goodbye: 'played' },
    );
  }
  expect([caller, second].map((each) => each.find('disconnected')?.reason)).toEqual(['ROOM_DELETED', 'ROOM_DELETED']);
});

test('T33 port 0 is refused, and does not become the port that the first worker has', async () => {
  await using deployment = await deploy(server, wish, { port: 0, awaitReady: false });
  expect((await deployment.ended(EXIT_MS)).code).toBeGreaterThan(0);
  expect(await deployment.log()).toContain('port: expected a port from 1 to 65535, got 0');
});
