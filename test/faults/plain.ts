/** What the tests of this lane share: an agent with tools, and tools in a line each. */
import { llm, voice } from '@livekit/agents';

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
