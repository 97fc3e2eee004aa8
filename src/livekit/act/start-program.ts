/** A participant without an AgentSession: the user's own loop is the call. */
import { endOf } from '../../../machines/index.ts';
import { messageOf } from '../../errors/thrown.ts';
import type { Call } from '../call.ts';
import type { LiveJob } from '../live-job.ts';
import { noteError } from '../note-error.ts';

/** Nobody tells of its turns. A snapshot that says nothing new costs no entry. */
const SNAPSHOT_EACH_MS = 1_000;

/** Started once a caller is there; its end is the session's end. Returns at once. */
export function startProgram(job: LiveJob, program: (call: Call) => Promise<void>): void {
  const run = async () => {
    await job.venue.presence(job.letGo.signal);
    const snapshots = job.snapshots && setInterval(() => job.snapshots?.take(), SNAPSHOT_EACH_MS).unref();
    job.letGo.signal.addEventListener('abort', () => clearInterval(snapshots), { once: true });
    try {
      await program(job.call);
    } finally {
      clearInterval(snapshots);
    }
  };
  run().then(
    () => job.run.send({ type: 'session.end', end: endOf('agent', 'agent_ended'), drain: false }),
    (error: unknown) => {
      if (job.letGo.signal.aborted) return;
      noteError(job, 'program', error, false);
      job.run.send({ type: 'session.failed', end: endOf('system', 'program_failed', 'application', messageOf(error)) });
    },
  );
}
