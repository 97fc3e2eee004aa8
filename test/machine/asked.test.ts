/** What each state asks for, and with what: the inputs of effects stand in no diagram. */
import { type AnyActorLogic, type AnyStateMachine, createActor, toPromise } from 'xstate';
import { expect, test } from 'vitest';
import { everyNode } from '../../machines/analysis/chart.ts';
import {
  defaultPolicy,
  endOf,
  recoveryContext,
  recoveryMachine,
  sessionContext,
  sessionMachine,
  supervisionContext,
  supervisionMachine,
} from '../../machines/index.ts';
import { placeOf } from '../../machines/analysis/table.ts';

type Invocation = { src: unknown; input?: (given: { context: unknown }) => unknown };

/** By place: the effect and its input, for every state that asks for something. */
const asked = (machine: AnyStateMachine, context: unknown) =>
  Object.fromEntries(
    everyNode(machine.root).flatMap((node) =>
      (node.invoke as unknown as Invocation[]).map(({ src, input }) => [placeOf(node), [src, input?.({ context })]]),
    ),
  );

const end = endOf('caller', 'caller_hung_up');
const failure = { by: 'system', fault: 'application' } as const;
const remark = { until: 'audible', interruptible: true } as const;
const lastWord = { until: 'played', interruptible: false } as const;

test('every effect of the session: which line, by which rung, until when, and whether it may be interrupted', () => {
  const transfer = { id: '1', how: 'refer', to: 'tel:+1' } as const;
  expect(asked(sessionMachine, { ...sessionContext(defaultPolicy), end, transfer })).toEqual({
    'live.connecting.joining.connectingRoom': ['connect', { resumed: false }],
    'live.connecting.joining.startingSession': ['startSession', undefined],
    'live.connecting.awaitingCaller': ['awaitCaller', undefined],
    'live.greeting.words.speaking': ['speak', { line: 'greeting', rung: 'live', ...remark }],
    'live.greeting.clock.filling': ['speak', { line: 'filler', rung: 'bundled', ...remark }],
    'live.conversing.dialogue.waiting.clock.asking': ['speak', { line: 'again', rung: 'live', ...remark }],
    'live.conversing.dialogue.waiting.clock.fillingLive': ['speak', { line: 'filler', rung: 'live', ...remark }],
    'live.conversing.dialogue.waiting.clock.fillingBundled': ['speak', { line: 'filler', rung: 'bundled', ...remark }],
    'live.conversing.dialogue.idle': ['speak', { line: 'nudge', rung: 'live', ...remark }],
    'live.conversing.dialogue.held': ['hold', undefined],
    'live.conversing.transfer.asking': ['transfer', transfer],
    'live.conversing.duration.windingDown.telling': ['speak', { line: 'windDown', rung: 'live', ...remark }],
    'live.conversing.session.mending': ['mend', undefined],
    'ending.draining': ['drain', undefined],
    'ending.interrupting': ['interrupt', undefined],
    'exiting.saying': ['speak', { line: 'goodbye', rung: 'live', ...lastWord }],
    'exiting.hangingUp': ['hangUp', { end }],
    'startupFailed.live': ['speak', { line: 'apology', rung: 'live', ...lastWord }],
    'startupFailed.bundled': ['speak', { line: 'apology', rung: 'bundled', ...lastWord }],
    'runtimeFailed.live': ['speak', { line: 'apology', rung: 'live', ...lastWord }],
    'runtimeFailed.bundled': ['speak', { line: 'apology', rung: 'bundled', ...lastWord }],
    'reporting.closing': ['close', undefined],
    'reporting.sending': ['sendReport', { end }],
  });
});

test('a session after a crash joins as one, and excuses it', () => {
  const resumed = asked(sessionMachine, { ...sessionContext(defaultPolicy), resumed: true });
  expect(resumed['live.connecting.joining.connectingRoom']).toEqual(['connect', { resumed: true }]);
  expect(resumed['live.greeting.words.speaking']).toEqual(['speak', { line: 'recovery', rung: 'live', ...remark }]);
});

test('every effect of the recovery', () => {
  expect(asked(recoveryMachine, { ...recoveryContext(defaultPolicy), end, isHangUpOwed: true })).toEqual({
    probing: ['probe', undefined],
    resuming: ['takeOver', undefined],
    apologizing: ['apologize', undefined],
    hangingUp: ['hangUp', { end }],
  });
});

test('every effect of the supervision', () => {
  expect(
    asked(supervisionMachine, { ...supervisionContext(defaultPolicy), noticed: 'died', isHangUpOwed: true }),
  ).toEqual({
    looking: ['look', undefined],
    'running.unheard': ['awaitDeath', undefined],
    'suspect.asking': ['ask', undefined],
    'suspect.starved.asking': ['ask', undefined],
    'suspect.askingLast': ['ask', undefined],
    'suspect.askingRoom': ['askRoom', undefined],
    securing: ['secure', { noticed: 'died' }],
    recovering: ['recover', { noticed: 'died' }],
    'sealing.trying': ['seal', { isHangUpOwed: true }],
  });
});

test('what cannot be known is asked for all the same: no step of an ending waits for an end, and no transfer for whom', () => {
  const session = asked(sessionMachine, sessionContext(defaultPolicy));
  expect(session['exiting.hangingUp']).toEqual(['hangUp', { end: { reason: 'orchestrator_error', ...failure } }]);
  expect(session['live.conversing.transfer.asking']).toEqual(['transfer', { id: '', how: 'warm', to: '' }]);
  const recovery = asked(recoveryMachine, recoveryContext(defaultPolicy));
  expect(recovery['hangingUp']).toEqual(['hangUp', { end: { reason: 'process_crashed', ...failure } }]);
});

const everyEffect = [sessionMachine, recoveryMachine, supervisionMachine].flatMap((machine) =>
  Object.entries(machine.implementations.actors),
);
test.each(everyEffect)(
  '%s, when nobody implements it, fails and says its name; it does not hang',
  async (name, logic) => {
    const actor = createActor(logic as AnyActorLogic);
    actor.subscribe({ error: () => {} });
    const outcome = toPromise(actor);
    actor.start();
    await expect(outcome).rejects.toThrow(`effect "${name}" is not provided`);
  },
);
