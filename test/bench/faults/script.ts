/** What the model of both sides says; they differ in the name of their end tool, and in who speaks the goodbye: the bare SDK asks the model. */
import { type LabScript, receptionist } from '../../../src/testing/index.ts';
import { GOODBYE, SORRY } from './plan.ts';
import type { SideName } from './side.ts';

export const STUCK = 'I am stuck.';
export const PARTING = 'Goodbye.';
export const SMALL_TALK = 'How are you?';
const SMALL_ANSWER = 'Very well, thank you. And you?';
const DONE = 'That is done.';
/** Whoever hears one of these is answered; the last one by a job that took the call over. */
export const ANSWERS = [SMALL_ANSWER, DONE, SORRY];

export type ScriptWish = {
  /** The stuck tool and the end in one answer. */
  isBoth?: true;
  /** The model asks for the end again and again. */
  isObsessed?: true;
};

export function script(side: SideName, { isBoth, isObsessed }: ScriptWish = {}): LabScript {
  const end = side === 'bare' ? 'end_call' : 'end_session';
  const both = [{ name: 'fault' }, { name: end }];
  return {
    ...receptionist,
    rules: [
      {
        when: { afterTool: end },
        answer: isObsessed ? { tools: [{ name: end }] } : side === 'bare' ? { say: GOODBYE } : {},
      },
      { when: { afterTool: 'fault' }, answer: { say: DONE } },
      { when: { user: 'goodbye' }, answer: { tools: isBoth ? both : [{ name: end }] } },
      { when: { user: 'stuck' }, answer: { tools: [{ name: 'fault' }] } },
      ...receptionist.rules,
    ],
  };
}
