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
import {
  as,
  asGiven,
  hangUpAs,
  hangUpAsGiven,
  line,
  remark,
  session,
  shutDownTo,
  stopTalkingAsGiven,
  within,
  type Context,
} from './session.setup.ts';

const transferOf = ({ transfer }: Context): Transfer => transfer ?? { id: '', how: 'warm', to: '' };

const modelFailed = [
  { guard: 'isLiveBroken', target: '#runtimeBundled', actions: as(ends.modelFailed) },
  { target: '#runtimeFailed', actions: as(ends.modelFailed) },
] as const;

export const conversing = session.createStateConfig({
  id: 'conversing',
  description: 'Four clocks: who waits for whom, how long a tool runs, how long a transfer takes, how late it is.',
  type: 'parallel',
  states: {
    dialogue: {
      description: 'Does anybody talk, is anybody there?',
      on: { 'hold.began': { target: '.held', actions: 'noteHold' } },
      initial: 'active',
      states: {
        active: {
          description: 'The agent is heard, or it is the caller’s turn.',
          on: {
            'dialogue.moved': { target: 'active', reenter: true, actions: 'forgetCounts' },
            'caller.acts': { target: 'active', reenter: true, actions: 'forgetCounts' },
            'agent.audible': { target: 'active', reenter: true, actions: ['forgetCounts', 'noteLiveWorks'] },
            'caller.waits': 'waiting',
            'caller.lost': { target: 'suspended', actions: 'oweNothing' },
          },
          after: {
            idleMs: [
              { guard: 'hasNudgesLeft', target: 'idle' },
              { target: '#ending', actions: as(ends.idle) },
            ],
          },
        },
        waiting: {
          description: 'The caller waits for us.',
          tags: 'silent',
          on: {
            'agent.audible': { target: 'active', actions: ['forgetCounts', 'noteLiveWorks'] },
            'dialogue.moved': { target: 'active', actions: 'forgetCounts' },
            'caller.lost': { target: 'suspended', actions: 'oweAnswer' },
          },
          initial: 'unanswered',
          states: {
            unanswered: {
              description: 'Nothing audible yet.',
              after: {
                firstAudioMs: [
                  { guard: and(['hasFillersLeft', 'isLiveBroken']), target: '#fillingBundled' },
                  { guard: 'hasFillersLeft', target: '#fillingLive' },
                  ...modelFailed,
                ],
              },
            },
            fillingLive: {
              id: 'fillingLive',
              description: 'A filler by live TTS. Who ends the call now finds nothing to drain.',
              on: {
                'session.end': stopTalkingAsGiven,
                'shutdown.requested': shutDownTo('#interrupting'),
                'session.failed': { target: '#runtimeBundled', actions: asGiven },
              },
              ...within(
                'rungMs',
                'speak',
                {
                  done: 'filled',
                  otherwise: { target: '#fillingBundled', actions: 'noteLiveBroken' },
                },
                line('filler', 'live', remark),
              ),
            },
            fillingBundled: {
              id: 'fillingBundled',
              description: 'The last rung: if it is not heard, no goodbye and no apology would be.',
              on: {
                'session.end': hangUpAsGiven,
                'voicemail.found': hangUpAsGiven,
                'shutdown.requested': shutDownTo('#hangingUp'),
                'session.failed': hangUpAsGiven,
              },
              ...within(
                'rungMs',
                'speak',
                { done: 'filled', otherwise: hangUpAs(ends.modelFailed) },
                line('filler', 'bundled', remark),
              ),
            },
            filled: {
              description: 'A filler was heard; the clock runs from its first sound. Work earns another one.',
              tags: 'fresh',
              entry: 'countFiller',
              after: {
                firstAudioMs: [
                  { guard: and(['hasFillersLeft', 'isToolRunning', 'isLiveBroken']), target: '#fillingBundled' },
                  { guard: and(['hasFillersLeft', 'isToolRunning']), target: '#fillingLive' },
                  { guard: and(['hasFillersLeft', 'isTransferring', 'isLiveBroken']), target: '#fillingBundled' },
                  { guard: and(['hasFillersLeft', 'isTransferring']), target: '#fillingLive' },
                  ...modelFailed,
                ],
              },
            },
          },
        },
        idle: {
          description:
            'Asking whether somebody is still there: after a long silence, and after words that nobody heard.',
          entry: 'countNudge',
          on: {
            'dialogue.moved': { target: 'active', actions: 'forgetCounts' },
            'caller.acts': { target: 'active', actions: 'forgetCounts' },
            'agent.audible': { target: 'active', actions: ['forgetCounts', 'noteLiveWorks'] },
            'caller.waits': 'waiting',
            'caller.lost': { target: 'suspended', actions: 'oweNothing' },
          },
          ...within('rungMs', 'speak', { done: 'active', otherwise: 'active' }, line('nudge', 'live', remark)),
        },
        held: {
          description: 'Hold music: nobody to talk to, and nothing is owed.',
          on: {
            'hold.began': {},
            'hold.ended': { target: 'active', actions: 'forgetCounts' },
            'caller.lost': { target: 'suspended', actions: 'oweNothing' },
          },
          ...within('holdMs', 'hold', {
            done: { target: 'active', actions: 'forgetCounts' },
            otherwise: { target: '#ending', actions: [as(ends.onHold), 'chooseGoodbye'] },
          }),
        },
        suspended: {
          id: 'suspended',
          description: 'Caller lost, not gone. Whatever ends the session now skips the goodbye.',
          entry: ['forgetUnheard', 'noteWhoseLine'],
          on: {
            'caller.lost': { actions: 'noteWhoseLine' },
            'agent.audible': { actions: 'oweNothing' },
            // What one says to its end while the other is away is not heard: without a word of ours both would wait.
            'dialogue.moved': { actions: ['oweNothing', 'noteUnheard'] },
            'caller.returned': [
              { guard: 'isAnswerOwed', target: 'waiting' },
              { guard: and(['isUnheard', 'hasNudgesLeft']), target: 'idle' },
              { target: 'active' },
            ],
            'hold.began': {},
            'session.end': hangUpAsGiven,
            'voicemail.found': hangUpAsGiven,
            'shutdown.requested': shutDownTo('#hangingUp'),
            'session.failed': hangUpAsGiven,
          },
          after: {
            callerGraceMs: [{ guard: 'isOwnLineLost', ...hangUpAs(ends.ownLineLost) }, hangUpAs(ends.callerLost)],
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
          description: 'Fillers instead of the error branch.',
          on: { 'tool.ended': 'none' },
          after: { toolMs: 'overdue' },
        },
        overdue: { description: 'The ordinary limit holds again.', on: { 'tool.ended': 'none' } },
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
          ...within(
            'transferMs',
            'transfer',
            {
              done: [{ guard: 'isTransferred', ...hangUpAs(ends.transferred) }, { target: 'none' }],
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
              { guard: 'isCallerLost', ...hangUpAs(ends.maxDuration) },
              { guard: 'isFillingBundled', ...hangUpAs(ends.maxDuration) },
              { guard: 'isFillingLive', target: '#interrupting', actions: as(ends.maxDuration) },
              { target: '#ending', actions: as(ends.maxDuration) },
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
  },
});
