/** The worker dies, and its call goes on: it is left to a job of the next worker, at a moment in which nobody speaks. */
import { expect, inject, test } from 'vitest';
import type { Report } from '../../../src/report/schema.ts';
import { receptionist } from '../../../src/testing/index.ts';
import { deploy, type Deployment, HEARD, roomsOf } from '../harness/index.ts';
import { asks, GOODBYE, type Greeted, GREETING, greeted, hears, PATIENCE_MS, partsWith, patient } from './calls.ts';

const server = inject('livekit');
const SORRY = 'Sorry, I lost you for a moment.';
const WELL = 'Very well, thank you. And you?';

const STORY = `Our house is old: ${'it was built, and burned, and was built again, '.repeat(3)}and here it stands.`;

/** The next worker takes as long as the machine is slow; the call waits for it. */
const deployed = () =>
  deploy(server, {
    goodbye: { say: GOODBYE },
    onCrash: { resume: 2, say: SORRY },
    policy: { ...patient, shutdownBudgetMs: 60_000 },
    calls: 1,
  });
const logged = async (deployment: Deployment, text: string): Promise<void> => {
  await expect.poll(async () => (await deployment.log()).includes(text), { timeout: PATIENCE_MS }).toBe(true);
};
/** In a calm moment, and the next job is there. */
async function handedOver(deployment: Deployment, { name }: Greeted): Promise<void> {
  const { data: left } = await deployment.entry(name, 'handed.over', () => true, 2 * PATIENCE_MS);
  expect(left).toEqual({ isCalm: true });
  await logged(deployment, 'the call goes on with another job');
}
async function reportOf(deployment: Deployment, { name, lab, caller }: Greeted): Promise<Report> {
  const { report } = await deployment.reportOf(name, PATIENCE_MS);
  expect(report.end).toMatchObject({ by: 'agent', reason: 'agent_ended' });
  expect(report.completeness.epochs).toMatchObject([{ epoch: 1 }, { epoch: 2, closed: true }]);
  expect(caller.line(lab, SORRY), 'nothing to excuse').toEqual([]);
  return report;
}

test('H3b T12 kill -9 of the worker: a long reply is heard whole, the caller hears nothing of it, the next worker has the call, and the model knows what was said', async () => {
  await using deployment = await deployed();
  const call = await greeted(deployment);
  await using caller = call.caller;
  await asks(call);
  call.lab.play({
    ...receptionist,
    rules: [{ when: { user: 'story' }, answer: { say: STORY } }, ...receptionist.rules],
  });
  await caller.say(call.lab, 'Tell me the story of the house.');
  await caller.until('the story', () => caller.line(call.lab, STORY)[0], PATIENCE_MS);
  process.kill(await deployment.workerPid(), 'SIGKILL');
  await handedOver(deployment, call);
  expect(caller.line(call.lab, STORY)).toMatchObject([{ times: 1 }]);
  expect(caller.line(call.lab, STORY)[0]?.share).toBeGreaterThan(HEARD);

  await caller.say(call.lab, 'How are you?');
  await hears(call, WELL);
  const asked = call.lab.log.flatMap((entry) => (entry.kind === 'asked' ? [entry.prompt.messages] : [])).at(-1) ?? [];
  expect(asked.some(({ role, content }) => role === 'tool' && /nine to five/.test(content ?? ''))).toBe(true);
  await partsWith(call);

  const { epochs = [], keeper = [] } = (await deployment.journalOf(call.name)) ?? {};
  const calledAt = keeper.find(({ kind }) => kind === 'keeper.dispatched')?.at ?? Infinity;
  const leftAt = epochs[0]?.entries.find(({ kind }) => kind === 'handed.over')?.at;
  expect(calledAt, 'the next job is called for while this one listens').toBeLessThan(leftAt ?? 0);

  const report = await reportOf(deployment, call);
  expect(report.errors).toEqual([]);
  expect(report.completeness).toMatchObject({ status: 'closed', gaps: [], noticed: [{ what: 'died', epoch: 1 }] });
  expect(report.completeness.noticed[0]?.detail).toMatch(/its worker was gone/);
  expect(caller.line(call.lab, GREETING), 'greeted once').toHaveLength(1);
  expect(await roomsOf(server).names()).not.toContain(call.name);
});
