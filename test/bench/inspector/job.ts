/** The process that writes as a job does, from the benchmark's side. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { compiled } from '../../e2e/harness/index.ts';
import type { FromJob, ToJob, Written } from './job-messages.ts';

export async function startJob(directory: string, session: string) {
  const child: ChildProcess = fork(compiled('test/bench/inspector/job-process.ts'), [directory, session], {
    execArgv: [],
  });
  const next = async (): Promise<FromJob> => ((await once(child, 'message')) as [FromJob])[0];
  const first = await next();
  if (first.type !== 'ready') throw new Error(`job: expected ready, got ${first.type}`);
  return {
    async steps(wish: Omit<ToJob, 'type'>): Promise<Written[]> {
      const answer = next();
      child.send({ type: 'steps', ...wish } satisfies ToJob);
      const told = await answer;
      return told.type === 'written' ? told.steps : [];
    },
    [Symbol.dispose]() {
      child.kill('SIGKILL');
    },
  };
}
