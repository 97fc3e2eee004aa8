/** What the tests of this lane share: an agent with tools, and tools in a line each. */
import { llm, voice } from '@livekit/agents';
import type { Placed } from './harness.ts';

export class WithTools extends voice.Agent {
  constructor(tools: llm.ToolContextLike = [], model?: llm.LLM) {
    super({ instructions: 'Answer.', tools, ...(model && { llm: model }) });
  }
}

export const toolNamed = (name: string, execute: (options: llm.ToolOptions) => Promise<unknown>) =>
  llm.tool({ name, description: 'A tool of a test.', execute: (_args, options) => execute(options) });

export const never = () => new Promise<never>(() => {});
export const fails = () => {
  throw new Error('planted');
};

/** A promise that is settled from outside. */
export function gate<Value = void>() {
  let open: (value: Value) => void = () => {};
  const opened = new Promise<Value>((resolve) => (open = resolve));
  return { opened, open };
}

export const agent = () => new WithTools();
export const answer = () => ({ say: 'It is nine.' });
/** 3.6 s of speech. */
export const LONG = `This goes on ${'and on '.repeat(60)}for seconds.`;

/** Asks, and hears the answer: what every call can do while nothing is in its way. */
export const answered = async ({ says, hears }: Placed) => {
  says('What time is it?');
  return hears('It is nine');
};

/** Nobody waits for anybody. */
export const resting = ({ until, run }: Placed) =>
  until('the call rests', () => run.leaves().includes('live.conversing.dialogue.active.quiet'));

export const effectsNamed = ({ of }: Placed, name: string, phase = 'requested') =>
  of('effect').filter((effect) => effect.name === name && effect.phase === phase);
export const errorsOf = ({ of }: Placed, component: string) =>
  of('error')
    .filter((error) => error.component === component)
    .map(({ message }) => message);

/** By the application, before anybody was greeted. */
export const startFailed = {
  reason: 'startup_failed',
  by: 'system',
  stage: 'connecting',
  fault: 'application',
  goodbye: 'skipped',
} as const;
