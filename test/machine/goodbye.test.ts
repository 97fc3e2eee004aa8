/** J2, told by a few calls: when there is a goodbye, and what may take it away. */
import { initialTransition, transition } from 'xstate';
import { describe, expect, test } from 'vitest';
import { defaultPolicy, endOf, ends, sessionMachine, type SessionEvent } from '../../machines/index.ts';

const agentEnded = endOf('agent', 'agent_ended');
const done = (place: string) => ({ type: `xstate.done.actor.0.session.${place}`, output: {} });
const failed = (place: string) => ({ type: `xstate.error.actor.0.session.${place}`, error: new Error('failed') });
const upToTheCall = [
  done('live.connecting.joining.connectingRoom'),
  done('live.connecting.joining.startingSession'),
  { type: 'xstate.done.actor.0.awaitingCaller', output: { identity: 'caller' } },
  { type: 'agent.audible' },
];
const drained = { type: 'xstate.done.actor.0.session.ending.draining', output: {} };
const interrupted = { type: 'xstate.done.actor.0.interrupting', output: {} };

/** Where a call is after these events, and what was asked for on the way. */
function play(events: (SessionEvent | { type: string; output?: unknown; error?: unknown })[], goodbye = true) {
  const asked: string[] = [];
  const note = (actions: { type: string; params?: unknown }[]): void => {
    for (const { type, params } of actions) {
      const { src, input } = (params ?? {}) as { src?: string; input?: { line?: string } };
      if (type === 'xstate.spawnChild') asked.push(input?.line ?? String(src));
    }
  };
  let [snapshot, actions] = initialTransition(sessionMachine, {
    policy: defaultPolicy,
    resumed: false,
    elapsedMs: 0,
    greeting: 'say',
    goodbye,
  });
  note(actions);
  for (const event of [...upToTheCall, ...events]) {
    [snapshot, actions] = transition(sessionMachine, snapshot, event as SessionEvent);
    note(actions);
  }
  return { asked: asked.slice(4), snapshot };
}

describe('the goodbye', () => {
  test('is said after draining and interrupting', () => {
    const { asked } = play([{ type: 'session.end', end: agentEnded, drain: true }, drained, interrupted]);
    expect(asked).toEqual(['drain', 'interrupt', 'goodbye']);
  });
  test('is left out when none is configured: from interrupting straight to the hang-up', () => {
    const { asked, snapshot } = play(
      [{ type: 'session.end', end: agentEnded, drain: true }, drained, interrupted],
      false,
    );
    expect(asked).toEqual(['drain', 'interrupt', 'hangUp']);
    expect(snapshot.matches({ exiting: 'hangingUp' })).toBe(true);
  });
  test.each([
    ['answers', interrupted],
    ['fails', { type: 'xstate.error.actor.0.interrupting', error: new Error('stuck') }],
    ['hangs', { type: 'xstate.after.interruptMs.interrupting' }],
  ])('is left out when the end does not want it, also when interrupting %s', (_, outcome) => {
    const { asked } = play([{ type: 'session.end', end: agentEnded, drain: false, goodbye: false }, outcome]);
    expect(asked).toEqual(['interrupt', 'hangUp']);
  });
  test('is taken away by a later request, which never becomes the reason', () => {
    const { asked, snapshot } = play([
      { type: 'session.end', end: ends.maxDuration, drain: true },
      { type: 'session.end', end: agentEnded, drain: true, goodbye: false },
      drained,
      interrupted,
    ]);
    expect(asked).toEqual(['drain', 'interrupt', 'hangUp']);
    expect(snapshot.context).toMatchObject({ end: ends.maxDuration, alsoTriggered: [agentEnded] });
  });
  test('is not brought back by a later request', () => {
    const { asked } = play([
      { type: 'session.end', end: agentEnded, drain: true, goodbye: false },
      { type: 'session.end', end: agentEnded, drain: true, goodbye: true },
      drained,
      interrupted,
    ]);
    expect(asked).toEqual(['drain', 'interrupt', 'hangUp']);
  });
  test('that has begun is not cut by a request without goodbye', () => {
    const { snapshot } = play([
      { type: 'session.end', end: agentEnded, drain: false },
      interrupted,
      { type: 'line.audible', line: 'goodbye', rung: 'live' },
      { type: 'session.end', end: agentEnded, drain: false, goodbye: false },
    ]);
    expect(snapshot.matches({ exiting: { saying: 'playing' } })).toBe(true);
  });
  test('is not tried by a voice that has just failed', () => {
    const { asked } = play([
      { type: 'caller.waits' },
      { type: 'xstate.after.firstAudioMs.session.live.conversing.dialogue.waiting.unanswered' },
      { type: 'xstate.error.actor.0.fillingLive', error: new Error('no voice') },
      { type: 'session.end', end: agentEnded, drain: true },
    ]);
    expect(asked).toEqual(['filler', 'filler', 'hangUp']);
  });
});

test('asked 300 times to end, the call ends once, and every request is noted', () => {
  const { asked, snapshot } = play([
    ...Array.from({ length: 300 }, (): SessionEvent => ({ type: 'session.end', end: agentEnded, drain: true })),
    drained,
    interrupted,
  ]);
  expect(asked).toEqual(['drain', 'interrupt', 'goodbye']);
  expect(snapshot.context.alsoTriggered).toHaveLength(299);
});
test('a detail stays with its end, and a blank reason gets a name', () => {
  const lost = endOf('system', 'worker_lost', 'platform', 'parent process 4711 is gone');
  expect(play([{ type: 'shutdown.requested', end: lost, graceMs: 15_000 }]).snapshot.context.end).toEqual(lost);
  const blank = play([{ type: 'session.end', end: { ...agentEnded, reason: ' ' }, drain: true }]);
  expect(blank.snapshot.context.end?.reason).toBe('unspecified');
});
test('a transfer is an ordinary end', () => {
  const transferred = endOf('agent', 'transferred');
  const { asked, snapshot } = play([
    { type: 'session.end', end: transferred, drain: true, goodbye: false },
    drained,
    interrupted,
    failed('exiting.hangingUp'),
  ]);
  expect(asked.at(-1)).toBe('hangUp');
  expect(snapshot.context.end).toEqual(transferred);
});
