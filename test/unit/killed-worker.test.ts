/** A worker is killed while its job answers it: the job loses an answer, and nothing else. */
import { spawn } from 'node:child_process';
import { expect, test } from 'vitest';
import { compiled } from '../e2e/harness/compiled.ts';

test('what a job sends to a worker that was killed a moment ago is lost, and its call is not failed for it', async () => {
  const job = JSON.stringify(compiled('test/unit/killed-worker-process.ts'));
  const worker = spawn(process.execPath, ['-e', `require('node:child_process').fork(${job}).send('ping')`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let printed = '';
  worker.stdout.on('data', (part: Buffer) => (printed += part.toString()));
  // Closed when the job has ended, too: it prints there.
  await new Promise((resolve) => worker.once('close', resolve));
  expect(worker.signalCode).toBe('SIGKILL');
  expect(printed).toBe('the worker is lost\n');
});
