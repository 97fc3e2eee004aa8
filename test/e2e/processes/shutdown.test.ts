/** The keeper is told to stop while people talk. */
import { expect, inject, test } from 'vitest';
import { defaultPolicy } from '../../../src/index.ts';
import { expectEndedWell, type WellEnded } from '../../contract/ended-well.ts';
import { deploy } from '../harness/index.ts';
import { expectGoodbye, expectNoRoom, GOODBYE, greeted, PATIENCE_MS, patient, reportsOf } from './calls.ts';

const server = inject('livekit');
const toldToStop = {
  reason: 'worker_shutdown',
  by: 'operator',
  stage: 'conversing',
  fault: 'none',
  goodbye: 'played',
} as const satisfies WellEnded;

test('H1 T16 T39 T40 SIGTERM with two calls running, and again: both hear the goodbye within the budget, both reports are delivered before the exit', async () => {
  await using deployment = await deploy(server, {
    goodbye: { say: GOODBYE },
    policy: patient,
    idleProcesses: 2,
    calls: 2,
  });
  await deployment.warm(2, PATIENCE_MS);
  const calls = await Promise.all([greeted(deployment), greeted(deployment)]);
  await using one = calls[0].caller;
  await using other = calls[1].caller;
  const askedAt = Date.now();
  deployment.signal('SIGTERM');
  for (const { caller, lab } of calls)
    await caller.until('the goodbye to begin', () => caller.line(lab, GOODBYE)[0] !== undefined, PATIENCE_MS);
  deployment.signal('SIGTERM');
  const released = await Promise.all([one, other].map((caller) => caller.disconnected(defaultPolicy.shutdownBudgetMs)));
  await deployment.ended(defaultPolicy.shutdownBudgetMs);
  const delivered = [...deployment.delivered]; // at the instant of the exit

  for (const { at } of released) expect(at - askedAt).toBeLessThan(defaultPolicy.shutdownBudgetMs);
  expect(Date.now() - askedAt).toBeLessThan(defaultPolicy.shutdownBudgetMs);
  for (const call of calls) {
    expectGoodbye(call);
    const report = expectEndedWell({ reports: reportsOf({ delivered }, call.name) }, toldToStop);
    expect(report.completeness.noticed).toEqual([]);
  }
  expect((await deployment.log()).match(/"msg":"signal"/g)).toHaveLength(2);
  await expectNoRoom(server, ...calls.map(({ name }) => name));
});
