/** What the exploration watches a recovery for. */
import type { AnyMachineSnapshot } from 'xstate';
import { defaultPolicy, endOf, type RecoveryContext } from '../../machines/index.ts';
import type { Model } from './explore.ts';
import { more } from './session-model.ts';

export type RecoveryFacts = {
  takeOvers: number;
  apologies: number;
  hangUps: number;
  isUnverified: boolean;
};

const contextOf = (snapshot: AnyMachineSnapshot): RecoveryContext => snapshot.context as RecoveryContext;
const either = [false, true];
const counters: Record<string, 'takeOvers' | 'apologies' | 'hangUps'> = {
  takeOver: 'takeOvers',
  apologize: 'apologies',
  hangUp: 'hangUps',
};

export const recoveryModel: Model<RecoveryFacts> = {
  inputs: [0, 1].flatMap((resumesLeft) =>
    [null, endOf('caller', 'caller_hung_up', 'none')].flatMap((end) =>
      either.flatMap((isReleased) =>
        either.map((apologizes) => ({ policy: defaultPolicy, resumesLeft, end, isReleased, apologizes })),
      ),
    ),
  ),
  events: [{ type: 'apologist.audible' }],
  outputs: (name) => {
    if (name === 'probe')
      return either.flatMap((callerThere) => either.map((successorSpeaks) => ({ callerThere, successorSpeaks })));
    if (name === 'hangUp') return either.map((verified) => ({ verified }));
    return [{}];
  },
  project: (snapshot) => {
    const { resumesLeft, end, isReleased, apologizes, outcome, isHangUpOwed } = contextOf(snapshot);
    return [resumesLeft, end !== null, isReleased, apologizes, outcome, isHangUpOwed];
  },
  begin: () => ({ takeOvers: 0, apologies: 0, hangUps: 0, isUnverified: false }),
  step: (facts, { before, event, after, asked }, broke) => {
    const next = { ...facts };
    const [was, is] = [contextOf(before), contextOf(after)];
    for (const { name } of asked) {
      const counter = counters[name];
      if (counter) next[counter] = more(next[counter]);
      if (counter && next[counter] > 1) broke(`${name} twice`);
      if (name === 'takeOver' && (was.end || was.isReleased || was.resumesLeft === 0))
        broke('a call taken over that is not wanted');
      if (name === 'apologize' && (was.end || was.isReleased || !was.apologizes)) broke('an apology that nobody wants');
      if (name === 'hangUp' && was.isReleased) broke('hung up again');
    }
    // A hang-up that failed, was late or not verified becomes a durable job.
    if (before.matches('hangingUp') && !after.matches('hangingUp'))
      next.isUnverified = (event['output'] as { verified?: boolean } | undefined)?.verified !== true;
    if (was.end && is.end !== was.end) broke('the recorded end is replaced');
    if (after.status === 'done') {
      if (is.outcome === 'open') broke('done without an outcome');
      if (is.outcome === 'released' && !is.end) broke('released without an end');
      if (is.outcome === 'released' && next.hangUps === 0 && !is.isReleased) broke('released without hanging up');
      if (is.outcome === 'resumed' && next.hangUps > 0) broke('resumed, and hung up');
      if (is.isHangUpOwed !== next.isUnverified) broke('a hang-up that is owed is not noted');
    }
    return next;
  },
};
