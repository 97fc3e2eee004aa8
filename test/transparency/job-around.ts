/**
 * A job of production around a session that somebody else made: the real definition, machine, ledger, effects and
 * journal, with every limit at its default. Only the place is none: no room, and a caller who is there and hears all.
 */
import type { SessionEvent } from '../../machines/index.ts';
import type { Journal } from '../../src/journal/write.ts';
import { effectsOf } from '../../src/livekit/act/effects.ts';
import { setCurrentCall } from '../../src/livekit/call.ts';
import { checkDefinition } from '../../src/livekit/definition.ts';
import { OwnEnds } from '../../src/livekit/guard/own-ends.ts';
import { type LiveJob, newJob } from '../../src/livekit/live-job.ts';
import { makeCall } from '../../src/livekit/make-call.ts';
import { Turns } from '../../src/livekit/observe/turns.ts';
import type { Venue } from '../../src/livekit/venue.ts';
import type { Log } from '../../src/session/ports.ts';
import { runSession } from '../../src/session/run.ts';
import { madeContext } from '../faults/job-context.ts';

const quiet: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet };
const definition = checkDefinition({ session: () => ({}), agent: () => null as never });
const facts = { job: 'sdk', agentName: '', room: { name: 'room', sid: 'RM_1' }, metadata: '' };

/** @param started the session's own start: the machine is connecting for as long as it takes */
export function jobAround(recorder: Pick<Journal, 'append' | 'durable'>, started: () => Promise<void>): LiveJob {
  const parts: { job?: LiveJob } = {};
  const send = (event: SessionEvent) => parts.job?.run.send(event);
  const letGo = new AbortController();
  const { context } = madeContext(facts.job, facts.room.name, () => {});
  const call = makeCall({ context, facts, venue, recorder, log: quiet, letGo: letGo.signal, job: () => parts.job });
  const run = runSession({
    input: { policy: definition.policy, resumed: false, elapsedMs: 0, greeting: 'wait', goodbye: false },
    effects: {
      ...effectsOf(
        () => parts.job as LiveJob,
        undefined,
        async () => {},
      ),
      startSession: () => started(),
    },
    recorder,
    log: quiet,
  });
  const job: LiveJob = (parts.job = newJob({
    definition,
    call,
    venue,
    recorder,
    log: quiet,
    turns: new Turns({ send, recorder }),
    run,
    letGo,
  }));
  const ownEnds = (job.ownEnds = new OwnEnds(job, context));
  void run.closed.then(({ end }) => ownEnds.shutDownJob(end?.reason ?? 'closed'));
  setCurrentCall(call);
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
