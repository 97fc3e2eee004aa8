/** Recovery, told by a few walks: what its probe finds, and what it says of itself in the end. */
import { initialTransition, transition } from 'xstate';
import { describe, expect, test } from 'vitest';
import {
  defaultPolicy,
  endOf,
  ends,
  recoveryContext,
  recoveryMachine,
  type RecoveryInput,
} from '../../machines/index.ts';

const { outcome: _outcome, isHangUpOwed: _owed, ...usual } = recoveryContext(defaultPolicy);
const probed = (callerThere: boolean, successorSpeaks: boolean) => ({
  type: 'xstate.done.actor.0.recovery.probing',
  output: { callerThere, successorSpeaks },
});
const hungUp = (verified: boolean) => ({ type: 'xstate.done.actor.0.recoveryHangingUp', output: { verified } });

function play(events: { type: string }[], input: Partial<RecoveryInput> = {}) {
  let [snapshot] = initialTransition(recoveryMachine, { ...usual, ...input });
  const states = [snapshot.value];
  for (const event of events) {
    [snapshot] = transition(recoveryMachine, snapshot, event as never);
    states.push(snapshot.value);
  }
  return { states, snapshot };
}

test('at the start nothing is decided, one resume is left, and an apology is due', () => {
  const start = {
    policy: defaultPolicy,
    resumesLeft: 1,
    wasSeenAtOnce: false,
    end: null,
    isReleased: false,
    apologizes: true,
  };
  expect(recoveryContext(defaultPolicy)).toEqual({ ...start, outcome: 'open', isHangUpOwed: false });
  expect(play([], start).snapshot.context).toEqual(recoveryContext(defaultPolicy));
});

describe('the probe finds', () => {
  test('a successor who speaks: nothing is left to do, and the call was resumed', () => {
    const { states, snapshot } = play([probed(true, true)]);
    expect(states).toEqual(['probing', 'done']);
    expect(snapshot.output).toMatchObject({ outcome: 'resumed', end: null, isHangUpOwed: false });
  });
  test('nobody: the hang-up, without a word', () => {
    expect(play([probed(false, false)]).states).toEqual(['probing', 'hangingUp']);
  });
  test('a caller and no successor: one is called for, and when none may be, the apology', () => {
    expect(play([probed(true, false)]).states).toEqual(['probing', 'resuming']);
    expect(play([probed(true, false)], { resumesLeft: 0 }).states[1]).toEqual({ apologizing: 'unheard' });
  });
});

test('as long as nothing is decided it is open; a released caller has an end, the one that was recorded or a crash', () => {
  expect(play([]).snapshot.context).toMatchObject({ outcome: 'open', end: null, isHangUpOwed: false });
  const walk = [probed(false, false), hungUp(true)];
  expect(play(walk).snapshot.output).toMatchObject({
    outcome: 'released',
    end: ends.processCrashed,
    isHangUpOwed: false,
  });
  const end = endOf('agent', 'agent_ended');
  expect(play(walk, { end }).snapshot.output).toMatchObject({ outcome: 'released', end });
});

test('a hang-up that could not be verified is owed from then on', () => {
  const { states, snapshot } = play([probed(false, false), hungUp(false)]);
  expect(states).toEqual(['probing', 'hangingUp', 'done']);
  expect(snapshot.output).toMatchObject({ outcome: 'released', isHangUpOwed: true });
});
