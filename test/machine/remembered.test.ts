/** What a session remembers of what happened, told by short calls: counts, debts, whose line was lost, how it ends. */
import { describe, expect, test } from 'vitest';
import { defaultPolicy, endOf, ends, noAnswer, sessionContext } from '../../machines/index.ts';
import { done, failed, over, walk } from './walk.ts';

const dialogue = 'live.conversing.dialogue';
const waiting = `${dialogue}.waiting.clock`;
const quiet = `${dialogue}.active.quiet`;
const filling = `${waiting}.fillingLive`;
const bundled = `${waiting}.fillingBundled`;
const idle = over('idleMs', quiet);
const waits = { type: 'caller.waits', awaits: 'llm', isTurn: true };
const acts = { type: 'caller.acts' };
const heard = { type: 'agent.audible' };
const moved = { type: 'dialogue.moved' };
const lost = { type: 'caller.lost' };
const ownLineLost = { type: 'caller.lost', isOwnLine: true };
const returned = { type: 'caller.returned' };
const unanswered = over('firstAudioMs', `${waiting}.unanswered`);
const stillWaiting = over('fillerMs', `${waiting}.filled`);
const brokenFiller = [waits, unanswered, failed(filling)];
const modelFailed = endOf('system', 'model_failed', 'provider', 'llm: 401');
const policy = (given: object) => ({ policy: { ...defaultPolicy, ...given } });

test('at the start nothing has ended, nothing is counted and nothing is owed', () => {
  const nothing = {
    end: null,
    alsoTriggered: [],
    nudges: 0,
    awaits: 'llm',
    isStarved: false,
    isSilenceTold: true,
    endpointingMs: 3000,
    givenMs: 1,
    askedAgain: 0,
    isHoldGoodbye: false,
    transfer: null,
    isLiveBroken: false,
    isAnswerOwed: false,
    isOwnLineLost: false,
    isUnheard: false,
    failure: null,
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
    const nudged = [moved, idle, done(`${dialogue}.idle`)];
    expect(walk(nudged).context.nudges).toBe(1);
    const { asked, context, isAt } = walk([...nudged, ...nudged, idle]);
    expect(asked).toEqual(['nudge', 'nudge', 'drain']);
    expect(context).toMatchObject({ nudges: 2, end: ends.idle });
    expect(isAt('ending.draining')).toBe(true);
  });
  test.each([
    ['a word of the caller', acts],
    ['a word of the agent', heard],
  ])('are forgotten at %s', (_, word) => {
    expect(walk([moved, idle, word]).context.nudges).toBe(0);
    expect(walk([moved, idle, done(`${dialogue}.idle`), word]).context.nudges).toBe(0);
    expect(walk([moved, idle, word]).isAt(`${dialogue}.active`)).toBe(true);
  });
  test('that come not at all end the first silence', () => {
    expect(walk([moved, idle], policy({ nudges: 0 })).context.end).toEqual(ends.idle);
  });
});

describe('fillers', () => {
  const filled = [waits, unanswered, done(filling)];
  const step = { type: 'answer.moved', awaits: 'tts' };
  test('are said again and again while an answer is owed, and begin anew with each step forward', () => {
    expect(walk([...filled, stillWaiting, done(filling), stillWaiting]).asked).toEqual(['filler', 'filler', 'filler']);
    expect(walk([...filled, step]).isAt(`${waiting}.moved`)).toBe(true);
    expect(walk([...filled, step, over('firstAudioMs', `${waiting}.moved`)]).asked).toEqual(['filler', 'filler']);
  });
  test('do not end a wait: patience does, and names what was waited for', () => {
    const patience = over('turnMs', `${dialogue}.waiting.patience.answering`);
    expect(walk([...filled, patience]).asked).toEqual(['filler', 'apology']);
    expect(walk([...filled, patience]).context.end).toEqual(noAnswer('model_failed', 'llm', defaultPolicy.turnMs));
    expect(walk([...filled, step, patience]).context.end?.detail).toContain('the voice');
    expect(walk([{ ...waits, awaits: 'hook' }, patience]).context.end?.fault).toBe('application');
  });
  test('are no haste: a tool and a transfer have limits of their own', () => {
    const working = `${dialogue}.waiting.patience.working`;
    expect(walk([...filled, { type: 'tool.started' }]).isAt(working)).toBe(true);
    expect(walk([{ type: 'tool.started' }, ...filled]).isAt(working)).toBe(true);
    expect(walk([{ type: 'tool.started' }, ...filled, { type: 'tool.ended' }]).isAt(working)).toBe(false);
    const transfer = { type: 'transfer.requested', transfer: { id: '1', how: 'warm', to: 'somebody' } };
    expect(walk([transfer, ...filled]).isAt(working)).toBe(true);
  });
});

describe('a caller whose turn is not taken yet', () => {
  const stopped = { type: 'caller.stopped', endpointingMs: 7000 };
  const endpointing = `${dialogue}.recognizing.endpointing`;
  const late = [stopped, over('endpointingMs', endpointing)];
  test('has the time that the user’s endpointing gives; then the clock runs', () => {
    expect(
      walk([stopped]).timers.get(`xstate.after.endpointingMs.session.live.conversing.dialogue.recognizing.endpointing`),
    ).toBe(7000);
    expect(walk(late).isAt(`${waiting}.unanswered`)).toBe(true);
    expect(walk([...late, waits]).isAt(`${dialogue}.waiting.patience.answering`)).toBe(true);
    expect(walk([...late, waits]).isAt(`${waiting}.unanswered`)).toBe(true);
  });
  test('is asked again when no words were found, not for ever', () => {
    const missed = { type: 'words.missed' };
    const again = [stopped, missed, done(`${waiting}.asking`)];
    expect(walk(again).asked).toEqual(['again']);
    expect(walk(again).isAt(`${dialogue}.active.quiet`)).toBe(true);
    expect(walk([...again, ...again, ...again]).asked).toEqual(['again', 'again']);
    expect(walk([...again, ...again, { type: 'caller.acts' }, ...again]).asked).toHaveLength(3);
  });
  test('is left alone by a realtime model that decides to say nothing, until its patience is over', () => {
    const realtime = { type: 'caller.stopped', endpointingMs: null };
    const deciding = `${dialogue}.recognizing.deciding`;
    expect(walk([realtime]).isAt(deciding)).toBe(true);
    expect(walk([realtime, over('turnMs', deciding)]).asked).toEqual(['nudge']);
  });
});

describe('life', () => {
  const quietFor = over('idleMs', `${dialogue}.active.quiet`);
  const given = { type: 'time.given', ms: 60_000 };
  test('a tool, a transfer and time that was given hold the idle clock back', () => {
    for (const event of [{ type: 'tool.started' }, given]) expect(walk([moved, event, quietFor]).asked).toEqual([]);
    expect(walk([moved, { type: 'tool.started' }, { type: 'tool.ended' }, quietFor]).asked).toEqual(['nudge']);
  });
  test('O-D1 a key changes nothing for who is heard, nor for who waits: the agent talks on, and what is owed stays owed', () => {
    expect(walk([heard, acts]).isAt(`${dialogue}.active.agentSpeaks`)).toBe(true);
    expect(walk([waits, acts]).isAt(`${waiting}.unanswered`)).toBe(true);
    expect(
      walk([{ type: 'caller.stopped', endpointingMs: 7000 }, acts]).isAt(`${dialogue}.recognizing.endpointing`),
    ).toBe(true);
    expect(walk([moved, acts]).isAt(quiet)).toBe(true);
  });
  test('time that was given ends with a word, and the clock begins anew after it', () => {
    const granted = 'live.conversing.grant.granted';
    expect(walk([moved, given]).timers.get(over('givenMs', granted).type)).toBe(60_000);
    expect(walk([moved, given, { type: 'caller.speaks' }]).isAt(granted)).toBe(false);
    expect(walk([moved, given, { type: 'caller.acts' }]).isAt(granted)).toBe(false);
    expect(walk([moved, given, heard]).isAt(granted)).toBe(true);
    const passed = over('givenMs', granted);
    expect(walk([moved, given, passed]).isAt(`${dialogue}.active.quiet`)).toBe(true);
    expect(walk([waits, given, passed]).isAt(`${waiting}.unanswered`)).toBe(true);
  });
  test('nobody is idle who is spoken to, or who is heard', () => {
    expect(walk([heard]).timers.has(quietFor.type)).toBe(false);
    expect(
      walk([{ type: 'caller.speaks' }, over('noiseMs', `${dialogue}.active.callerSpeaks`)]).isAt(
        `${dialogue}.active.quiet`,
      ),
    ).toBe(true);
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
    const failure = { type: 'session.failed', end: modelFailed };
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
    const { asked } = walk([...brokenFiller, done(bundled), drained, done('ending.interrupting')]);
    expect(asked.slice(-3)).toEqual(['filler', 'interrupt', 'hangUp']);
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
    expect(walk([moved, idle, lost]).context.isAnswerOwed).toBe(false);
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
    expect(walk([ownLineLost, lost, returned]).asked, 'back before them').toEqual(['nudge']);
    expect(walk([ownLineLost, lost]).context.isOwnLineLost, 'by then it is theirs').toBe(false);
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
    const { context, isAt } = walk([moved, idle, began(true), { type: 'hold.ended' }]);
    expect(context).toMatchObject({ end: null, nudges: 0 });
    expect(isAt(`${dialogue}.active`)).toBe(true);
    expect(walk([moved, idle, began(true), done(held)]).context.nudges).toBe(0);
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
    expect(walk([{ type: 'session.failed', end: modelFailed, goodbye: false }]).context.goodbye).toBe(true);
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
    const failure = { type: 'session.failed', end: modelFailed };
    expect(walk([failure, audible('goodbye')]).isAt('runtimeFailed.live.unheard')).toBe(true);
    expect(walk([failure, audible('apology')]).isAt('runtimeFailed.live.playing')).toBe(true);
  });
});
