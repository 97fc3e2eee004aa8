/** What the exploration watches a session for. */
import type { AnyMachineSnapshot } from 'xstate';
import {
  defaultPolicy,
  endOf,
  ends,
  type SessionContext,
  type End,
  type Greeting,
  type SessionEvent,
} from '../../machines/index.ts';
import type { Model } from './explore.ts';

export type Presence = 'absent' | 'there' | 'lost' | 'left';
export type SessionFacts = {
  presence: Presence;
  /** Configured, and not taken away by a request. */
  isGoodbyeWanted: boolean;
  isTold: boolean;
  goodbyes: number;
  hangUps: number;
  closes: number;
  reports: number;
  /** Within `mendAgainMs`. */
  mends: number;
};

const agentEnded = endOf('agent', 'agent_ended', 'none');
const sessionEnd = (drain: boolean, goodbye?: boolean): SessionEvent => ({
  type: 'session.end',
  end: agentEnded,
  drain,
  ...(goodbye !== undefined && { goodbye }),
});
const events: SessionEvent[] = [
  { type: 'agent.audible' },
  { type: 'caller.waits', awaits: 'llm', isTurn: true },
  { type: 'caller.waits', awaits: 'hook', isTurn: false },
  { type: 'answer.moved', awaits: 'tts' },
  { type: 'dialogue.moved' },
  { type: 'caller.speaks' },
  { type: 'caller.acts' },
  { type: 'caller.stopped', endpointingMs: 3000 },
  { type: 'caller.stopped', endpointingMs: null },
  { type: 'silence.switched', counts: false },
  { type: 'cores.switched', areShort: true },
  { type: 'lines.chosen', greeting: 'wait', goodbye: false, language: 'en' },
  { type: 'words.missed' },
  { type: 'time.given', ms: 60_000 },
  { type: 'line.audible', line: 'filler', rung: 'live' },
  { type: 'line.audible', line: 'goodbye', rung: 'live' },
  { type: 'line.audible', line: 'apology', rung: 'live' },
  { type: 'tool.started' },
  { type: 'tool.ended' },
  { type: 'caller.lost' },
  { type: 'caller.lost', isOwnLine: true },
  { type: 'caller.returned' },
  { type: 'budget.spent' },
  { type: 'caller.left', end: endOf('caller', 'caller_hung_up', 'none') },
  { type: 'session.failed', end: endOf('system', 'model_failed', 'provider', 'a test') },
  { type: 'session.failed', end: endOf('system', 'model_failed', 'provider', 'a test'), isMendable: true },
  sessionEnd(true),
  sessionEnd(false),
  sessionEnd(true, false),
  { type: 'voicemail.found', end: ends.voicemail, goodbye: true },
  { type: 'voicemail.found', end: ends.voicemail, goodbye: false },
  { type: 'hold.began', goodbye: true },
  { type: 'hold.began', goodbye: false },
  { type: 'hold.ended' },
  { type: 'transfer.requested', transfer: { id: '1', how: 'warm', to: 'somebody' } },
  { type: 'session.end', end: { by: 'agent', reason: ' ', fault: 'none' }, drain: true },
  { type: 'shutdown.requested', end: endOf('operator', 'worker_shutdown', 'none'), graceMs: 25_000 },
];

/** Counts up to two, which is too many already: a loop in a faulty machine must not make endless places. */
export const more = (count: number): number => Math.min(2, count + 1);

const waiting = { live: { conversing: { dialogue: 'waiting' } } } as const;
const suspended = { live: { conversing: { dialogue: 'suspended' } } } as const;
const isNow = (snapshot: AnyMachineSnapshot, session: 'whole' | 'mending'): boolean =>
  snapshot.matches({ live: { conversing: { session } } });
const contextOf = (snapshot: AnyMachineSnapshot): SessionContext => snapshot.context as SessionContext;

const arrived = (presence: Presence, type: string): Presence => {
  if (type === 'caller.lost') return presence === 'there' ? 'lost' : presence;
  if (type === 'caller.returned') return presence === 'lost' ? 'there' : presence;
  if (type === 'caller.left') return presence === 'absent' ? 'absent' : 'left';
  return presence;
};

export const sessionModel: Model<SessionFacts> = {
  inputs: (['say', 'generate', 'agent', 'wait'] satisfies Greeting[]).flatMap((greeting) =>
    [false, true].flatMap((resumed) =>
      [false, true].map((goodbye) => ({
        policy: { ...defaultPolicy, nudges: 1 },
        resumed,
        elapsedMs: 0,
        greeting,
        goodbye,
      })),
    ),
  ),
  events,
  outputs: (name) => (name === 'transfer' ? [{ outcome: 'transferred' }, { outcome: 'declined' }] : [{}]),
  project: (snapshot) => {
    const {
      end,
      nudges,
      askedAgain,
      isSilenceTold,
      isHoldGoodbye,
      isLiveBroken,
      isAnswerOwed,
      isOwnLineLost,
      isUnheard,
      goodbye,
      greeting,
      resumed,
    } = contextOf(snapshot);
    const isLive = snapshot.matches('live');
    const isHeld = snapshot.matches({ live: { conversing: { dialogue: 'held' } } });
    const isSuspended = snapshot.matches(suspended);
    return [
      end !== null,
      isLiveBroken,
      goodbye,
      isLive && nudges,
      isLive && askedAgain,
      isLive && isSilenceTold,
      isHeld && isHoldGoodbye,
      (isSuspended || snapshot.matches(waiting)) && isAnswerOwed,
      isSuspended && isOwnLineLost,
      isSuspended && isUnheard,
      isLive && !snapshot.matches({ live: 'conversing' }) && [greeting, resumed],
    ];
  },
  begin: (_, snapshot) => ({
    presence: 'absent',
    isGoodbyeWanted: contextOf(snapshot).goodbye,
    isTold: false,
    goodbyes: 0,
    hangUps: 0,
    closes: 0,
    reports: 0,
    mends: 0,
  }),
  step: (facts, { before, event, after, asked }, broke) => {
    const next = { ...facts, presence: arrived(facts.presence, event.type) };
    const [was, is] = [contextOf(before), contextOf(after)];
    const given = event['end'] as End | undefined;
    if (event.type.startsWith('xstate.done.actor') && before.matches({ live: { connecting: 'awaitingCaller' } }))
      next.presence = 'there';
    if (event.type === 'session.end' && event['goodbye'] === false && facts.goodbyes === 0)
      next.isGoodbyeWanted = false;
    if (event.type === 'voicemail.found' && !was.end && event['goodbye'] !== undefined && !before.matches('closed'))
      next.isGoodbyeWanted = event['goodbye'] === true;
    if (!was.end && is.end?.reason === 'on_hold') next.isGoodbyeWanted = was.isHoldGoodbye;

    // The first reason wins, is never empty, and later ones are noted.
    if (was.end && is.end !== was.end) broke('the first end is replaced');
    const isMendable = event['isMendable'] === true && (isNow(before, 'whole') || isNow(before, 'mending'));
    if (isMendable && !after.matches('live')) broke('what can be mended ends the call');
    if (given && !isMendable && !was.end && is.end?.reason !== (given.reason.trim() || 'unspecified'))
      broke('an end is not recorded');
    next.mends = isNow(after, 'whole')
      ? 0
      : asked.some(({ name }) => name === 'mend')
        ? more(facts.mends)
        : facts.mends;
    if (next.mends > 1) broke('mended twice in a minute');
    if (given && was.end && is.alsoTriggered.length !== was.alsoTriggered.length + 1)
      broke('a later trigger is forgotten');
    if (is.end && is.end.reason.trim() === '') broke('an end without a reason');
    if (!after.matches('live') && !is.end) broke('an ending without an end');
    if (after.matches('live') && is.end) broke('an end that does not end');
    // J3.
    if (after.matches('live') && !before.matches('live')) broke('live is entered again');

    if (event.type === 'caller.returned' && before.matches(suspended)) {
      const isNudged = asked.some(({ name, input }) => name === 'speak' && input['line'] === 'nudge');
      const isDue = (was.isOwnLineLost || was.isUnheard) && !was.isAnswerOwed && was.nudges < was.policy.nudges;
      if (isNudged !== isDue) broke('both wait for each other, or neither');
      if (was.isAnswerOwed && !after.matches(waiting)) broke('an owed answer is forgotten');
    }
    if (/^(agent.audible|dialogue.moved)$/.test(event.type) && before.matches(suspended) && is.isAnswerOwed)
      broke('an answer that was given is owed');
    if (event.type === 'dialogue.moved' && before.matches(suspended) && !is.isUnheard)
      broke('an answer to nobody counts as heard');
    if (!was.end && is.end?.reason === 'caller_lost' && (is.end.by === 'system') !== was.isOwnLineLost)
      broke('whose line was lost is not told');
    if (event.type === 'voicemail.found' && asked.some(({ name }) => name === 'drain')) broke('a message that waits');

    for (const { name, input } of asked) {
      if (name === 'speak' && input['line'] === 'goodbye') {
        next.goodbyes = more(next.goodbyes);
        if (next.goodbyes > 1) broke('goodbye twice');
        if (next.presence !== 'there') broke('goodbye to nobody');
        if (!next.isGoodbyeWanted) broke('a goodbye that nobody wants');
        if (!before.matches({ ending: 'interrupting' })) broke('goodbye without interrupting');
      } else if (name === 'speak' && (next.presence === 'lost' || next.presence === 'left')) broke('a line to nobody');
      if (name === 'speak' && input['line'] === 'windDown') next.isTold = true;
      if (name === 'hangUp') next.hangUps = more(next.hangUps);
      if (name === 'close') next.closes = more(next.closes);
      if (name === 'sendReport') next.reports = more(next.reports);
      if ((name === 'hangUp' || name === 'sendReport') && input['end'] !== is.end) broke(`${name} with another end`);
      if (name === 'sendReport' && next.closes !== 1) broke('report before close');
    }
    if (!was.end && is.end?.reason === 'max_duration' && next.presence === 'there' && !next.isTold)
      broke('the caller was not told');
    if (after.status === 'done' && (next.hangUps !== 1 || next.closes !== 1 || next.reports !== 1))
      broke('a step of the ending missing or twice');
    return next;
  },
};

const oneInput = sessionModel.inputs.filter((input) => {
  const { greeting, resumed, goodbye } = input as { greeting: Greeting; resumed: boolean; goodbye: boolean };
  return greeting === 'wait' && !resumed && goodbye;
});
const isWork = (type: string): boolean => /^(tool|transfer|time|silence)\./.test(type);

/**
 * The regions beside the dialogue multiply: all of them at once would be sixty thousand places, and four minutes. So one
 * walk has every beginning and ending, without work; one has the work in the middle of a call, where it makes no difference
 * whether a goodbye is wanted; one an agent that only writes.
 */
export const sessionWalks: readonly Model<SessionFacts>[] = [
  { ...sessionModel, isLeftOut: ({ type }) => isWork(type) },
  {
    ...sessionModel,
    inputs: oneInput,
    isLeftOut: ({ type }) => /^(lines|hold|caller.lost|voicemail|silence|session|shutdown|budget)/.test(type),
    isEnd: (snapshot) => !snapshot.matches('live'),
  },
  {
    ...sessionModel,
    inputs: oneInput,
    isLeftOut: ({ type }) => !/^(silence|dialogue|caller.acts|xstate)/.test(type),
    isEnd: (snapshot) => !snapshot.matches('live'),
  },
];
