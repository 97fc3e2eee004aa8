/** The call that is played when nobody is there to type: greeting, question, tool, goodbye. */
import type { DemoCaller } from './caller.ts';
import type { Screen } from './screen.ts';
import type { Fits, Watched } from './watched.ts';

/** For each step: far more than it takes on a busy machine, far less than anybody would wait. */
const STEP_MS = 15_000;

export type Stage = Pick<DemoCaller, 'say' | 'hangUp'> & {
  until: Watched['until'];
  print: Screen['print'];
};

/** *Effect.* @returns false when the call did not go as written; it is hung up on then */
export async function playScript(stage: Stage): Promise<boolean> {
  const steps: { fits: Fits; what: string; answer?: string }[] = [
    {
      what: 'the greeting',
      fits: ({ kind, data }) => kind === 'spoken' && data.line === 'greeting',
      answer: 'what are your opening hours',
    },
    {
      what: 'the answer of the tool',
      fits: ({ kind, data }) => kind === 'tool' && data.status === 'settled' && data.name === 'look_up_opening_hours',
    },
    {
      what: 'the answer of the agent',
      fits: ({ kind, data }) => kind === 'item' && data.role === 'assistant' && /\bopen\b/i.test(data.text),
      answer: 'thank you, goodbye',
    },
    { what: 'the goodbye', fits: ({ kind, data }) => kind === 'spoken' && data.line === 'goodbye' },
  ];
  for (const { fits, what, answer } of steps) {
    if (!(await stage.until(fits, STEP_MS))) {
      stage.print(`the script waited for ${what}, and it did not come; hanging up`);
      stage.hangUp();
      return false;
    }
    if (answer !== undefined) stage.say(answer);
  }
  return true;
}
