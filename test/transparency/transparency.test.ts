/** The SDK's own tests with all that a job attaches on every AgentSession: `npm run test:transparency` runs all of them. */
import { expect, test } from 'vitest';
import { differing, measureDifference, shown } from './difference.ts';
import { filesWithSessions, runSdkTests, type Setting } from './sdk-tests.ts';

const MINUTES = 60_000;

test(
  "none of the SDK's own tests that start a session is lost with us, but those that differ on purpose",
  async () => {
    const difference = await measureDifference(await filesWithSessions());
    expect(difference.passAttached).toBeGreaterThan(300);
    expect(difference, shown(difference)).toMatchObject({ lost: [], stray: [] });
  },
  10 * MINUTES,
);

const planted: [Setting, string][] = [
  ['swallows', 'swallows what a tool throws'],
  ['closes-late', 'closes a session 600 ms late'],
];
test(
  'an observer that does harm loses tests',
  async () => {
    const settings = planted.map(([setting]) => setting);
    const { outcomes } = await runSdkTests(['bare', ...settings], ['agent_task_handoff_drain.test.js']);
    for (const [setting, harm] of planted) expect(differing(outcomes, setting), `one that ${harm}`).not.toEqual([]);
  },
  5 * MINUTES,
);
