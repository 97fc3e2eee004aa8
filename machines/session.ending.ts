/**
 * From the recorded end to `closed`. Pure. One way, and every step of it under a deadline.
 *
 * The goodbye is said once, after what played was interrupted and is gone, to somebody, and only if it is wanted.
 */
import type { Rung } from './events.ts';
import {
  apologyHeard,
  recordGiven,
  endSoFar,
  goodbyeHeard,
  hangUpAsGiven,
  lastWord,
  line,
  session,
  spoken,
  stopTalkingAsGiven,
  within,
} from './session.setup.ts';

/** What may still shorten an ending. */
const cutShort = { 'caller.lost': '#hangingUp', 'budget.spent': '#hangingUp', 'caller.left': hangUpAsGiven } as const;

const afterInterrupting = [
  { guard: 'isLiveBroken', target: '#hangingUp' }, // a rung that failed is not tried again
  { guard: 'isGoodbyeUnwanted', target: '#hangingUp' },
  { target: '#saying' },
] as const;

export const ending = session.createStateConfig({
  id: 'ending',
  description: 'Input muted; what runs may finish, but not for ever.',
  tags: ['leaving', 'silent'],
  on: cutShort,
  initial: 'draining',
  states: {
    draining: {
      description: 'Speech and tools may settle.',
      on: { 'session.end': [{ guard: 'isDrainSkipped', ...stopTalkingAsGiven }, { actions: recordGiven }] },
      ...within('drainMs', 'drain', { done: '#interrupting', otherwise: '#interrupting' }),
    },
    interrupting: {
      id: 'interrupting',
      description: 'What still plays is cut, and awaited: else the goodbye is lost.',
      ...within('interruptMs', 'interrupt', {
        done: afterInterrupting,
        otherwise: afterInterrupting,
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
      on: cutShort,
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

/** The apology by one rung, and where it leads when nothing of it was heard. */
const apologyBy = <const Unheard extends string>(rung: Rung, unheard: Unheard) => ({
  description: rung === 'live' ? 'The apology by live TTS.' : 'The apology from the package.',
  ...spoken(
    { first: 'rungMs', playout: 'apologyMs' },
    'speak',
    apologyHeard,
    { unheard, played: '#hangingUp' },
    line('apology', rung, lastWord),
  ),
});

export const startupFailed = session.createStateConfig({
  id: 'startupFailed',
  description: 'Broken before the first word.',
  tags: ['leaving', 'starting'],
  on: cutShort,
  initial: 'live',
  states: {
    live: apologyBy('live', '#startupBundled'),
    bundled: { id: 'startupBundled', ...apologyBy('bundled', '#hangingUp') },
  },
});

export const runtimeFailed = session.createStateConfig({
  id: 'runtimeFailed',
  description: 'Broken in the middle of the call.',
  tags: 'leaving',
  on: cutShort,
  initial: 'live',
  states: {
    live: apologyBy('live', '#runtimeBundled'),
    bundled: { id: 'runtimeBundled', ...apologyBy('bundled', '#hangingUp') },
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
