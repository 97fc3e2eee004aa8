/**
 * The conversation before a crash, as the SDK holds one. It has no `fromJSON` (sdk-facts, 12), so each item is made anew
 * with its own id, words and time.
 */
import { llm } from '@livekit/agents';
import type { Past, PastItem } from '../report/past.ts';

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Undefined for what is none of a conversation: a handoff, instructions. */
function itemOf(json: PastItem): llm.ChatItem | undefined {
  const { createdAt } = json;
  const own = { id: text(json['id']), ...(typeof createdAt === 'number' && { createdAt }) };
  const callId = text(json['callId']);
  const name = text(json['name']);
  switch (json['type']) {
    case 'message': {
      const { role, content } = json;
      if (role !== 'user' && role !== 'assistant') return undefined;
      const parts = Array.isArray(content) ? content.filter((part) => typeof part === 'string') : [text(content)];
      return llm.ChatMessage.create({ ...own, role, content: parts, interrupted: json['interrupted'] === true });
    }
    case 'function_call':
      return llm.FunctionCall.create({ ...own, callId, name, args: text(json['args']) });
    case 'function_call_output': {
      const { output, isError } = json;
      return llm.FunctionCallOutput.create({ ...own, callId, name, output: text(output), isError: isError === true });
    }
    default:
      return undefined;
  }
}

/** *Pure.* A call of a tool without an output would be dropped by the SDK, so it is left out here. */
export function historyOf({ items }: Pick<Past, 'items'>): llm.ChatContext {
  const outputs = new Set(items.filter(({ type }) => type === 'function_call_output').map(({ callId }) => callId));
  const whole = items.filter(({ type, callId }) => type !== 'function_call' || outputs.has(callId));
  return new llm.ChatContext(whole.flatMap((json) => itemOf(json) ?? []));
}
