/** The worker is replaced, and no call ends by it: each moves to the next worker in a moment in which nobody speaks. */
import { expect, inject, test } from 'vitest';
import { askToReload } from '../../../src/link/ask-keeper.ts';
import type { Report } from '../../../src/report/schema.ts';
import { deploy, type Deployment, freePort } from '../harness/index.ts';
import { asks, GOODBYE, type Greeted, GREETING, greeted, hears, PATIENCE_MS, partsWith, patient } from './calls.ts';

const server = inject('livekit');
const SORRY = 'Sorry, I lost you for a moment.';
const common = { goodbye: { say: GOODBYE }, policy: { ...patient, shutdownBudgetMs: 90_000 }, idleProcesses: 1 };

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};
/** In a calm moment, and the next job is there. */
async function moved(deployment: Deployment, { name }: Greeted): Promise<void> {
  const { data: left } = await deployment.entry(name, 'handed.over', () => true, 2 * PATIENCE_MS);
  expect(left).toEqual({ isCalm: true });
  const isThere = async () => (await deployment.log()).includes('the call goes on with another job');
  await expect.poll(isThere, { timeout: PATIENCE_MS }).toBe(true);
}
async function reportOf(deployment: Deployment, { name }: Greeted): Promise<Report> {
  const { report } = await deployment.reportOf(name, PATIENCE_MS);
  expect(report.end).toMatchObject({ by: 'agent', reason: 'agent_ended' });
  expect(report.completeness.epochs).toMatchObject([{ epoch: 1 }, { epoch: 2, closed: true }]);
  expect(report.completeness).toMatchObject({ status: 'closed', gaps: [] });
  expect(report.errors).toEqual([]);
  return report;
}

test('a worker is replaced: its call moves unheard and goes on, who calls meanwhile is answered, and the one before goes', async () => {
  const port = await freePort();
  await using deployment = await deploy(server, { ...common, onCrash: { resume: 2, say: SORRY } }, { port });
  const call = await greeted(deployment);
  await using caller = call.caller;
  await asks(call);
  const before = await deployment.workerPid();

  const asked = await askToReload(deployment.directory);
  expect(asked).toMatchObject({ calls: 1 });
  const { worker } = asked as { worker: number };
  expect(worker).not.toBe(before);
  const meanwhile = await deployment.call();
  await using other = meanwhile.caller;
  await hears(meanwhile, GREETING, 0.5);
  await moved(deployment, call);
  await expect.poll(() => isAlive(before), { timeout: 2 * PATIENCE_MS }).toBe(false);
  expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(200);

  await caller.say(call.lab, 'How are you?');
  await hears(call, 'Very well, thank you. And you?');
  await partsWith(call);
  await partsWith(meanwhile);
  const report = await reportOf(deployment, call);
  expect(report.completeness.noticed[0]?.detail).toMatch(/gone or replaced/);
  expect([caller.line(call.lab, SORRY), caller.line(call.lab, GREETING).length]).toEqual([[], 1]);
  expect((await deployment.reportOf(meanwhile.name, PATIENCE_MS)).report.end.reason).toBe('agent_ended');
  expect(other.find('disconnected')?.reason).toBe('ROOM_DELETED');
});
