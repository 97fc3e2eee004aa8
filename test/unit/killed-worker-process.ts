/**
 * Stands in for a job whose worker, its parent, is killed: it answers that worker before it knows. Prints what the call
 * learns of it. Built into dist.
 */
import type { LiveJob } from '../../src/livekit/live-job.ts';
import { observeProcess } from '../../src/livekit/observe/process.ts';

/** The kernel takes the parent and its channel apart in a few of these. */
const DEATH_MS = 300;

const job = {
  run: { send: (event: { type: string }) => console.log(`machine: ${event.type}`), hasTag: () => false },
  recorder: { append: (kind: string) => console.log(`journal: ${kind}`) },
  log: { debug: () => {}, error: () => {} },
} as unknown as LiveJob;

observeProcess(job, () => {
  console.log('the worker is lost');
  setTimeout(() => process.exit(0), DEATH_MS);
});
process.once('message', () => {
  process.kill(process.ppid, 'SIGKILL');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, DEATH_MS); // nothing is heard meanwhile
  process.send?.({ case: 'pongResponse' });
});
