/** The worker dies, and its calls go on: each is left to a job of the next worker, at a moment in which nobody speaks. */
import { expect, inject, test } from 'vitest';
import { deploy, roomsOf } from '../harness/index.ts';
import { asks, GOODBYE, GREETING, greeted, hears, PATIENCE_MS, partsWith, patient } from './calls.ts';

const server = inject('livekit');
const SORRY = 'Sorry, I lost you for a moment.';
const WELL = 'Very well, thank you. And you?';

test('H3b T12 kill -9 of the worker: the caller hears nothing of it, the next worker has the call, and the model knows what was said', async () => {
  await using deployment = await deploy(server, {
    goodbye: { say: GOODBYE },
    onCrash: { resume: 2, say: SORRY },
    policy: patient,
    calls: 1,
  });
  const call = await greeted(deployment);
  await using caller = call.caller;
  await asks(call);
  process.kill(await deployment.workerPid(), 'SIGKILL');
  const { data: left } = await deployment.entry(call.name, 'handed.over', () => true, 2 * PATIENCE_MS);
  expect(left).toEqual({ isCalm: true });
  const isThere = async () => (await deployment.log()).includes('the call goes on with another job');
  await expect.poll(isThere, { timeout: PATIENCE_MS }).toBe(true);

  await caller.say(call.lab, 'How are you?');
  await hears(call, WELL);
  const asked = call.lab.log.flatMap((entry) => (entry.kind === 'asked' ? [entry.prompt.messages] : [])).at(-1) ?? [];
  expect(asked.some(({ role, content }) => role === 'tool' && /nine to five/.test(content ?? ''))).toBe(true);
  await partsWith(call);

  const { report } = await deployment.reportOf(call.name, PATIENCE_MS);
  expect(report.end).toMatchObject({ by: 'agent', reason: 'agent_ended' });
  expect(report.errors).toEqual([]);
  expect(report.completeness).toMatchObject({ status: 'closed', gaps: [], noticed: [{ what: 'died', epoch: 1 }] });
  expect(report.completeness.noticed[0]?.detail).toMatch(/its worker was gone/);
  expect(report.completeness.epochs).toMatchObject([{ epoch: 1 }, { epoch: 2, closed: true }]);
  expect(caller.line(call.lab, GREETING), 'greeted once').toHaveLength(1);
  expect(caller.line(call.lab, SORRY), 'nothing to excuse').toEqual([]);
  expect(await roomsOf(server).names()).not.toContain(call.name);
});
