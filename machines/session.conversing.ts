/**
 * The call itself: three clocks beside each other. Pure.
 *
 * Where an end leads depends on how long the caller has waited: from a turn not yet answered it drains, from a live
 * filler it goes to `interrupting`, from a bundled filler, the last rung, straight to the hang-up. These are handlers
 * of states and not guards, so that the walks of bound.ts see them.
 */
import { and } from 'xstate';
import { ends } from './ends.ts';
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
} from './session.setup.ts';

const modelFailed = [
  { guard: 'isLiveBroken', target: '#runtimeBundled', actions: as(ends.modelFailed) },
  { target: '#runtimeFailed', actions: as(ends.modelFailed) },
] as const;

export const conversing = session.createStateConfig({
  id: 'conversing',
  description: 'Three clocks: who waits for whom, how long a tool runs, how late it is.',
  type: 'parallel',
  states: {
    dialogue: {
      description: 'Does anybody talk, is anybody there?',
      initial: 'active',
      states: {
        active: {
          description: 'The agent is heard, or it is the caller’s turn.',
          on: {
            'dialogue.moved': { target: 'active', reenter: true, actions: 'forgetNudges' },
            'agent.audible': { target: 'active', reenter: true, actions: ['forgetNudges', 'noteLiveWorks'] },
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
            'agent.audible': { target: 'active', actions: ['forgetNudges', 'noteLiveWorks'] },
            'dialogue.moved': { target: 'active', actions: 'forgetNudges' },
            'caller.lost': { target: 'suspended', actions: 'oweAnswer' },
          },
          initial: 'unanswered',
          states: {
            unanswered: {
              description: 'Nothing audible yet.',
              after: {
                firstAudioMs: [{ guard: 'isLiveBroken', target: '#fillingBundled' }, { target: '#fillingLive' }],
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
              description: 'A filler was heard; the clock runs from its first sound. A tool earns another one.',
              tags: 'fresh',
              after: {
                firstAudioMs: [
                  { guard: and(['isToolRunning', 'isLiveBroken']), target: '#fillingBundled' },
                  { guard: 'isToolRunning', target: '#fillingLive' },
                  ...modelFailed,
                ],
              },
            },
          },
        },
        idle: {
          description: 'Asking whether somebody is still there.',
          entry: 'countNudge',
          on: {
            'dialogue.moved': { target: 'active', actions: 'forgetNudges' },
            'agent.audible': { target: 'active', actions: ['forgetNudges', 'noteLiveWorks'] },
            'caller.waits': 'waiting',
            'caller.lost': { target: 'suspended', actions: 'oweNothing' },
          },
          ...within('rungMs', 'speak', { done: 'active', otherwise: 'active' }, line('nudge', 'live', remark)),
        },
        suspended: {
          id: 'suspended',
          description: 'Caller lost, not gone. Whatever ends the session now skips the goodbye.',
          on: {
            'caller.returned': [{ guard: 'isAnswerOwed', target: 'waiting' }, { target: 'active' }],
            'session.end': hangUpAsGiven,
            'shutdown.requested': shutDownTo('#hangingUp'),
            'session.failed': hangUpAsGiven,
          },
          after: { callerGraceMs: hangUpAs(ends.callerLost) },
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
