/** J2, told by a few calls: when there is a goodbye, and what may take it away. */
import { describe, expect, test } from 'vitest';
import { endOf, ends, type SessionEvent } from '../../machines/index.ts';
import { done, failed, over, walk } from './walk.ts';

const agentEnded = endOf('agent', 'agent_ended');
const drained = done('ending.draining');
const interrupted = done('ending.interrupting');

describe('the goodbye', () => {
  test('is said after draining and interrupting', () => {
    const { asked } = walk([{ type: 'session.end', end: agentEnded, drain: true }, drained, interrupted]);
    expect(asked).toEqual(['drain', 'interrupt', 'goodbye']);
  });
  test('is left out when none is configured: from interrupting straight to the hang-up', () => {
    const { asked, isAt } = walk([{ type: 'session.end', end: agentEnded, drain: true }, drained, interrupted], {
      goodbye: false,
    });
    expect(asked).toEqual(['drain', 'interrupt', 'hangUp']);
    expect(isAt('exiting.hangingUp')).toBe(true);
  });
  test.each([
    ['answers', interrupted],
    ['fails', failed('ending.interrupting')],
    ['hangs', over('interruptMs', 'ending.interrupting')],
  ])('is left out when the end does not want it, also when interrupting %s', (_, outcome) => {
    const { asked } = walk([{ type: 'session.end', end: agentEnded, drain: false, goodbye: false }, outcome]);
    expect(asked).toEqual(['interrupt', 'hangUp']);
  });
  test('is taken away by a later request, which never becomes the reason', () => {
    const { asked, context } = walk([
      { type: 'session.end', end: ends.maxDuration, drain: true },
      { type: 'session.end', end: agentEnded, drain: true, goodbye: false },
      drained,
      interrupted,
    ]);
    expect(asked).toEqual(['drain', 'interrupt', 'hangUp']);
    expect(context).toMatchObject({ end: ends.maxDuration, alsoTriggered: [agentEnded] });
  });
  test('is not brought back by a later request', () => {
    const { asked } = walk([
      { type: 'session.end', end: agentEnded, drain: true, goodbye: false },
      { type: 'session.end', end: agentEnded, drain: true, goodbye: true },
      drained,
      interrupted,
    ]);
    expect(asked).toEqual(['drain', 'interrupt', 'hangUp']);
  });
  test('that has begun is not cut by a request without goodbye', () => {
    const { isAt } = walk([
      { type: 'session.end', end: agentEnded, drain: false },
      interrupted,
      { type: 'line.audible', line: 'goodbye', rung: 'live' },
      { type: 'session.end', end: agentEnded, drain: false, goodbye: false },
    ]);
    expect(isAt('exiting.saying.playing')).toBe(true);
  });
  test('is not tried by a voice that has just failed', () => {
    const { asked } = walk([
      { type: 'caller.waits', awaits: 'llm', isTurn: true },
      over('firstAudioMs', 'live.conversing.dialogue.waiting.clock.unanswered'),
      failed('live.conversing.dialogue.waiting.clock.fillingLive'),
      { type: 'session.end', end: agentEnded, drain: true },
    ]);
    expect(asked).toEqual(['filler', 'filler', 'hangUp']);
  });
});

test('asked 300 times to end, the call ends once, and every request is noted', () => {
  const { asked, context } = walk([
    ...Array.from({ length: 300 }, (): SessionEvent => ({ type: 'session.end', end: agentEnded, drain: true })),
    drained,
    interrupted,
  ]);
  expect(asked).toEqual(['drain', 'interrupt', 'goodbye']);
  expect(context.alsoTriggered).toHaveLength(299);
});
test('a detail stays with its end, and a blank reason gets a name', () => {
  const lost = endOf('system', 'worker_lost', 'platform', 'parent process 4711 is gone');
  expect(walk([{ type: 'shutdown.requested', end: lost, graceMs: 15_000 }]).context.end).toEqual(lost);
  const blank = walk([{ type: 'session.end', end: { ...agentEnded, reason: ' ' }, drain: true }]);
  expect(blank.context.end?.reason).toBe('unspecified');
});
test('a transfer is an ordinary end', () => {
  const transferred = endOf('agent', 'transferred');
  const { asked, context } = walk([
    { type: 'session.end', end: transferred, drain: true, goodbye: false },
    drained,
    interrupted,
    failed('exiting.hangingUp'),
  ]);
  expect(asked).toEqual(['drain', 'interrupt', 'hangUp', 'close']);
  expect(context.end).toEqual(transferred);
});
