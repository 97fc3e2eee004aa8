/** O-G: what a definition says by functions of the call, at human speed. Nobody hears a difference. */
import { healthy } from './harness/call.ts';
import { quickly } from './harness/wits.ts';

const later = <Value>(value: Value): Promise<Value> => new Promise((resolve) => setTimeout(resolve, 400, value));
const script = (asked: string) => quickly(asked.startsWith('Thank') ? 'You are welcome.' : 'It is nine.');

healthy(
  'O-G greeting, goodbye, language, limits and hang-up by functions that take as long as a look-up',
  {
    script,
    definition: {
      greeting: () => later({ say: 'Good morning, Sam. What can I do for you?' }),
      goodbye: () => later({ say: 'Goodbye, Sam.' }),
      language: () => later('de-AT'),
      filler: () => later({ say: 'Einen Augenblick.' }),
      hangUp: () => later({ normal: 'leave' as const }),
      policy: { maxDurationMs: () => later(120_000), nudges: () => 1 },
    },
    asked: { lines: { greeting: 1 } },
  },
  async ({ caller }) => {
    await caller.listensTo('Good morning, Sam');
    await caller.pauses(3000);
    await caller.says('What time is it?');
    await caller.listensTo('It is nine');
    await caller.pauses(6000);
    await caller.says('Thank you.');
    await caller.listensTo('You are welcome');
    await caller.pauses(2000);
  },
);
