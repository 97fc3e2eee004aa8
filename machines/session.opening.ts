/**
 * From the accepted job to the first word: joining, waiting for the caller, greeting. Pure.
 *
 * Nothing was heard yet, so who ends a session here finds nothing to drain.
 */
import { ends } from './ends.ts';
import {
  as,
  asGiven,
  during,
  hangUpAs,
  hangUpAsGiven,
  remark,
  session,
  shutDownTo,
  stopTalkingAsGiven,
} from './session.setup.ts';

const startupFailed = { target: '#startupFailed', actions: as(ends.startupFailed) } as const;
const startupFailedUnheard = { target: '#startupBundled', actions: as(ends.startupFailed) } as const;

export const connecting = session.createStateConfig({
  description: 'On the way into the room: nobody to say goodbye to.',
  tags: 'starting',
  on: {
    'session.failed': { target: '#startupFailed', actions: asGiven },
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
              done: [{ guard: 'startsInGreeting', target: '#awaitingCaller' }, { target: 'startingSession' }],
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

export const greeting = session.createStateConfig({
  id: 'greeting',
  description: 'Until the first audio of the first words is seen; they play on in conversing.',
  tags: ['starting', 'silent'],
  on: {
    'agent.audible': '#conversing',
    'caller.lost': { target: '#suspended', actions: 'oweAnswer' },
    'session.failed': { target: '#startupBundled', actions: asGiven },
    'session.end': stopTalkingAsGiven,
    'shutdown.requested': shutDownTo('#interrupting'),
  },
  after: { firstAudioMs: startupFailedUnheard },
  initial: 'choosing',
  states: {
    choosing: {
      description: 'Does the agent speak by itself?',
      always: [{ guard: 'startsInGreeting', target: 'startingSession' }, { target: 'speaking' }],
    },
    startingSession: {
      description: "greeting: 'agent'. The session starts now that a caller is there, and its onEnter speaks.",
      ...during('startSession', { done: 'listening', otherwise: startupFailedUnheard }),
    },
    listening: { description: 'Started; its first audio is awaited.' },
    speaking: {
      description: 'The greeting; after a crash, the words that excuse it.',
      ...during('speak', { done: '#conversing', otherwise: startupFailedUnheard }, ({ resumed }) => ({
        line: resumed ? 'recovery' : 'greeting',
        rung: 'live',
        ...remark,
      })),
    },
  },
});
