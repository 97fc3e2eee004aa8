/** A row: an option at one value, and the healthy call that is had with it. */
import type { tts, voice } from '@livekit/agents';
import type { Healthy, Life, World } from '../harness/call.ts';
import { quickly } from '../harness/wits.ts';

export type Row =
  | { value: string; given: Healthy; live?: (life: Life) => Promise<void> }
  /** Refused, in one line, with these words. */
  | { value: string; problem: () => string | undefined; says: string }
  /** Why nothing of it can be had in a test: it is given by Lastword, or needs a service on the network. */
  | { value: string; untried: string };

export type Rows<Name extends string = string> = Record<Name, Row[]>;

export const ASKED = 'What time is it?';
export const ANSWER = 'It is nine in the morning.';
export const STORY = 'Tell me a story.';
export const story = Array.from({ length: 6 }, (_, index) => `Chapter ${index + 1} of the story.`).join(' ');

/** A call that is told nothing else: question and answer, a pause, thanks. */
export const script = (asked: string) => {
  if (asked === STORY) return quickly(story);
  return asked === ASKED ? quickly(ANSWER) : quickly('You are welcome.');
};
export const talk = async ({ caller }: Life): Promise<void> => {
  await caller.says(ASKED);
  await caller.listensTo(ANSWER);
  await caller.pauses(1500);
  await caller.says('Thank you.');
  await caller.listensTo('You are welcome');
};
/** The caller breaks into a long answer, and is answered. */
export const interrupts = async ({ caller }: Life): Promise<void> => {
  await caller.says(STORY);
  await caller.hears('Chapter 1');
  await caller.pauses(3500);
  await caller.says(ASKED);
  await caller.listensTo(ANSWER);
};
/** The caller says a word into a long answer that cannot be interrupted by it, and listens to the rest. */
export const murmurs = async ({ caller }: Life): Promise<void> => {
  await caller.says(STORY);
  await caller.hears('Chapter 1');
  await caller.pauses(2500);
  await caller.saysUhHuh();
  await caller.listensTo('Chapter 1');
  await caller.pauses(1500);
};
/** By typing, where nobody listens or nobody speaks. */
export const writes = async ({ caller }: Life): Promise<void> => {
  caller.types(ASKED);
  await caller.reads(ANSWER);
  await caller.pauses(4000);
};

type Options = Partial<voice.AgentSessionOptions>;
export const withOptions = (options: Options | ((world: World) => Options), more: Partial<Healthy> = {}): Healthy => ({
  script,
  options: typeof options === 'function' ? options : () => options,
  ...more,
});
type Turns = NonNullable<voice.AgentSessionOptions['turnHandling']>;
export const withTurns = (turns: Turns | ((world: World) => Turns), more: Partial<Healthy> = {}): Healthy =>
  withOptions(
    (world) => ({ turnHandling: { turnDetection: 'vad', ...(typeof turns === 'function' ? turns(world) : turns) } }),
    more,
  );
export const withVoice = (voiceOf: (world: World) => tts.TTS, options: Options = {}): Healthy =>
  withOptions(options, { voice: voiceOf });
