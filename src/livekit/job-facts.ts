import type { JobContext } from '@livekit/agents';
import type { JobFacts } from '../journal/entry.ts';
import { firstJob, jobIdOf } from '../journal/ids.ts';

/**
 * *Pure.* LiveKit's job, as we write it down. What LiveKit dispatches begins a session, unless the keeper says otherwise (journal/succession.ts).
 * @throws JournalError `EBADID` for an id that cannot be a folder's name
 */
export const factsOfJob = ({ id, agentName, room, metadata, dispatchId }: JobContext['job']): JobFacts => ({
  ...firstJob(jobIdOf(id)),
  agentName,
  room: { name: room?.name ?? '', sid: room?.sid ?? '' },
  metadata,
  ...(dispatchId !== '' && { dispatch: dispatchId }),
});
