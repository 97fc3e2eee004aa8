/**
 * From the accepted job to the first word: joining, waiting for the caller, greeting. Pure.
 *
 * Nothing was heard yet, so who ends a session here finds nothing to drain.
 */
import { ends, noAnswer } from './ends.ts';
import {
  record,
  recordGiven,
  during,
  hangUpAs,
  hangUpAsGiven,
  line,
  remark,
  session,
  shutDownTo,
  stopTalkingAsGiven,
  within,
  type SessionContext,
} from './session.setup.ts';

const startupFailed = { target: '#startupFailed', actions: record(ends.startupFailed) } as const;
const startupFailedUnheard = { target: '#startupBundled', actions: record(ends.startupFailed) } as const;
const patienceIsOver = {
  target: '#startupBundled',
  actions: {
    type: 'recordEnd',
    params: ({ context: { awaits, policy, isStarved } }: { context: SessionContext }) =>
      noAnswer('startup_failed', awaits, policy.turnMs, isStarved),
  },
} as const;

export const connecting = session.createStateConfig({
  description: 'On the way into the room: nobody to say goodbye to.',
  tags: 'starting',
  on: {
    'session.failed': { target: '#startupFailed', actions: recordGiven },
    'session.end': hangUpAsGiven,
    'voicemail.found': hangUpAsGiven,
    'shutdown.requested': shutDownTo('#hangingUp'),
  },
  initial: 'joining',
  states: {
    joining: {
      description: 'The room, then the agent session: both under one limit.',
      tags: 'silent',
      after: { connectMs: startupFailed },
      initial: 'connectingRoom',
      states: {
        connectingRoom: {
          description: 'Into the room.',
          ...during(
            'connect',
            {
              done: 'startingSession',
              otherwise: startupFailed,
            },
            ({ resumed }) => ({ resumed }),
          ),
        },
        startingSession: {
          description: 'The agent session starts.',
          ...during('startSession', { done: '#awaitingCaller', otherwise: startupFailed }),
        },
      },
    },
    awaitingCaller: {
      id: 'awaitingCaller',
      description: 'Ready; the room may be empty.',
      tags: 'expecting',
      ...during('awaitCaller', {
        done: [{ guard: 'callerSpeaksFirst', target: '#conversing' }, { target: '#greeting' }],
        otherwise: startupFailed,
      }),
      after: { callerJoinMs: hangUpAs(ends.neverJoined) }, // late is not broken
    },
  },
});

/** The first words: theirs are listened to as well, and who speaks before the greeting was heard gets an answer instead. */
export const greeting = session.createStateConfig({
  id: 'greeting',
  description: 'Until the first audio of the first words is seen; they play on in conversing.',
  type: 'parallel',
  tags: ['starting', 'greeting'],
  on: {
    'agent.audible': '#agentSpeaks',
    'caller.waits': { guard: 'isTurn', target: '#waiting', actions: ['noteAwaited', 'oweAnswer'] },
    'caller.lost': { target: '#suspended', actions: 'oweAnswer' },
    'session.failed': { target: '#startupBundled', actions: recordGiven },
    'session.end': stopTalkingAsGiven,
    'shutdown.requested': shutDownTo('#interrupting'),
  },
  states: {
    words: {
      description: 'Who says them?',
      initial: 'choosing',
      states: {
        choosing: {
          description: 'Does the agent speak by itself?',
          always: [{ guard: 'agentGreets', target: 'listening' }, { target: 'speaking' }],
        },
        listening: { description: "greeting: 'agent'. Its onEnter speaks, now that a caller is there." },
        speaking: {
          description: 'The greeting; after a crash, the words that excuse it.',
          tags: 'greets',
          ...during('speak', { done: '#agentSpeaks', otherwise: startupFailedUnheard }, ({ resumed }) => ({
            line: resumed ? 'recovery' : 'greeting',
            rung: 'live',
            ...remark,
          })),
        },
      },
    },
    clock: {
      description:
        'Nothing is heard, or a filler: from the package, for no voice was heard yet. No step forward is a sound.',
      initial: 'unanswered',
      states: {
        unanswered: {
          description: 'Nothing audible yet.',
          tags: 'silent',
          on: { 'caller.speaks': 'callerSpeaks' },
          after: { firstAudioMs: 'filling' },
        },
        callerSpeaks: {
          description: 'They say hello: no word over theirs.',
          on: { 'caller.stopped': 'unanswered', 'dialogue.moved': 'unanswered' },
        },
        filling: {
          description: 'The last rung: if it is not heard, no apology would be.',
          tags: ['silent', 'lastRung'],
          on: {
            'caller.speaks': 'callerSpeaks',
            'session.end': hangUpAsGiven,
            'session.failed': hangUpAsGiven,
            'voicemail.found': hangUpAsGiven,
            'shutdown.requested': shutDownTo('#hangingUp'),
          },
          ...within(
            'rungMs',
            'speak',
            { done: 'filled', otherwise: hangUpAs(ends.startUnheard) },
            line('filler', 'bundled', remark),
          ),
        },
        filled: {
          description: 'A filler was heard; the clock runs from its first sound.',
          tags: ['silent', 'fresh'],
          on: { 'caller.speaks': 'callerSpeaks' },
          after: { fillerMs: 'filling' },
        },
      },
    },
    patience: {
      description: 'With the model, and with an onEnter that greets.',
      initial: 'answering',
      states: {
        answering: {
          description: 'Each step forward begins anew.',
          on: { 'answer.moved': { target: 'answering', reenter: true, actions: 'noteAwaited' } },
          after: { turnMs: patienceIsOver },
        },
      },
    },
  },
});
