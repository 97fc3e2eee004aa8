/**
 * A job of production around a session that somebody else made: the real definition, machine, ledger, effects and
 * journal, with every limit at its default. Only the place is none: no room, and a caller who is there and hears all.
 */
import { assembleJob } from '../../src/job/assemble-job.ts';
import type { Journal } from '../../src/journal/write.ts';
import { firstJob, jobIdOf } from '../../src/journal/ids.ts';
import { effectsOf } from '../../src/livekit/act/effects.ts';
import { checkDefinition } from '../../src/livekit/definition.ts';
import type { LiveJob } from '../../src/livekit/live-job.ts';
import { openCall } from '../../src/livekit/open-call.ts';
import type { Venue } from '../../src/livekit/venue.ts';
import type { Log } from '../../src/session/ports.ts';
import { madeContext } from '../faults/job-context.ts';

const quiet: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet };
const definition = checkDefinition({ session: () => ({}), agent: () => null as never });
const facts = { ...firstJob(jobIdOf('sdk')), agentName: '', room: { name: 'room', sid: 'RM_1' }, metadata: '' };

/** Begins at once. @param started the session's own start: the machine is connecting for as long as it takes */
export function jobAround(recorder: Pick<Journal, 'append' | 'durable'>, started: () => Promise<void>): LiveJob {
  const { context } = madeContext(facts.job, facts.room.name, () => {});
  const opened = openCall({ context, facts, recorder, log: quiet });
  const job = assembleJob({ opened, definition: { ...definition }, venueFor: () => venue });
  const { run, ownEnds } = job;
  void run.closed.then(({ end }) => ownEnds.shutDownJob(end?.reason ?? 'closed'));
  run.start({ ...effectsOf(job, undefined, async () => {}), startSession: () => started() });
  return job;
}

const venue: Venue = {
  connect: async () => {},
  awaitCaller: async () => ({ identity: 'caller', isSip: false }),
  caller: () => ({ identity: 'caller', isSip: false }),
  isCallerThere: () => true,
  presence: async () => {},
  expectCaller: () => {},
  somebody: async () => {},
  linked: async () => {},
  whoIsThere: () => '',
  wire: () => ({}),
  play: async (_audio, _signal, onAudible) => {
    onAudible();
    return { heardMs: 0, plannedMs: 0 };
  },
  refer: async () => ({ outcome: 'failed', error: 'refer: there is no telephone here' }),
  answered: () => new Promise<never>(() => {}),
  dismiss: async () => {},
  trouble: () => undefined,
  announce: async () => {},
  hangUp: async () => ({ verified: true, attempts: 1, left: [] }),
  leave: async () => {},
  hush: () => {},
  close: async () => {},
};
