/**
 * From the accepted job to the first word: joining, waiting for the caller, greeting. Pure.
 *
 * Nothing was heard yet, so who ends a session here finds nothing to drain.
 */
import { ends } from './ends.ts';
import { record, recordGivenEnd, recordNoAnswer, during, line, remark, session, within } from './session.setup.ts';

export const connecting = session.createStateConfig({
  description: 'On the way into the room: nobody to say goodbye to.',
  tags: 'starting',
  on: {
    'session.failed': { target: '#startupFailed', actions: recordGivenEnd },
    'session.end': { target: '#hangingUp', actions: recordGivenEnd },
    'voicemail.found': { target: '#hangingUp', actions: recordGivenEnd },
    'shutdown.requested': { target: '#hangingUp', actions: [recordGivenEnd, 'startBudget'] },
  },
  initial: 'joining',
  states: {
    joining: {
      description: 'The room, then the agent session: both under one limit.',
      tags: 'silent',
      after: { connectMs: { target: '#startupFailed', actions: record(ends.startupFailed) } },
      initial: 'connectingRoom',
      states: {
        connectingRoom: {
          description: 'Into the room.',
          ...during(
            'connect',
            {
              done: 'startingSession',
              otherwise: { target: '#startupFailed', actions: record(ends.startupFailed) },
            },
            ({ resumed }) => ({ resumed }),
          ),
        },
        startingSession: {
          description: 'The agent session starts.',
          ...during('startSession', {
            done: '#awaitingCaller',
            otherwise: { target: '#startupFailed', actions: record(ends.startupFailed) },
          }),
        },
      },
    },
    awaitingCaller: {
      id: 'awaitingCaller',
      description: 'Ready; the room may be empty.',
      tags: 'expecting',
      ...during('awaitCaller', {
        done: [{ guard: 'callerSpeaksFirst', target: '#conversing' }, { target: '#greeting' }],
        otherwise: { target: '#startupFailed', actions: record(ends.startupFailed) },
      }),
      after: {
        callerGraceMs: { guard: 'isResumed', target: '#hangingUp', actions: record(ends.callerLost) },
        callerJoinMs: [
          { guard: 'isResumed', target: '#hangingUp', actions: record(ends.callerLost) },
          { target: '#hangingUp', actions: record(ends.neverJoined) }, // late is not broken
        ],
      },
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
    'session.failed': { target: '#startupBundled', actions: recordGivenEnd },
    'session.end': { target: '#interrupting', actions: recordGivenEnd },
    'shutdown.requested': { target: '#interrupting', actions: [recordGivenEnd, 'startBudget'] },
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
          ...during(
            'speak',
            { done: '#agentSpeaks', otherwise: { target: '#startupBundled', actions: record(ends.startupFailed) } },
            ({ resumed }) => ({
              line: resumed ? 'recovery' : 'greeting',
              rung: 'live',
              ...remark,
            }),
          ),
        },
      },
    },
    clock: {
      description:
        'Nothing is heard, or a filler: from the package, for no voice was heard yet. No step forward is a sound.',
      initial: 'choosing',
      states: {
        choosing: {
          description: 'Have they waited already?',
          tags: 'silent',
          always: [{ guard: 'isResumed', target: 'lost' }, { target: 'unanswered' }],
        },
        lost: {
          description: 'After a crash: the excuse may take a while to be made, and they have waited long enough.',
          tags: 'silent',
          on: { 'caller.speaks': 'callerSpeaks' },
          after: { excuseMs: 'filling' },
        },
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
            'session.end': { target: '#hangingUp', actions: recordGivenEnd },
            'session.failed': { target: '#hangingUp', actions: recordGivenEnd },
            'voicemail.found': { target: '#hangingUp', actions: recordGivenEnd },
            'shutdown.requested': { target: '#hangingUp', actions: [recordGivenEnd, 'startBudget'] },
          },
          ...within(
            'rungMs',
            'speak',
            { done: 'filled', otherwise: { target: '#hangingUp', actions: record(ends.startUnheard) } },
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
          after: { turnMs: { target: '#startupBundled', actions: recordNoAnswer('startup_failed') } },
        },
      },
    },
  },
});
