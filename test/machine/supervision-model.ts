/** What the exploration watches a supervision for. */
import type { AnyMachineSnapshot } from 'xstate';
import { defaultPolicy, type SupervisionContext, type Verdict } from '../../machines/index.ts';
import type { Model } from './explore.ts';

export type SupervisionFacts = {
  isTakenInHand: boolean;
  isClosed: boolean; // its job said its last word
  recoveries: number;
  isReleased: boolean; // recovery has ended, or there was nothing to recover
  isHangUpOwed: boolean;
  isSealed: boolean;
};

const contextOf = (snapshot: AnyMachineSnapshot): SupervisionContext => snapshot.context as SupervisionContext;
const either = [false, true];
const settledBy = (event: { type: string }, effect: string, before: AnyMachineSnapshot): boolean =>
  Object.values(before._nodes.flatMap(({ invoke }) => invoke)).some(
    ({ id, src }) => src === effect && event.type === `xstate.done.actor.${id}`,
  );
type Answer = Partial<Verdict & { journal: string; agentThere: boolean; outcome: string; isHangUpOwed: boolean }>;
const outputOf = (event: object) => (event as { output: Answer }).output;

export const supervisionModel: Model<SupervisionFacts> = {
  inputs: (['none', 'opened', 'closed'] as const).flatMap((journal) =>
    either.flatMap((isWorkerHere) =>
      [0, 20_000].map((elapsedMs) => ({ policy: defaultPolicy, elapsedMs, journal, isWorkerHere })),
    ),
  ),
  events: [
    'job.launched',
    'job.unstarted',
    'job.withdrawn',
    'job.here',
    'job.beat',
    'job.lost',
    'job.closed',
    'worker.here',
    'budget.spent',
  ].map((type) => ({ type })),
  outputs: (name) => {
    if (name === 'look') return ['none', 'opened', 'closed', 'unreadable'].map((journal) => ({ journal }));
    if (name === 'secure') return ['none', 'opened', 'closed', 'withdrawn'].map((journal) => ({ journal }));
    if (name === 'ask')
      return (['alive', 'dead', 'unknown'] as const).flatMap((process) =>
        either.flatMap((isWriting) => [0, 500].map((excusedMs) => ({ process, isWriting, excusedMs }))),
      );
    if (name === 'askRoom') return either.map((agentThere) => ({ agentThere }));
    if (name === 'recover')
      return [
        ...either.map((isHangUpOwed) => ({ outcome: 'released', isHangUpOwed })),
        { outcome: 'resumed', isHangUpOwed: false },
      ];
    return [{}];
  },
  // Whoever lives, and of whom nobody can say whether they do, is waited for: no timer ends that.
  mayWaitForEver: true,
  project: (snapshot) => {
    const { journal, isWorkerHere, noticed, isHangUpOwed } = contextOf(snapshot);
    return [journal, isWorkerHere, noticed, isHangUpOwed];
  },
  begin: (_, snapshot) => {
    const isClosed = contextOf(snapshot).journal === 'closed';
    return {
      isTakenInHand: false,
      isClosed,
      recoveries: 0,
      isReleased: isClosed,
      isHangUpOwed: false,
      isSealed: false,
    };
  },
  step: (facts, { before, event, after, asked }, broke) => {
    const next = { ...facts };
    const isAsked = (effect: string) => asked.some(({ name }) => name === effect);
    const isUnsettled = (snapshot: AnyMachineSnapshot) =>
      (['choosing', 'accepted', 'looking', 'running', 'suspect'] as const).some((state) => snapshot.matches(state));
    if (event.type === 'job.closed' && isUnsettled(before)) next.isClosed = next.isReleased = true;

    // P1
    const isResumed = settledBy(event, 'recover', before) && outputOf(event).outcome === 'resumed';
    if (!isUnsettled(before) && isUnsettled(after) && !isResumed) broke('settled, and followed again');
    // P5
    if (isResumed) {
      if (!after.matches({ running: 'unheard' })) broke('resumed, and not followed again');
      if (contextOf(after).noticed !== null) broke('resumed, and still called dead');
      return { ...next, isTakenInHand: false, recoveries: 0 };
    }
    if (before.matches('running') && /^job\.(beat|here)$/.test(event.type) && !after.matches({ running: 'heard' }))
      broke('a job that beats is not heard');
    if (before.matches('suspect') && /^job\.(beat|here)$/.test(event.type) && !after.matches({ running: 'heard' }))
      broke('a suspect that beats is not heard');

    // P2
    if (isAsked('secure')) {
      if (next.isTakenInHand) broke('taken in hand twice');
      next.isTakenInHand = true;
      const verdict = settledBy(event, 'ask', before) ? outputOf(event) : undefined;
      const isLast = before.matches({ suspect: 'askingLast' });
      const isFrozen = verdict?.process === 'alive' && !verdict.isWriting && (verdict.excusedMs === 0 || isLast);
      const isGone = settledBy(event, 'askRoom', before) && !outputOf(event).agentThere;
      const isUnopened = settledBy(event, 'look', before) && outputOf(event).journal === 'none';
      const isDead = verdict?.process === 'dead' || settledBy(event, 'awaitDeath', before);
      const is = { frozen: isFrozen, gone: isGone, unopened: isUnopened, died: isDead };
      const { noticed } = contextOf(after);
      if (event.type !== 'budget.spent' && !(noticed && is[noticed])) broke('called dead on a guess');
    }

    // P3
    if (before.matches('accepted') && event.type === 'job.unstarted' && after.matches('accepted'))
      broke('a process that is gone is waited for');

    // P4
    if (isAsked('recover')) {
      if ((next.recoveries += 1) > 1) broke('recovered twice');
      if (!contextOf(after).isWorkerHere) broke('recovered without a worker');
      if (!next.isTakenInHand) broke('recovered, and not taken in hand');
    }
    if (before.matches('recovering') && !after.matches('recovering')) {
      next.isReleased = true;
      const isDone = settledBy(event, 'recover', before);
      next.isHangUpOwed = !isDone || outputOf(event).isHangUpOwed === true;
    }
    if (settledBy(event, 'secure', before) && outputOf(event).journal === 'closed')
      next.isClosed = next.isReleased = true;
    if (settledBy(event, 'look', before) && outputOf(event).journal === 'closed')
      next.isClosed = next.isReleased = true;
    for (const { name, input } of asked)
      if (name === 'seal') {
        if (next.isSealed) broke('sealed twice');
        if (!next.isReleased) broke('sealed before the caller was let go');
        if (input['isHangUpOwed'] !== next.isHangUpOwed) broke('a hang-up that is owed is forgotten');
      }
    if (settledBy(event, 'seal', before)) next.isSealed = true;
    if (after.status === 'done' && after.matches('over') !== next.isSealed) broke('over, and not sealed');
    if (after.matches('withdrawn') && next.recoveries > 0) broke('withdrawn after a recovery');
    return next;
  },
};
