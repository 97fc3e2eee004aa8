/** The worker dies, and its calls go on: each is left to a job of the next worker, at a moment in which nobody speaks. */
import { expect, inject, test } from 'vitest';
import { receptionist } from '../../../src/testing/index.ts';
import { deploy, HEARD, roomsOf } from '../harness/index.ts';
import { asks, GOODBYE, GREETING, greeted, hears, PATIENCE_MS, partsWith, patient } from './calls.ts';

const server = inject('livekit');
const SORRY = 'Sorry, I lost you for a moment.';
const WELL = 'Very well, thank you. And you?';

const STORY = `Our house is old: ${'it was built, and burned, and was built again, '.repeat(3)}and here it stands.`;

test('H3b T12 kill -9 of the worker with two calls: neither caller hears of it, a long reply is heard whole, the next worker has both, and the model knows what was said', async () => {
  await using deployment = await deploy(server, {
    goodbye: { say: GOODBYE },
    onCrash: { resume: 2, say: SORRY },
    policy: patient,
    idleProcesses: 2,
    calls: 2,
  });
  await deployment.warm(2, PATIENCE_MS);
  const call = await greeted(deployment);
  await using caller = call.caller;
  await asks(call);
  const other = await greeted(deployment);
  await using listener = other.caller;
  other.lab.play({
    ...receptionist,
    rules: [{ when: { user: 'story' }, answer: { say: STORY } }, ...receptionist.rules],
  });
  await listener.say(other.lab, 'Tell me the story of the house.');
  await listener.until('the story', () => listener.line(other.lab, STORY)[0], PATIENCE_MS);
  process.kill(await deployment.workerPid(), 'SIGKILL');
  for (const { name } of [call, other]) {
    const { data: left } = await deployment.entry(name, 'handed.over', () => true, PATIENCE_MS);
    expect(left).toEqual({ isCalm: true });
  }
  expect(listener.line(other.lab, STORY)).toMatchObject([{ times: 1 }]);
  expect(listener.line(other.lab, STORY)[0]?.share).toBeGreaterThan(HEARD);
  const areThere = async () => (await deployment.log()).split('the call goes on with another job').length > 2;
  await expect.poll(areThere, { timeout: PATIENCE_MS }).toBe(true);

  await caller.say(call.lab, 'How are you?');
  await hears(call, WELL);
  const asked = call.lab.log.flatMap((entry) => (entry.kind === 'asked' ? [entry.prompt.messages] : [])).at(-1) ?? [];
  expect(asked.some(({ role, content }) => role === 'tool' && /nine to five/.test(content ?? ''))).toBe(true);
  await partsWith(call);
  await partsWith(other);

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

test('H3b A3 kill -9 of the worker and then of the keeper: the next keeper hears from the job that it waits, and its call goes on with a job of the next worker', async () => {
  await using deployment = await deploy(server, {
    goodbye: { say: GOODBYE },
    onCrash: { resume: 2, say: SORRY },
    policy: patient,
    calls: 1,
  });
  const call = await greeted(deployment);
  await using caller = call.caller;
  process.kill(await deployment.workerPid(), 'SIGKILL');
  const isOrphan = async () => (await deployment.log()).includes('the worker is gone; the call goes on');
  await expect.poll(isOrphan, { timeout: PATIENCE_MS }).toBe(true);
  deployment.signal('SIGKILL');
  await deployment.ended(PATIENCE_MS);
  await deployment.restart();
  const { data: left } = await deployment.entry(call.name, 'handed.over', () => true, PATIENCE_MS);
  expect(left).toEqual({ isCalm: true });
  const isThere = async () => (await deployment.log()).includes('the call goes on with another job');
  await expect.poll(isThere, { timeout: PATIENCE_MS }).toBe(true);
  await asks(call);
  await partsWith(call);
  const { report } = await deployment.reportOf(call.name, PATIENCE_MS);
  expect(report.end).toMatchObject({ by: 'agent', reason: 'agent_ended' });
  expect(report.completeness.epochs).toHaveLength(2);
  expect(caller.line(call.lab, SORRY)).toEqual([]);
});
