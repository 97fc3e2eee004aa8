/** A job's first entry: whose call it is, who speaks in it, and what holds for it (D1 in run-job.ts). */
import { type JobContext, version as agentsVersion } from '@livekit/agents';
import type { EntryData, JobFacts } from '../journal/entry.ts';
import { withinBudget } from '../journal/within-budget.ts';
import { type Journal, openJournal } from '../journal/write.ts';
import { apologyOf } from '../livekit/apology-of.ts';
import type { Defined } from '../livekit/definition.ts';
import type { Past } from '../report/past.ts';
import type { Log } from '../session/ports.ts';
import { version } from './version.ts';
import { hashOf, type ProcessFacts } from './warm-process.ts';

export type OpeningEntry = EntryData['session.opened'];

type Known = {
  context: JobContext;
  facts: JobFacts;
  /** As it holds for this call. */
  definition: Defined;
  past: Past | undefined;
  found: ProcessFacts;
};

/** *Pure.* */
export function firstEntryOf({ context, facts, definition, past, found }: Known): OpeningEntry {
  const { policy, hangUp, resume } = definition;
  const { type, participant } = context.job;
  return {
    ...facts,
    jobType: (['room', 'publisher', 'participant'] as const)[type] ?? String(type),
    ...(participant && { pii: { participant: participant.identity } }),
    owner: found.owner,
    identity: context.info.acceptArguments.identity || `agent-${facts.job}`,
    policy,
    policyHash: hashOf(policy),
    machineHash: found.machineHash,
    hangUp,
    versions: { lastword: version, '@livekit/agents': agentsVersion, node: process.versions.node },
    resume,
    ...apologyOf(definition),
    ...(past?.takenOver && { takenOver: past.takenOver }),
  };
}

/** *Effect.* The entry is on disk when this resolves. */
export async function openJobJournal(directory: string, first: OpeningEntry, log: Log): Promise<Journal> {
  const journal = await openJournal({
    directory,
    session: first.session,
    file: first.epoch,
    first: { kind: 'session.opened', data: first },
    // What comes after the end is nobody's trouble: the room still says good night.
    onTrouble: (error) =>
      error.code !== 'ECLOSED' && log.error({ error: error.message }, 'the journal cannot be written'),
  });
  return withinBudget(journal);
}
