/** A language model at human speed: a wait for the first token, then words at the rate of the pace. */
import { setTimeout as sleep } from 'node:timers/promises';
import { llm } from '@livekit/agents';
import type { Pace } from '../../../src/testing/lab/pace.ts';

export type Answer = {
  say?: string;
  calls?: (string | { name: string; args: Record<string, unknown> })[];
  /** Until the first token; default as the pace has it. */
  firstMs?: number;
};
/** A model that nobody waits long for: no filler may come. */
export const quickly = (say: string): Answer => ({ say, firstMs: 600 });
/** By what came last: the caller's words, an instruction, or the output of a tool. */
export type Script = (asked: string) => Answer;

export class PacedLlm extends llm.LLM {
  readonly asked: string[] = [];
  readonly #script: Script;
  readonly #pace: Pace;
  #calls = 0;

  constructor(script: Script, pace: Pace) {
    super();
    this.#script = script;
    this.#pace = pace;
  }

  label(): string {
    return 'human wits';
  }

  chat({ chatCtx, toolCtx, connOptions }: Parameters<llm.LLM['chat']>[0]): llm.LLMStream {
    const last = chatCtx.items.findLast((item) => item.type === 'message' || item.type === 'function_call_output');
    const asked =
      last?.type === 'function_call_output'
        ? last.output.replace(/^"(.*)"$/, '$1')
        : ((last as llm.ChatMessage | undefined)?.textContent ?? '');
    this.asked.push(asked);
    return new PacedTokens(this, { ...this.#script(asked) }, this.#pace, () => `call-${(this.#calls += 1)}`, {
      chatCtx,
      connOptions: connOptions ?? { maxRetry: 0, retryIntervalMs: 0, timeoutMs: 60_000 },
      ...(toolCtx && { toolCtx }),
    });
  }
}

class PacedTokens extends llm.LLMStream {
  readonly #answer: Answer;
  readonly #pace: Pace;
  readonly #nextCall: () => string;

  constructor(
    model: PacedLlm,
    answer: Answer,
    pace: Pace,
    nextCall: () => string,
    options: ConstructorParameters<typeof llm.LLMStream>[1],
  ) {
    super(model, options);
    this.#answer = answer;
    this.#pace = pace;
    this.#nextCall = nextCall;
  }

  protected async run(): Promise<void> {
    const { say, calls = [], firstMs = this.#pace.next('llm') } = this.#answer;
    const { signal } = this.abortController;
    const wait = (ms: number) => sleep(ms, undefined, { signal }).catch(() => {});
    await wait(firstMs);
    for (const word of say?.split(/(?<=\s)/) ?? []) {
      if (signal.aborted) return;
      this.queue.put({ id: 'human', delta: { role: 'assistant', content: word } });
      await wait((word.length * 1000) / this.#pace.profile.charactersPerSecond);
    }
    if (calls.length === 0 || signal.aborted) return;
    const toolCalls = calls.map((call) => {
      const { name, args } = typeof call === 'string' ? { name: call, args: {} } : call;
      return llm.FunctionCall.create({ callId: this.#nextCall(), name, args: JSON.stringify(args) });
    });
    this.queue.put({ id: 'human', delta: { role: 'assistant', toolCalls } });
  }
}
