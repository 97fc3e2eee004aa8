/**
 * A job, put together: each part gets what it needs when it is made, and nothing is at work yet. The same for a call in
 * production and for those of the tests; `run.start(effectsOf(job, …))` begins it.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { EventEmitter } from 'node:events';
import { MAX_TIMER_MS, type Input } from '../../machines/index.ts';
import { inCall } from '../livekit/current-call.ts';
import type { Defined } from '../livekit/definition.ts';
import { Guarded } from '../livekit/guard/guarded.ts';
import { OwnEnds } from '../livekit/guard/own-ends.ts';
import type { LiveJob } from '../livekit/live-job.ts';
import { Turns } from '../livekit/observe/turns.ts';
import type { OpenCall } from '../livekit/open-call.ts';
import { Snapshots } from '../livekit/snapshot.ts';
import type { Reporter, Venue } from '../livekit/venue.ts';
import type { Past } from '../report/past.ts';
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
  const input = inputOf(definition, opened.past);
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
    guarded: new Guarded(),
    ears: new EventEmitter(),
    entering: new AsyncLocalStorage<{ isOn: boolean }>(),
    snapshots: definition.snapshot && new Snapshots(opened, definition.snapshot),
  };
  const job: LiveJob = Object.assign(parts, { ownEnds: new OwnEnds(parts) });
  begins(job);
  void run.closed.then(() => (job.guarded.isOver = true));
  return job;
}

/** The wall clock may have been set since: a time that no call can have is none. */
const elapsedOf = ({ openedAt }: Past): number =>
  Math.min(MAX_TIMER_MS, Math.max(0, Date.now() - (openedAt ?? Date.now())));

const inputOf = ({ policy, greeting, goodbye, ofCall, program }: Defined, past: Past | undefined): Input => ({
  policy,
  // Who was left in a calm moment waits for nothing, and hears no excuse; a program says itself what is to be said.
  resumed: past !== undefined && !past.isCalm && !program,
  elapsedMs: past ? elapsedOf(past) : 0,
  greeting: past?.isCalm ? 'wait' : typeof greeting === 'object' ? 'say' : greeting,
  goodbye: ofCall.goodbye !== undefined || goodbye !== 'none',
});
