/**
 * The SDK’s session, in the middle of a call: whole, or being mended. Pure.
 *
 * A region beside the dialogue and no state around it: whoever waits is told so by the same clock as before, a transfer
 * and the longest duration go on, and a session that fails while the caller is silent is mended before they notice.
 * What is mended here is no end to the dialogue, whose states have to say so: XState has no order among regions.
 */
import { recordFailure, session, within } from './session.setup.ts';

/** In another region: stays where it is, for what failed is mended. */
export const mended = { guard: 'isMendable' } as const;

export const mending = session.createStateConfig({
  description: 'Does the agent session live?',
  initial: 'whole',
  states: {
    whole: {
      id: 'whole',
      description: 'As far as is known.',
      on: { 'session.failed': { guard: 'isMendable', target: 'mending', actions: 'noteFailure' } },
    },
    mending: {
      id: 'mending',
      description: 'What failed is opened or asked once more; what the caller hears meanwhile is the dialogue’s.',
      tags: 'mending',
      on: { 'session.failed': { guard: 'isMendable' } }, // of the life that is over
      ...within('mendMs', 'mend', {
        done: 'mended',
        otherwise: [
          { guard: 'isCallerLost', target: '#hangingUp', actions: recordFailure },
          { guard: 'isFillingBundled', target: '#hangingUp', actions: recordFailure },
          { guard: 'isFillingLive', target: '#runtimeBundled', actions: recordFailure },
          { guard: 'isLiveBroken', target: '#runtimeBundled', actions: recordFailure },
          { target: '#runtimeFailed', actions: recordFailure },
        ],
      }),
    },
    mended: {
      description: 'A second failure so soon is final.',
      after: { mendAgainMs: 'whole' },
    },
  },
});
