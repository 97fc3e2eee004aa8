/** A short `npm run torture`, as it is run for hours: one caller, whose jobs are killed at random, on a server of its own. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { compiled } from '../harness/index.ts';

const MINUTES = '0.7';
/** The last call, what is owed, and the end of the deployment. */
const LIMIT_MS = 240_000;

test(
  'G7 jobs killed at random in calls at human speed: no report is lost or doubled, nobody is left alone, no room is left',
  { timeout: LIMIT_MS },
  async () => {
    const options = ['--minutes', MINUTES, '--callers', '1', '--only', 'job', '--seed', '11'];
    const run = fork(compiled('test/torture/main.ts'), options, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    let said = '';
    for (const stream of [run.stdout, run.stderr]) stream?.on('data', (text: Buffer) => (said += text.toString()));
    const late = setTimeout(() => run.kill('SIGTERM'), LIMIT_MS - 20_000);
    const [code] = (await once(run, 'exit')) as [number | null];
    clearTimeout(late);
    expect(code, said).toBe(0);
    expect(Number(/\bjob: (\d+)/.exec(said)?.[1]), said).toBeGreaterThan(0);
  },
);
