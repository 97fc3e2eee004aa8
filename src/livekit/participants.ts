/**
 * Participant entrypoints: one wrapper of our own is registered with the SDK, because a synchronous throw in one would
 * make connect() fail and skip the others (sdk-facts, 12).
 */
import type { RemoteParticipant } from '@livekit/rtc-node';
import { settledWithin } from '../waiting/deadline.ts';
import { inCall } from './current-call.ts';
import type { LiveJob } from './live-job.ts';
import { noteError } from './note-error.ts';
import { isFor, runOf } from './participant-entries.ts';

/** Before connect(): entrypoints run inside it for those who are there already. */
export function registerParticipants(job: LiveJob): void {
  const { participants, policy } = job.definition;
  if (participants.length === 0) return;
  job.call.context.addParticipantEntrypoint(async (_context, participant: RemoteParticipant) => {
    await Promise.all(
      participants.map(async (entry, index) => {
        if (!isFor(entry, participant)) return;
        const run = runOf(entry);
        const name = `participant entrypoint ${typeof entry === 'function' ? entry.name || index + 1 : `${index + 1} (${entry.kind})`}`;
        const outcome = await settledWithin(
          inCall(job.call, async () => run(job.call, participant)),
          policy.maxDurationMs,
        );
        if (outcome.kind === 'failed') noteError(job, name, outcome.error);
        if (outcome.kind === 'late') noteError(job, name, new Error('did not settle while the call could last'));
      }),
    );
  });
}
