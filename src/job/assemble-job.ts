/**
 * A job, put together: each part gets what it needs when it is made, and nothing is at work yet. The same for a call in
 * production and for those of the tests; `run.start(effectsOf(job, …))` begins it.
 */
import { EventEmitter } from 'node:events';
import type { Input } from '../../machines/index.ts';
import { inCall } from '../livekit/current-call.ts';
import type { Defined } from '../livekit/definition.ts';
import { Guarded } from '../livekit/guard/guarded.ts';
import { OwnEnds } from '../livekit/guard/own-ends.ts';
import type { LiveJob } from '../livekit/live-job.ts';
import { Turns } from '../livekit/observe/turns.ts';
import type { OpenCall } from '../livekit/open-call.ts';
import type { Reporter, Venue } from '../livekit/venue.ts';
import { type RunOptions, runSession, type SessionRun } from '../session/run.ts';

export type JobParts = {
  opened: OpenCall;
  /** As it holds for this call. */
  definition: Defined;
  /** Where it takes place. */
  venueFor: (reporter: Reporter) => Venue;
  onStates?: RunOptions['onStates'];
  /** What runs the machine. Default: `runSession`. */
  makeRun?: (options: RunOptions) => SessionRun;
};

export function assembleJob({ opened, definition, venueFor, onStates, makeRun = runSession }: JobParts): LiveJob {
  const { begins, ...ofCall } = opened;
  const { call, recorder, log } = opened;
  const input = inputOf(definition);
  const run = inCall(call, () => makeRun({ input, recorder, log, ...(onStates && { onStates }) }));
  const reporter: Reporter = { send: (event) => run.send(event), recorder };
  const parts = {
    ...ofCall,
    definition,
    run,
    venue: venueFor(reporter),
    turns: new Turns({ ...reporter, idleMs: definition.policy.idleMs }),
    session: undefined,
    playout: undefined,
    speeches: new Set<never>(),
    tools: new Set<never>(),
    told: undefined,
    asked: new Set<never>(),
    fillersSaid: 0,
    transfer: undefined,
    transfersAsked: 0,
    isOrphan: false,
    guarded: new Guarded(),
    ears: new EventEmitter(),
  };
  const job: LiveJob = Object.assign(parts, { ownEnds: new OwnEnds(parts) });
  begins(job);
  void run.closed.then(() => (job.guarded.isOver = true));
  return job;
}

const inputOf = ({ policy, greeting, goodbye, ofCall }: Defined): Input => ({
  policy,
  resumed: false,
  elapsedMs: 0,
  greeting: typeof greeting === 'object' ? 'say' : greeting,
  goodbye: ofCall.goodbye !== undefined || goodbye !== 'none',
});
