/** Whatever throws or hangs before the first word: the caller hears an apology, and is let go within `startBound`. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { defaultPolicy, startBound } from '../../src/index.ts';
import { expectEndedWell } from '../contract/ended-well.ts';
import { compiled, deploy, type Deployment, roomsOf } from './harness/index.ts';
import type { CallWish } from './harness/wishes.ts';

/** Of the package, in English. */
const APOLOGY = 'Sorry, something went wrong. Please try again later.';
const server = inject('livekit');
let deployment: Deployment;
beforeAll(async () => {
  deployment = await deploy(server, { calls: planted.length });
});
afterAll(() => deployment?.[Symbol.asyncDispose]());

/** What somebody who looks at the list of sessions is shown. */
async function listed(...options: string[]): Promise<{ room: string; state: string; reason?: string }[]> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [compiled('src/cli/main.ts'), 'sessions', '--json', ...options],
    { env: { ...process.env, LASTWORD_DIR: deployment.directory } },
  );
  return JSON.parse(stdout) as { room: string; state: string; reason?: string }[];
}

/** The user's own words need their voice: `session()` has to have given it. */
const planted: {
  start: NonNullable<CallWish['start']>;
  apology: 'live' | 'bundled';
  component: string;
  message: string;
}[] = [
  { start: 'session throws', apology: 'bundled', component: 'session', message: 'planted: session() throws' },
  { start: 'agent throws', apology: 'live', component: 'agent', message: 'planted: agent() throws' },
  {
    start: 'session hangs',
    apology: 'bundled',
    component: 'session',
    message: 'it had not settled when its time was over',
  },
];
for (const { start, apology, component, message } of planted) {
  test(`A8 C1 C18 T15 T26 ${start.replace(' ', '() ')}: the apology is heard, the caller is released within startBound, what the user opened is released, and the session is shown as ended`, async () => {
    const { name, lab, caller: made } = await deployment.call({ start, onClose: 'throws' });
    await using caller = made;
    const { at } = await caller.disconnected(startBound(defaultPolicy) + 5000);
    expect(at - caller.joinedAt).toBeLessThan(startBound(defaultPolicy));
    const recordings = await caller.recordings();
    expect(recordings.map((each) => each.name)).toEqual(apology === 'live' ? [] : ['apology']);
    const lives = caller.line(lab, APOLOGY).map(({ share }) => share > 0.95);
    expect(lives).toEqual(apology === 'live' ? [true] : []);

    const report = expectEndedWell(
      { reports: [(await deployment.reportOf(name, 10_000)).report], rooms: await roomsOf(server).names() },
      {
        reason: 'startup_failed',
        by: 'system',
        stage: 'connecting',
        fault: 'application',
        goodbye: 'skipped',
        apology,
      },
    );
    expect(report.errors).toContainEqual(expect.objectContaining({ component, message }));
    expect(report.errors).toContainEqual(
      expect.objectContaining({ component: 'release planted', message: 'planted: released' }),
    );
    const rows = (await listed()).filter(({ room }) => room === name);
    expect(rows).toMatchObject([{ state: 'sealed', reason: 'startup_failed' }]);
    expect(await listed('--state', 'open')).toEqual([]);
  });
}
