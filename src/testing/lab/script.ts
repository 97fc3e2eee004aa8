/**
 * What the lab plays: plain data, so that it crosses to a lab in another process. Types, and the one function that
 * chooses an answer.
 */
import type { SpeechMeasure } from '../speech/measure.ts';

export type Component = 'llm' | 'tts' | 'stt';

/** All conditions that are given must hold. Patterns are regular expressions, matched without regard to case. */
export type Match = {
  /** The caller's last words, while nothing has answered them. */
  user?: string;
  /** The last message is the result of this tool. */
  afterTool?: string;
  /** The last message is an instruction (`generateReply({ instructions })`) that matches. */
  instruction?: string;
  /** The system prompt or any other instruction matches. */
  prompt?: string;
  /** The n-th request to the model, counted from 1. */
  request?: number;
  /** The model may call this tool now. */
  offers?: string;
};

/** `arguments` as the model would write them: an object, or any text, for models that write bad JSON. */
export type ToolCall = { name: string; arguments?: Record<string, unknown> | string };
export type Answer = { say?: string; tools?: ToolCall[] };
export type Rule = { when: Match; answer: Answer };

export type LabScript = {
  /** The first rule that matches answers. */
  rules: Rule[];
  /** When no rule matches. Default: `{ say: 'I see.' }` */
  otherwise?: Answer;
  /** What uploads are heard as, in order, before anything that `hears` queued. */
  heard?: string[];
  /** Length of speech. Default 60 ms a character, at least 400 ms. */
  msPerCharacter?: number;
  /** Length of single texts in milliseconds, by the whole text. */
  durations?: Record<string, number>;
  /** Wait before the first byte of an answer, in milliseconds. Default: as the lab's pace has it. */
  latency?: Partial<Record<Component, number>>;
};

/**
 * What breaks.
 *
 * - `status`: an HTTP error, or its like on a WebSocket
 * - `refuse`: the connection is closed without an answer
 * - `stall`: nothing comes, from the first byte on or from the middle of the answer on
 * - `cut`: the connection breaks in the middle of the answer
 * - `malformed`: an answer that is not what the format says
 * - `silence`: a well-formed answer with nothing in it: no words, or audio of zeros
 */
export type Fault =
  | { kind: 'status'; status: number; retryAfterSeconds?: number }
  | { kind: 'refuse' }
  | { kind: 'stall'; at?: 'start' | 'middle' }
  | { kind: 'cut' }
  | { kind: 'malformed' }
  | { kind: 'silence' };

/** `from`: the first request of this component that fails, counted from 1 (default: the next). `times`: how many fail (default: all). */
export type FaultSpan = { from?: number; times?: number };

/** One message of a chat completion request, as far as the lab reads it. */
export type PromptMessage = {
  role: string;
  content: string;
  toolCallId?: string;
  toolCalls?: { id: string; name: string }[];
};
export type Prompt = { messages: PromptMessage[]; tools: string[]; toolChoice?: string };

/** What was spoken: one synthesis. `utterance` is the number that its audio carries. */
export type Spoken = {
  kind: 'spoke';
  at: number;
  channel: string;
  utterance: number;
  text: string;
  durationMs: number;
  /** The whole text has come. */
  complete: boolean;
};
export type LabEntry =
  | { kind: 'heard'; at: number; channel: string; text: string; audio: SpeechMeasure; spoken?: SpeechMeasure }
  | { kind: 'asked'; at: number; channel: string; request: number; prompt: Prompt; answer: Answer }
  | Spoken
  | { kind: 'failed'; at: number; channel: string; component: Component; request: number; fault: Fault };

/** Pure. What the model answers to the n-th request. */
export function answerTo(script: LabScript, prompt: Prompt, request: number): Answer {
  const answer = script.rules.find((rule) => holds(rule.when, prompt, request))?.answer ??
    script.otherwise ?? { say: 'I see.' };
  return prompt.toolChoice === 'none' && answer.tools ? { say: answer.say ?? 'I see.' } : answer;
}

function holds(when: Match, prompt: Prompt, request: number): boolean {
  const last = prompt.messages.at(-1);
  const matches = (pattern: string, text: string | undefined) =>
    text !== undefined && new RegExp(pattern, 'i').test(text);
  const isInstruction = (message: PromptMessage | undefined) =>
    message?.role === 'system' || message?.role === 'developer';
  if (when.user !== undefined && !(last?.role === 'user' && matches(when.user, last.content))) return false;
  if (when.instruction !== undefined && !(isInstruction(last) && matches(when.instruction, last?.content)))
    return false;
  if (when.afterTool !== undefined && !(last?.role === 'tool' && toolOf(prompt, last.toolCallId) === when.afterTool))
    return false;
  if (when.prompt !== undefined) {
    const pattern = when.prompt;
    if (!prompt.messages.some((message) => isInstruction(message) && matches(pattern, message.content))) return false;
  }
  if (when.request !== undefined && when.request !== request) return false;
  if (when.offers !== undefined && (prompt.toolChoice === 'none' || !prompt.tools.includes(when.offers))) return false;
  return true;
}

function toolOf(prompt: Prompt, callId: string | undefined): string | undefined {
  return prompt.messages.flatMap((message) => message.toolCalls ?? []).find((call) => call.id === callId)?.name;
}

/** Pure. Words as they can be compared: without punctuation, case and spacing. */
export function normalised(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
}

/**
 * Pure. Where a line was spoken: one element for each time, each with the syntheses that made it up (a plugin that
 * synthesises sentence by sentence makes several of one line).
 */
export function spokenAs(log: readonly LabEntry[], text: string): Spoken[][] {
  const wanted = normalised(text);
  const spoken = log.filter((entry) => entry.kind === 'spoke');
  const found: Spoken[][] = [];
  for (let first = 0; first < spoken.length; first += 1) {
    let words = '';
    for (let last = first; last < spoken.length; last += 1) {
      words = normalised(`${words} ${(spoken[last] as Spoken).text}`);
      if (words === wanted) {
        found.push(spoken.slice(first, last + 1));
        first = last;
        break;
      }
      if (!wanted.startsWith(words)) break;
    }
  }
  return found;
}
