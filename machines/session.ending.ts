/**
 * From the recorded end to `closed`. Pure. One way, and every step of it under a deadline.
 *
 * The goodbye is said once, after what played was interrupted and is gone, to somebody, and only if it is wanted. What
 * may still shorten an ending: a lost caller, a spent budget, a caller who leaves.
 */
import type { Rung } from './events.ts';
import {
  apologyHeard,
  recordGivenEnd,
  endSoFar,
  goodbyeHeard,
  lastWord,
  line,
  session,
  spoken,
  within,
} from './session.setup.ts';

export const ending = session.createStateConfig({
  id: 'ending',
  description: 'Input muted; what runs may finish, but not for ever.',
  tags: ['leaving', 'silent'],
  on: {
    'caller.lost': '#hangingUp',
    'budget.spent': '#hangingUp',
    'caller.left': { target: '#hangingUp', actions: recordGivenEnd },
  },
  initial: 'draining',
  states: {
    draining: {
      description: 'Speech and tools may settle.',
      on: {
        'session.end': [
          { guard: 'isDrainSkipped', target: '#interrupting', actions: recordGivenEnd },
          { actions: recordGivenEnd },
        ],
      },
      ...within('drainMs', 'drain', { done: '#interrupting', otherwise: '#interrupting' }),
    },
    interrupting: {
      id: 'interrupting',
      description: 'What still plays is cut, and awaited: else the goodbye is lost.',
      ...within('interruptMs', 'interrupt', {
        done: [
          { guard: 'isLiveBroken', target: '#hangingUp' }, // a rung that failed is not tried again
          { guard: 'isGoodbyeUnwanted', target: '#hangingUp' },
          { target: '#saying' },
        ],
        otherwise: [
          { guard: 'isLiveBroken', target: '#hangingUp' },
          { guard: 'isGoodbyeUnwanted', target: '#hangingUp' },
          { target: '#saying' },
        ],
      }),
    },
  },
});

export const exiting = session.createStateConfig({
  description: 'Goodbye, then hang-up. The caller never waits for the report.',
  tags: 'leaving',
  initial: 'saying',
  states: {
    saying: {
      id: 'saying',
      description: 'The goodbye: once, uninterrupted, to somebody.',
      on: {
        'caller.lost': '#hangingUp',
        'budget.spent': '#hangingUp',
        'caller.left': { target: '#hangingUp', actions: recordGivenEnd },
      },
      ...spoken(
        { first: 'rungMs', playout: 'goodbyeMs' },
        'speak',
        goodbyeHeard,
        { unheard: '#hangingUp', played: '#hangingUp' },
        line('goodbye', 'live', lastWord),
      ),
    },
    hangingUp: {
      id: 'hangingUp',
      description: 'The caller is released, in the way that the end calls for.',
      tags: ['silent', 'hangingUp'],
      ...within('hangUpMs', 'hangUp', { done: '#reporting', otherwise: '#reporting' }, (context) => ({
        end: endSoFar(context),
      })),
    },
  },
});

/** The apology by one rung, and where it leads. */
const apologyBy = <const Unheard extends string, const Played extends string>(
  rung: Rung,
  next: { unheard: Unheard; played: Played },
) => ({
  description: rung === 'live' ? 'The apology by live TTS.' : 'The apology from the package.',
  ...spoken({ first: 'rungMs', playout: 'apologyMs' }, 'speak', apologyHeard, next, line('apology', rung, lastWord)),
});

export const startupFailed = session.createStateConfig({
  id: 'startupFailed',
  description: 'Broken before the first word.',
  tags: ['leaving', 'starting'],
  on: {
    'caller.lost': '#hangingUp',
    'budget.spent': '#hangingUp',
    'caller.left': { target: '#hangingUp', actions: recordGivenEnd },
  },
  initial: 'live',
  states: {
    live: apologyBy('live', { unheard: '#startupBundled', played: '#hangingUp' }),
    bundled: { id: 'startupBundled', ...apologyBy('bundled', { unheard: '#hangingUp', played: '#hangingUp' }) },
  },
});

export const runtimeFailed = session.createStateConfig({
  id: 'runtimeFailed',
  description: 'Broken in the middle of the call.',
  tags: 'leaving',
  on: {
    'caller.lost': '#hangingUp',
    'budget.spent': '#hangingUp',
    'caller.left': { target: '#hangingUp', actions: recordGivenEnd },
  },
  initial: 'live',
  states: {
    live: apologyBy('live', { unheard: '#runtimeBundled', played: '#hangingUp' }),
    bundled: { id: 'runtimeBundled', ...apologyBy('bundled', { unheard: '#hangingUp', played: '#hangingUp' }) },
  },
});

export const reporting = session.createStateConfig({
  id: 'reporting',
  description: 'Nobody waits any more.',
  tags: ['leaving', 'released'],
  initial: 'closing',
  states: {
    closing: {
      description: 'The SDK session shuts.',
      ...within('closeMs', 'close', { done: 'sending', otherwise: 'sending' }),
    },
    sending: {
      description: 'The last entry is durable, and the keeper has said that the report is sealed.',
      ...within('reportMs', 'sendReport', { done: '#closed', otherwise: '#closed' }, (context) => ({
        end: endSoFar(context),
      })),
    },
  },
});
