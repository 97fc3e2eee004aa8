/** What a session remembers of what happened, told by short calls: counts, debts, whose line was lost, how it ends. */
import { describe, expect, test } from 'vitest';
import { defaultPolicy, endOf, ends, sessionContext } from '../../machines/index.ts';
import { done, failed, over, walk } from './walk.ts';

const dialogue = 'live.conversing.dialogue';
const waiting = `${dialogue}.waiting`;
const filling = `${waiting}.fillingLive`;
const bundled = `${waiting}.fillingBundled`;
const idle = over('idleMs', `${dialogue}.active`);
const waits = { type: 'caller.waits' };
const heard = { type: 'agent.audible' };
const moved = { type: 'dialogue.moved' };
const lost = { type: 'caller.lost' };
const ownLineLost = { type: 'caller.lost', isOwnLine: true };
const returned = { type: 'caller.returned' };
const unanswered = over('firstAudioMs', `${waiting}.unanswered`);
const stillWaiting = over('firstAudioMs', `${waiting}.filled`);
const brokenFiller = [waits, unanswered, failed(filling)];
const policy = (given: object) => ({ policy: { ...defaultPolicy, ...given } });

test('at the start nothing has ended, nothing is counted and nothing is owed', () => {
  const nothing = {
    end: null,
    alsoTriggered: [],
    nudges: 0,
    fillers: 0,
    isHoldGoodbye: false,
    transfer: null,
    isLiveBroken: false,
    isAnswerOwed: false,
    isOwnLineLost: false,
    isUnheard: false,
  };
  expect(walk([], {}, 'ring').context).toEqual({
    policy: defaultPolicy,
    resumed: false,
    elapsedMs: 0,
    greeting: 'say',
    goodbye: true,
    ...nothing,
  });
  expect(walk([], { goodbye: false, elapsedMs: 7, resumed: true, greeting: 'wait' }, 'ring').context).toEqual({
    policy: defaultPolicy,
    resumed: true,
    elapsedMs: 7,
    greeting: 'wait',
    goodbye: false,
    ...nothing,
  });
  expect(sessionContext(defaultPolicy)).toEqual(walk([], {}, 'ring').context);
});

test('a session that is closed tells all of it, and one that is not tells nothing', () => {
  const closing = [done('exiting.hangingUp'), done('reporting.closing'), done('reporting.sending')];
  const { output, context } = walk([{ type: 'caller.left', end: endOf('caller', 'caller_hung_up') }, ...closing]);
  expect(output).toEqual(context);
  expect(output?.end?.reason).toBe('caller_hung_up');
  expect(walk([]).output).toBeUndefined();
});

describe('nudges', () => {
  test('are counted, and after the last of them the call ends as idle', () => {
    const nudged = [idle, done(`${dialogue}.idle`)];
    expect(walk(nudged).context.nudges).toBe(1);
    const { asked, context, isAt } = walk([...nudged, ...nudged, idle]);
    expect(asked).toEqual(['nudge', 'nudge', 'drain']);
    expect(context).toMatchObject({ nudges: 2, end: ends.idle });
    expect(isAt('ending.draining')).toBe(true);
  });
  test.each([
    ['a word of the caller', moved],
    ['a word of the agent', heard],
  ])('are forgotten at %s', (_, word) => {
    expect(walk([idle, word]).context.nudges).toBe(0);
    expect(walk([idle, done(`${dialogue}.idle`), word]).context.nudges).toBe(0);
    expect(walk([idle, word]).isAt(`${dialogue}.active`)).toBe(true);
  });
  test('that come not at all end the first silence', () => {
    expect(walk([idle], policy({ nudges: 0 })).context.end).toEqual(ends.idle);
  });
});

describe('fillers', () => {
  test('are counted in a row, and forgotten when the agent is heard', () => {
    const filled = [waits, unanswered, done(filling)];
    expect(walk(filled).context.fillers).toBe(1);
    expect(walk([...filled, { type: 'tool.started' }, stillWaiting, done(filling)]).context.fillers).toBe(2);
    expect(walk([...filled, heard]).context.fillers).toBe(0);
    expect(walk([...filled, moved]).context.fillers).toBe(0);
  });
  test('are earned by a tool or a transfer; one who waits for neither is told that it failed', () => {
    const filled = [waits, unanswered, done(filling)];
    expect(walk([...filled, stillWaiting]).context.end).toEqual(ends.modelFailed);
    expect(walk([{ type: 'tool.started' }, ...filled, stillWaiting]).isAt(filling)).toBe(true);
    const transfer = { type: 'transfer.requested', transfer: { id: '1', how: 'warm', to: 'somebody' } };
    expect(walk([transfer, ...filled, stillWaiting]).isAt(filling)).toBe(true);
    expect(walk([{ type: 'tool.started' }, { type: 'tool.ended' }, ...filled, stillWaiting]).asked.at(-1)).toBe(
      'apology',
    );
  });
  test('are not said for ever', () => {
    const twice = [
      { type: 'tool.started' },
      waits,
      unanswered,
      done(filling),
      stillWaiting,
      done(filling),
      stillWaiting,
    ];
    const { asked, context } = walk(twice, policy({ fillers: 2 }));
    expect(asked).toEqual(['filler', 'filler', 'apology']);
    expect(context.end).toEqual(ends.modelFailed);
    expect(walk([waits, unanswered], policy({ fillers: 0 })).asked).toEqual(['apology']);
  });
});

describe('a voice that failed', () => {
  test('is not used for the next filler, nor for the apology', () => {
    const { context, isAt } = walk(brokenFiller);
    expect(context.isLiveBroken).toBe(true);
    expect(isAt(bundled)).toBe(true);
    const spokenBundled = [...brokenFiller, done(bundled), { type: 'tool.started' }];
    expect(walk([...spokenBundled, stillWaiting]).isAt(bundled)).toBe(true);
    expect(walk([...brokenFiller, done(bundled), moved, waits, unanswered]).isAt(bundled)).toBe(true);
    const failure = { type: 'session.failed', end: ends.modelFailed };
    expect(walk([...brokenFiller, done(bundled), failure]).isAt('runtimeFailed.bundled.unheard')).toBe(true);
    expect(walk([failure]).isAt('runtimeFailed.live.unheard')).toBe(true);
  });
  test('is used again once the agent was heard', () => {
    const heardAgain = [...brokenFiller, done(bundled), heard];
    expect(walk(heardAgain).context.isLiveBroken).toBe(false);
    expect(walk([...heardAgain, waits, unanswered]).isAt(filling)).toBe(true);
  });
  test('is not asked for a goodbye', () => {
    const drained = { type: 'session.end', end: endOf('agent', 'agent_ended'), drain: true };
    const { asked } = walk([
      ...brokenFiller,
      done(bundled),
      drained,
      done('ending.draining'),
      done('ending.interrupting'),
    ]);
    expect(asked.slice(-3)).toEqual(['drain', 'interrupt', 'hangUp']);
  });
});

describe('a caller who was lost', () => {
  test('while waiting for an answer waits for it again', () => {
    expect(walk([waits, lost]).context.isAnswerOwed).toBe(true);
    expect(walk([waits, lost, returned]).isAt(`${waiting}.unanswered`)).toBe(true);
  });
  test('while nothing was owed has the turn', () => {
    expect(walk([lost]).context.isAnswerOwed).toBe(false);
    const { asked, isAt } = walk([lost, returned]);
    expect(asked).toEqual([]);
    expect(isAt(`${dialogue}.active`)).toBe(true);
  });
  test('is owed nothing more once it was answered, also at the next loss', () => {
    expect(walk([waits, lost, returned, heard, lost]).context.isAnswerOwed).toBe(false);
    expect(walk([waits, lost, heard]).context.isAnswerOwed).toBe(false);
    expect(walk([waits, lost, moved]).context.isAnswerOwed).toBe(false);
    expect(walk([idle, lost]).context.isAnswerOwed).toBe(false);
    expect(walk([waits, lost, returned, { type: 'hold.began', goodbye: true }, lost]).context.isAnswerOwed).toBe(false);
  });
  test('is asked whether they are there, when words of ours ended while they were away', () => {
    const { asked, context, isAt } = walk([lost, moved, returned]);
    expect(asked).toEqual(['nudge']);
    expect(context).toMatchObject({ isUnheard: true, nudges: 1 });
    expect(isAt(`${dialogue}.idle`)).toBe(true);
    expect(walk([lost, moved, returned], policy({ nudges: 0 })).asked).toEqual([]);
    expect(walk([lost, moved, returned, moved, lost]).context.isUnheard).toBe(false);
  });
  test('is asked whether they are there, when it was our line', () => {
    expect(walk([ownLineLost, returned]).asked).toEqual(['nudge']);
    expect(walk([lost, ownLineLost, returned]).asked).toEqual(['nudge']);
    expect(walk([ownLineLost, lost, returned]).asked).toEqual([]);
    expect(walk([ownLineLost, returned, moved, lost, returned]).asked).toEqual(['nudge']);
    expect(walk([ownLineLost, returned, moved, lost]).context.isOwnLineLost).toBe(false);
  });
  test('for too long ends the call, and whose line it was is told', () => {
    const gone = over('callerGraceMs', `${dialogue}.suspended`);
    expect(walk([lost, gone])).toMatchObject({ asked: ['hangUp'], context: { end: ends.callerLost } });
    expect(walk([ownLineLost, gone])).toMatchObject({ asked: ['hangUp'], context: { end: ends.ownLineLost } });
    expect(walk([{ type: 'caller.lost', isOwnLine: false }, gone]).context.end).toEqual(ends.callerLost);
  });
});

describe('hold music', () => {
  const began = (goodbye: boolean) => ({ type: 'hold.began', goodbye });
  const held = `${dialogue}.held`;
  test.each([true, false])('that lasts too long ends the call, with a goodbye: %s', (goodbye) => {
    const tooLong = [began(goodbye), over('holdMs', held), done('ending.draining'), done('ending.interrupting')];
    const { asked, context } = walk(tooLong);
    expect(asked).toEqual(['hold', 'drain', 'interrupt', goodbye ? 'goodbye' : 'hangUp']);
    expect(context).toMatchObject({ end: ends.onHold, goodbye });
  });
  test('that ends is no reason to end, and what was counted is forgotten', () => {
    const { context, isAt } = walk([idle, began(true), { type: 'hold.ended' }]);
    expect(context).toMatchObject({ end: null, nudges: 0 });
    expect(isAt(`${dialogue}.active`)).toBe(true);
    expect(walk([idle, began(true), done(held)]).context.nudges).toBe(0);
  });
  test('that begins again is the same, and a caller who is lost in it is owed nothing', () => {
    expect(walk([began(true), began(false)]).context.isHoldGoodbye).toBe(true);
    expect(walk([began(true), lost]).context.isAnswerOwed).toBe(false);
  });
});

describe('a machine that answered', () => {
  test.each([true, false])('is left a message, or none: %s', (goodbye) => {
    const { asked, context } = walk(
      [{ type: 'voicemail.found', end: ends.voicemail, goodbye }, done('ending.interrupting')],
      { goodbye: !goodbye },
    );
    expect(asked).toEqual(['interrupt', goodbye ? 'goodbye' : 'hangUp']);
    expect(context).toMatchObject({ end: ends.voicemail, goodbye });
  });
});

describe('a transfer', () => {
  const transfer = { id: '7', how: 'refer', to: 'tel:+1' } as const;
  const requested = { type: 'transfer.requested', transfer };
  const asking = 'live.conversing.transfer.asking';
  test('that was made ends the call at once', () => {
    const { asked, context } = walk([requested, done(asking, { outcome: 'transferred' })]);
    expect(asked).toEqual(['transfer', 'hangUp']);
    expect(context).toMatchObject({ transfer, end: ends.transferred });
  });
  test.each([
    ['was refused', done(asking, { outcome: 'declined' })],
    ['answered nothing', { ...done(asking), output: undefined }],
    ['failed', failed(asking)],
    ['was late', over('transferMs', asking)],
  ])('that %s lets the call go on', (_, outcome) => {
    const { asked, context, isAt } = walk([requested, outcome]);
    expect(asked).toEqual(['transfer']);
    expect(context.end).toBeNull();
    expect(isAt('live.conversing.transfer.none')).toBe(true);
  });
});

describe('the time that is left', () => {
  const open = over('untilWindDownMs', 'live.conversing.duration.open').type;
  test('is counted from when the call began, and what it lasted before a crash belongs to it', () => {
    const { maxDurationMs, windDownMs } = defaultPolicy;
    expect(walk([]).timers.get(open)).toBe(maxDurationMs - windDownMs);
    expect(walk([], { elapsedMs: 60_000 }).timers.get(open)).toBe(maxDurationMs - windDownMs - 60_000);
    expect(walk([], { elapsedMs: maxDurationMs }).timers.get(open)).toBe(1);
  });
  const windDown = { type: open };
  const windingDown = 'live.conversing.duration.windingDown';
  const end = over('windDownMs', windingDown);
  test('is told to the caller, and is the reason of the end', () => {
    const { asked, context } = walk([windDown, done(`${windingDown}.telling`), end]);
    expect(asked).toEqual(['windDown', 'drain']);
    expect(context.end).toEqual(ends.maxDuration);
  });
  test('is told to a caller who was away as soon as they are back', () => {
    expect(walk([lost, windDown]).asked).toEqual([]);
    expect(walk([lost, windDown, returned]).asked).toEqual(['windDown']);
    expect(walk([lost, windDown, end]).asked).toEqual(['hangUp']);
    expect(walk([windDown, lost, returned]).asked).toEqual(['windDown', 'windDown']);
  });
  test('that runs out under a filler is not waited for any longer', () => {
    expect(walk([windDown, waits, unanswered, end]).asked).toEqual(['windDown', 'filler', 'interrupt']);
    expect(walk([windDown, ...brokenFiller, end]).asked).toEqual(['windDown', 'filler', 'filler', 'hangUp']);
  });
});

describe('a shutdown', () => {
  const stop = (graceMs: number) => ({
    type: 'shutdown.requested',
    end: endOf('operator', 'worker_shutdown'),
    graceMs,
  });
  test('leaves for speech what the steps that are never shortened do not need', () => {
    const { hangUpMs, closeMs, reportMs } = defaultPolicy;
    expect(walk([stop(25_000)]).timers.get('budget.spent')).toBe(25_000 - hangUpMs - closeMs - reportMs);
    expect(walk([stop(100)]).timers.get('budget.spent')).toBe(1);
  });
  test('counts also when the call was ending already', () => {
    const ended = { type: 'session.end', end: endOf('agent', 'agent_ended'), drain: true };
    const { context, timers } = walk([ended, stop(25_000)]);
    expect(timers.get('budget.spent')).toBe(17_000);
    expect(context.alsoTriggered).toEqual([endOf('operator', 'worker_shutdown')]);
  });
});

describe('the end', () => {
  test('takes the goodbye away only when it is the end of a session that says so', () => {
    const ended = { type: 'session.end', end: endOf('agent', 'agent_ended'), drain: true };
    expect(walk([ended]).context.goodbye).toBe(true);
    expect(walk([{ ...ended, goodbye: true }]).context.goodbye).toBe(true);
    expect(walk([{ ...ended, goodbye: false }]).context.goodbye).toBe(false);
    expect(walk([{ type: 'session.failed', end: ends.modelFailed, goodbye: false }]).context.goodbye).toBe(true);
  });
  test('that is asked for without draining goes straight to the goodbye, also when it drains already', () => {
    const ended = (drain: boolean) => ({ type: 'session.end', end: endOf('agent', 'agent_ended'), drain });
    expect(walk([ended(false)]).asked).toEqual(['interrupt']);
    expect(walk([ended(true), ended(false)]).asked).toEqual(['drain', 'interrupt']);
    expect(walk([ended(true), ended(true)]).asked).toEqual(['drain']);
  });
  test('a line of another name is not the goodbye, and not the apology', () => {
    const ended = { type: 'session.end', end: endOf('agent', 'agent_ended'), drain: false };
    const audible = (line: string) => ({ type: 'line.audible', line, rung: 'live' });
    const saying = [ended, done('ending.interrupting')];
    expect(walk([...saying, audible('filler')]).isAt('exiting.saying.unheard')).toBe(true);
    expect(walk([...saying, audible('goodbye')]).isAt('exiting.saying.playing')).toBe(true);
    const failure = { type: 'session.failed', end: ends.modelFailed };
    expect(walk([failure, audible('goodbye')]).isAt('runtimeFailed.live.unheard')).toBe(true);
    expect(walk([failure, audible('apology')]).isAt('runtimeFailed.live.playing')).toBe(true);
  });
});
