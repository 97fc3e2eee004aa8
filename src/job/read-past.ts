/**
 * Which session a job takes over, if it does, what is left of that, and what holds on. Read before the job opens a journal
 * of its own.
 */
import { definePolicy } from '../../machines/index.ts';
import { readSession } from '../journal/read.ts';
import { readSuccession } from '../journal/succession.ts';
import type { JobFacts } from '../journal/entry.ts';
import { messageOf } from '../errors/thrown.ts';
import type { Defined } from '../livekit/definition.ts';
import { type Past, pastOf } from '../report/past.ts';
import type { Log } from '../session/ports.ts';
import { settledWithin } from '../waiting/deadline.ts';

/** The caller waits in silence, and the keeper for `takeoverMs`: 5,000 entries take 60 ms to read. */
const PAST_MS = 800;

/** Of a history that cannot be had: the call goes on without one, and says that it lacks something. */
const nothing = (session: JobFacts['session'], epoch: number): Past => ({
  ...pastOf({ session, epochs: [], keeper: [] }, epoch),
  isIncomplete: true,
});

/** *Effect.* @param dispatched what LiveKit says of the job. @throws Error for a succession that cannot be read */
export async function readPast(
  directory: string,
  dispatched: JobFacts,
  log: Log,
): Promise<{ facts: JobFacts; past: Past | undefined }> {
  const successor = await readSuccession(directory, dispatched.job);
  if (!successor) return { facts: dispatched, past: undefined };
  const facts = { ...dispatched, ...successor };
  const { session, epoch } = facts;
  const read = await settledWithin(readSession(directory, session), PAST_MS);
  if (read.kind === 'settled') return { facts, past: pastOf(read.value, epoch) };
  const why = read.kind === 'failed' ? messageOf(read.error) : `no answer in ${PAST_MS} ms`;
  log.error({ session, error: why }, 'what was said before cannot be read; the call goes on without it');
  return { facts, past: nothing(session, epoch) };
}

/** *Pure.* Who has not come yet is greeted as by the first job, and its agent and hooks know of no other one. */
export const pastToTell = (past: Past | undefined): Past | undefined =>
  past?.awaited?.wasThere === false ? undefined : past;

/** *Pure.* The limits that the call began with hold across a crash, and across a deploy that comes with it. */
export const asBefore = (definition: Defined, past: Past | undefined): Defined => {
  if (!past) return definition;
  try {
    const policy = past.policy === undefined ? definition.policy : definePolicy(past.policy);
    return { ...definition, policy, hangUp: past.hangUp ?? definition.hangUp };
  } catch {
    return definition; // limits of another version, which this one refuses
  }
};
