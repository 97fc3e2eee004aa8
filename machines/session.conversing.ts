/**
 * The call itself: four clocks beside each other. Pure.
 *
 * Where an end leads depends on how long the caller has waited: from a turn not yet answered it drains, from a live
 * filler it goes to `interrupting`, from a bundled filler, the last rung, straight to the hang-up. These are handlers
 * of states and not guards, so that the walks of bound.ts see them.
 */
import { and } from 'xstate';
import { ends } from './ends.ts';
import type { Transfer } from './events.ts';
import { mended, mending } from './session.mending.ts';
import {
  record,
  recordGivenEnd,
  recordNoAnswer,
  line,
  remark,
  session,
  within,
  type SessionContext,
} from './session.setup.ts';

const transferOf = ({ transfer }: SessionContext): Transfer => transfer ?? { id: '', how: 'warm', to: '' };

/** What is said to a caller whose line is away, or to music, moves nothing. */
const deafTo = (...events: string[]): Record<string, object> => Object.fromEntries(events.map((each) => [each, {}]));

/** A key or a packet of data takes no floor: who is heard goes on, and what is owed stays owed. */
const actsMeanwhile = { 'caller.acts': { actions: ['forgetCounts', 'forgetAgain'] } } as const;

export const conversing = session.createStateConfig({
  id: 'conversing',
  description:
    'Six clocks: who waits for whom, whether a tool runs, a transfer, time that was given, how late it is, whether the session lives.',
  type: 'parallel',
  states: {
    dialogue: {
      description: 'Who has the floor, is anybody there?',
      on: {
        'agent.audible': { target: '.active.agentSpeaks', actions: ['forgetCounts', 'noteLiveWorks'] },
        'caller.speaks': '.active.callerSpeaks', // it may be noise: only words forget what was counted
        'caller.acts': { target: '.active.quiet', actions: ['forgetCounts', 'forgetAgain'] },
        'caller.stopped': { target: '.recognizing', actions: ['noteEndpointing', 'oweNothing'] },
        'caller.waits': { target: '.waiting', actions: ['noteAwaited', 'oweAnswer', 'forgetAgain'] },
        'dialogue.moved': '.active.quiet',
        'caller.lost': { target: '.suspended', actions: 'oweNothing' },
        'hold.began': { target: '.held', actions: 'noteHold' },
      },
      initial: 'active',
      states: {
        active: {
          description: 'Somebody is heard, or it is the caller’s turn.',
          initial: 'quiet',
          states: {
            agentSpeaks: {
              id: 'agentSpeaks',
              description: 'The agent is heard: nobody is idle who is spoken to.',
              on: actsMeanwhile,
            },
            callerSpeaks: {
              description:
                'The caller is heard. Sounds without words (a street, music) hold the clock back, not for ever.',
              on: {
                'caller.speaks': {},
                'caller.acts': { target: 'callerSpeaks', reenter: true, actions: 'forgetAgain' },
              },
              after: { noiseMs: 'quiet' },
            },
            quiet: {
              id: 'quiet',
              description:
                'The caller’s turn, and nobody says anything. Work and time that was given hold the clock back.',
              tags: 'calm',
              on: { 'time.over': { target: 'quiet', reenter: true } },
              after: {
                idleMs: [
                  { guard: 'isBusy', target: 'quiet', reenter: true },
                  { guard: 'hasNudgesLeft', target: '#idle' },
                  { target: '#ending', actions: record(ends.idle) },
                ],
              },
            },
          },
        },
        recognizing: {
          description: 'They stopped; their turn is not taken yet. Up to the endpointing it is their own time.',
          on: { ...actsMeanwhile, 'words.missed': [{ guard: 'isDeaf', target: '#quiet' }, { target: '#asking' }] },
          initial: 'choosing',
          states: {
            choosing: {
              description: 'Who finds their turn?',
              always: [{ guard: 'isTurnFound', target: 'endpointing' }, { target: 'deciding' }],
            },
            endpointing: {
              description: 'The detector of turns does, within the limit that the user set.',
              after: { endpointingMs: [{ guard: 'isDeaf', target: '#quiet' }, { target: '#waiting' }] },
            },
            deciding: {
              description: 'A realtime model does, and may find that nothing has to be said.',
              after: { turnMs: [{ guard: 'hasNudgesLeft', target: '#idle' }, { target: '#quiet' }] },
            },
          },
        },
        waiting: {
          id: 'waiting',
          description: 'The caller waits for us: one clock for what they hear, one for our patience.',
          type: 'parallel',
          tags: 'waiting',
          on: {
            ...actsMeanwhile,
            'caller.waits': { actions: ['noteAwaited', 'oweAnswer', 'forgetAgain'] },
            'caller.lost': 'suspended', // what is owed stays owed
          },
          states: {
            clock: {
              description: 'Nothing is heard, or a filler.',
              initial: 'unanswered',
              states: {
                unanswered: {
                  description: 'Nothing audible yet.',
                  tags: 'silent',
                  on: {
                    'answer.moved': 'moved',
                    'words.missed': [{ guard: 'isDeaf', target: '#quiet' }, { target: '#asking' }],
                  },
                  after: {
                    firstAudioMs: [{ guard: 'isLiveBroken', target: '#fillingBundled' }, { target: '#fillingLive' }],
                  },
                },
                moved: {
                  description:
                    'A step forward: a tool or a transfer ended, a first token came. The clock runs from it.',
                  tags: ['silent', 'fresh'],
                  on: {
                    'answer.moved': { target: 'moved', reenter: true },
                    'words.missed': [{ guard: 'isDeaf', target: '#quiet' }, { target: '#asking' }],
                  },
                  after: {
                    firstAudioMs: [{ guard: 'isLiveBroken', target: '#fillingBundled' }, { target: '#fillingLive' }],
                  },
                },
                fillingLive: {
                  id: 'fillingLive',
                  description: 'A filler by live TTS. Who ends the call now finds nothing to drain.',
                  tags: 'silent',
                  on: {
                    'session.end': { target: '#interrupting', actions: recordGivenEnd },
                    'shutdown.requested': { target: '#interrupting', actions: [recordGivenEnd, 'startBudget'] },
                    'answer.moved': 'moved',
                    'session.failed': [mended, { target: '#runtimeBundled', actions: recordGivenEnd }],
                  },
                  ...within(
                    'rungMs',
                    'speak',
                    { done: 'filled', otherwise: { target: 'fillingBundled', actions: 'noteLiveBroken' } },
                    line('filler', 'live', remark),
                  ),
                },
                fillingBundled: {
                  id: 'fillingBundled',
                  description: 'The last rung: if it is not heard, no goodbye and no apology would be.',
                  tags: ['silent', 'lastRung'],
                  on: {
                    'answer.moved': 'moved',
                    'session.end': { target: '#hangingUp', actions: recordGivenEnd },
                    'voicemail.found': { target: '#hangingUp', actions: recordGivenEnd },
                    'shutdown.requested': { target: '#hangingUp', actions: [recordGivenEnd, 'startBudget'] },
                    'session.failed': [mended, { target: '#hangingUp', actions: recordGivenEnd }],
                  },
                  ...within(
                    'rungMs',
                    'speak',
                    { done: 'filled', otherwise: { target: '#hangingUp', actions: record(ends.unheard) } },
                    line('filler', 'bundled', remark),
                  ),
                },
                filled: {
                  id: 'filled',
                  description: 'A filler was heard; the clock runs from its first sound.',
                  tags: ['silent', 'fresh'],
                  on: {
                    'session.end': { target: '#interrupting', actions: recordGivenEnd },
                    'shutdown.requested': { target: '#interrupting', actions: [recordGivenEnd, 'startBudget'] },
                    'answer.moved': 'moved',
                    'words.missed': [{ guard: 'isDeaf', target: '#quiet' }, { target: '#asking' }],
                  },
                  after: {
                    fillerMs: [
                      { guard: and(['isUnrecognized', 'isDeaf']), target: '#quiet' },
                      { guard: 'isUnrecognized', target: 'asking' },
                      { guard: 'isLiveBroken', target: '#fillingBundled' },
                      { target: '#fillingLive' },
                    ],
                  },
                },
                asking: {
                  id: 'asking',
                  description: 'That was speech, and no words were found in it: asked for once more.',
                  tags: 'silent',
                  entry: 'countAgain',
                  on: {
                    'session.end': { target: '#hangingUp', actions: recordGivenEnd },
                    'voicemail.found': { target: '#hangingUp', actions: recordGivenEnd },
                    'shutdown.requested': { target: '#hangingUp', actions: [recordGivenEnd, 'startBudget'] },
                    'session.failed': [mended, { target: '#runtimeBundled', actions: recordGivenEnd }],
                  },
                  ...within(
                    'rungMs',
                    'speak',
                    { done: '#quiet', otherwise: { target: 'fillingBundled', actions: 'noteLiveBroken' } },
                    line('again', 'live', remark),
                  ),
                },
              },
            },
            patience: {
              description: 'For how long, with whom?',
              initial: 'choosing',
              states: {
                choosing: {
                  description: 'Is their turn taken?',
                  always: [{ guard: 'isAnswerOwed', target: 'answering' }, { target: 'recognizing' }],
                },
                recognizing: {
                  id: 'unrecognized',
                  description: 'Recognition is late, or found no words: after one filler they are asked again.',
                  on: {
                    'caller.waits': { target: 'answering', actions: ['noteAwaited', 'oweAnswer', 'forgetAgain'] },
                  },
                  after: { turnMs: [{ guard: 'isDeaf', target: '#quiet' }, { target: '#asking' }] },
                },
                answering: {
                  description: 'A hook or a model is awaited; each step forward begins anew.',
                  always: { guard: 'isWorking', target: 'working' },
                  on: { 'answer.moved': { target: 'answering', reenter: true, actions: 'noteAwaited' } },
                  after: {
                    turnMs: [
                      { guard: 'isFillingBundled', target: '#hangingUp', actions: recordNoAnswer('model_failed') },
                      { guard: 'isFillingLive', target: '#runtimeBundled', actions: recordNoAnswer('model_failed') },
                      { guard: 'isLiveBroken', target: '#runtimeBundled', actions: recordNoAnswer('model_failed') },
                      { target: '#runtimeFailed', actions: recordNoAnswer('model_failed') },
                    ],
                  },
                },
                working: {
                  description: 'A tool or a transfer has a limit of its own.',
                  always: { guard: 'isResting', target: 'answering' },
                },
              },
            },
          },
        },
        idle: {
          id: 'idle',
          description:
            'Asking whether somebody is still there: after a long silence, and after words that nobody heard.',
          entry: 'countNudge',
          ...within('rungMs', 'speak', { done: '#quiet', otherwise: '#quiet' }, line('nudge', 'live', remark)),
        },
        held: {
          description: 'Hold music: nobody to talk to, and nothing is owed.',
          on: {
            ...deafTo('hold.began', 'agent.audible', 'caller.speaks', 'caller.acts', 'caller.stopped', 'caller.waits'),
            ...deafTo('dialogue.moved'),
            'hold.ended': { target: 'active', actions: 'forgetCounts' },
          },
          ...within('holdMs', 'hold', {
            done: { target: 'active', actions: 'forgetCounts' },
            otherwise: { target: '#ending', actions: [record(ends.onHold), 'chooseGoodbye'] },
          }),
        },
        suspended: {
          id: 'suspended',
          description: 'Caller lost, not gone. Whatever ends the session now skips the goodbye.',
          entry: ['forgetUnheard', 'noteWhoseLine'],
          on: {
            ...deafTo('hold.began', 'caller.speaks', 'caller.acts', 'caller.stopped'),
            // We are back before them: who was away ourselves has a word to say all the same.
            'caller.lost': { actions: ['noteOwnAbsence', 'noteWhoseLine'] },
            'caller.waits': { actions: ['noteAwaited', 'oweAnswer'] },
            'agent.audible': { actions: 'oweNothing' },
            // What one says to its end while the other is away is not heard: without a word of ours both would wait.
            'dialogue.moved': { actions: ['oweNothing', 'noteUnheard'] },
            'caller.returned': [
              { guard: 'isAnswerOwed', target: 'waiting' },
              { guard: and(['isUnheard', 'hasNudgesLeft']), target: 'idle' },
              { target: 'active' },
            ],
            'session.end': { target: '#hangingUp', actions: recordGivenEnd },
            'voicemail.found': { target: '#hangingUp', actions: recordGivenEnd },
            'shutdown.requested': { target: '#hangingUp', actions: [recordGivenEnd, 'startBudget'] },
            'session.failed': [mended, { target: '#hangingUp', actions: recordGivenEnd }],
          },
          after: {
            callerGraceMs: [
              { guard: 'isOwnLineLost', target: '#hangingUp', actions: record(ends.ownLineLost) },
              { target: '#hangingUp', actions: record(ends.callerLost) },
            ],
          },
        },
      },
    },
    work: {
      description: 'Does a tool run that may keep the caller waiting?',
      initial: 'none',
      states: {
        none: { description: 'The ordinary limit holds.', on: { 'tool.started': 'running' } },
        running: {
          id: 'toolRunning',
          description: 'It has a limit of its own, and is a sign of life.',
          on: { 'tool.ended': 'none' },
          after: { toolMs: 'overdue' },
        },
        overdue: { description: 'The ordinary limit holds again.', on: { 'tool.ended': 'none' } },
      },
    },
    grant: {
      description: 'Was the caller given time?',
      initial: 'none',
      states: {
        none: { description: 'No.', on: { 'time.given': { target: 'granted', actions: 'noteGiven' } } },
        granted: {
          id: 'granted',
          description: 'They look something up: no nudge until then, or until they speak.',
          on: {
            'caller.speaks': 'none',
            'caller.acts': 'none',
            'time.given': { target: 'granted', reenter: true, actions: 'noteGiven' },
          },
          after: { givenMs: { target: 'none', actions: 'endTime' } },
        },
      },
    },
    transfer: {
      description: 'Is the caller on the way to somebody else?',
      initial: 'none',
      states: {
        none: {
          description: 'No.',
          on: { 'transfer.requested': { target: 'asking', actions: 'noteTransfer' } },
        },
        asking: {
          id: 'transferring',
          description: 'Somebody else is called; meanwhile the conversation goes on, and fillers are earned.',
          tags: 'transferring',
          ...within(
            'transferMs',
            'transfer',
            {
              done: [
                { guard: 'isTransferred', target: '#hangingUp', actions: record(ends.transferred) },
                { target: 'none' },
              ],
              otherwise: 'none',
            },
            transferOf,
          ),
        },
      },
    },
    duration: {
      description: 'How long the call has lasted.',
      initial: 'open',
      states: {
        open: {
          description: 'Far from the limit.',
          after: {
            untilWindDownMs: [{ guard: 'isCallerLost', target: 'windingDown.untold' }, { target: 'windingDown' }],
          },
        },
        windingDown: {
          description: 'The limit is near, and the caller is told, if there is one.',
          after: {
            windDownMs: [
              { guard: 'isCallerLost', target: '#hangingUp', actions: record(ends.maxDuration) },
              { guard: 'isFillingBundled', target: '#hangingUp', actions: record(ends.maxDuration) },
              { guard: 'isFilled', target: '#interrupting', actions: record(ends.maxDuration) },
              { guard: 'isFillingLive', target: '#interrupting', actions: record(ends.maxDuration) },
              { target: '#ending', actions: record(ends.maxDuration) },
            ],
          },
          initial: 'telling',
          states: {
            telling: {
              description: 'The wind-down line.',
              on: { 'caller.lost': 'untold' },
              ...within('rungMs', 'speak', { done: 'told', otherwise: 'told' }, line('windDown', 'live', remark)),
            },
            untold: { description: 'Nobody to tell.', on: { 'caller.returned': 'telling' } },
            told: { description: 'Once is enough.' },
          },
        },
      },
    },
    session: mending,
  },
});
