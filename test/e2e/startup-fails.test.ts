/** Whatever throws or hangs before the first word: the caller hears an apology, and is let go within `startBound`. */
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { defaultPolicy, startBound } from '../../src/index.ts';
import { deploy, type Deployment } from './harness/index.ts';
import { endedWell } from './processes/calls.ts';
import type { CallWish } from './harness/wishes.ts';

const server = inject('livekit');
let deployment: Deployment;
beforeAll(async () => {
  deployment = await deploy(server);
});
afterAll(() => deployment?.[Symbol.asyncDispose]());

const planted: { start: NonNullable<CallWish['start']>; component: string; message: string }[] = [
  { start: 'session throws', component: 'session', message: 'planted: session() throws' },
  { start: 'agent throws', component: 'agent', message: 'planted: agent() throws' },
  { start: 'session hangs', component: '', message: '' },
];
for (const { start, component, message } of planted) {
  test(`T15 ${start.replace(' ', '() ')}: the apology is heard, the caller is released within startBound, the report says why`, async () => {
    const { name, caller: made } = await deployment.call({ start });
    await using caller = made;
    const { at } = await caller.disconnected(startBound(defaultPolicy) + 5000);
    expect(at - caller.joinedAt).toBeLessThan(startBound(defaultPolicy));
    const recordings = await caller.recordings();
    expect(recordings.map((each) => each.name)).toEqual(['apology']);

    const report = await endedWell(server, deployment, name, {
      by: 'system',
      reason: 'startup_failed',
      fault: 'application',
      stage: 'connecting',
      apology: 'bundled',
      goodbye: 'skipped',
    });
    if (message !== '') expect(report.errors).toContainEqual(expect.objectContaining({ component, message }));
  });
}
