/** The keeper dies and none follows: its worker does not outlive it for ever, and the call that runs ends in order. */
import { expect, inject, test } from 'vitest';
import { deploy, until } from '../harness/index.ts';
import { asks, endedWell, expectGoodbye, GOODBYE, greeted, PATIENCE_MS, patient } from './calls.ts';

const server = inject('livekit');
/** What the worker waits for the next keeper. */
const ALONE_MS = 60_000;

test(
  'T41 kill -9 of the keeper, and no other comes: after a minute the worker drains, the caller hears the goodbye, nobody stays, and the report is delivered by the next keeper',
  { timeout: 180_000 },
  async () => {
    await using deployment = await deploy(server, {
      goodbye: { say: GOODBYE },
      policy: { ...patient, idleMs: 120_000 },
      calls: 1,
    });
    const call = await greeted(deployment);
    await using caller = call.caller;
    const killedAt = Date.now();
    deployment.signal('SIGKILL');
    await deployment.ended(5000);
    await asks(call); // until then the call goes on
    const { at } = await caller.disconnected(ALONE_MS + PATIENCE_MS);
    expect(at - killedAt).toBeGreaterThan(ALONE_MS - 1000);
    expectGoodbye(call);
    await until(
      'nobody to be left',
      async () => (await deployment.processes()).length === 0,
      PATIENCE_MS,
      async () => `${(await deployment.processes()).join()} are still there`,
    );
    expect(deployment.delivered).toEqual([]);
    await deployment.restart();
    const report = await endedWell(server, deployment, call.name, {
      reason: 'worker_shutdown',
      by: 'operator',
      stage: 'conversing',
      fault: 'none',
      goodbye: 'played',
      strategy: 'delete-room',
    });
    expect(report.completeness.noticed).toEqual([]);
  },
);
