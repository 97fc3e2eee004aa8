/**
 * What happens to the process itself, as machine events: the second net inside the job. The first is the keeper.
 */
import { endOf } from '../../../machines/index.ts';
import { messageOf } from '../../session/deadline.ts';
import type { LiveJob } from '../live-job.ts';
import { noteError } from '../note-error.ts';

/** The SDK lets an orphaned job live 13.4 to 16 s; what is left has to suffice for goodbye, hang-up and report. */
const ORPHAN_GRACE_MS = 12_000;

/** Attached for the life of the process: after the session there is nobody left to harm. */
export function observeProcess(job: LiveJob): void {
  process.on('uncaughtException', (error) => {
    noteError(job, 'process', error, false);
    const end = endOf('system', 'process_crashed', 'application', `uncaught: ${messageOf(error)}`);
    job.run.send({ type: 'session.failed', end });
  });
  // The SDK raises some of these by itself when a provider fails; a call outlives them.
  process.on('unhandledRejection', (error) => noteError(job, 'process', error));
  process.on('disconnect', () => {
    const end = endOf('system', 'worker_lost', 'platform', 'the worker process is gone');
    job.run.send({ type: 'shutdown.requested', end, graceMs: ORPHAN_GRACE_MS });
  });
}
