/** The three OpenAI endpoints that the real plugins use: chat completions (streamed), speech, transcriptions. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { pcmBytes, parseWav } from '../../sound/wav.ts';
import { encodeSpeech, measureSpeech } from '../speech/index.ts';
import type { Channel } from './channel.ts';
import type { Answer, Component, Fault, Prompt, PromptMessage } from './script.ts';

/** OpenAI's speech in the format `pcm` is always 24 kHz. */
const SPEECH_RATE = 24_000;
const TRAILING_MS = 100;
/** Audio of one piece on its way; whole samples. */
const PART_MS = 200;
const PART_BYTES = (SPEECH_RATE * 2 * PART_MS) / 1000;

type Exchange = { channel: Channel; request: IncomingMessage; response: ServerResponse; body: Buffer };

const toolCalls = z.array(z.object({ id: z.string(), function: z.object({ name: z.string() }) }));
const chatRequest = z.object({
  model: z.string(),
  messages: z.array(
    z.object({
      role: z.string(),
      content: z.union([z.string(), z.array(z.object({ text: z.string().optional() })), z.null()]).optional(),
      tool_call_id: z.string().optional(),
      tool_calls: toolCalls.optional(),
    }),
  ),
  tools: z.array(z.object({ function: z.object({ name: z.string() }) })).optional(),
  tool_choice: z.union([z.string(), z.object({})]).optional(),
});
const speechRequest = z.object({ input: z.string(), response_format: z.string().optional() });

export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

/** @returns false when the path is none of OpenAI's */
export async function serveOpenai(path: string, exchange: Exchange): Promise<boolean> {
  const { request, response } = exchange;
  const route = `${request.method} ${path}`;
  if (route === 'GET /v1/models') {
    const fault = exchange.channel.faultOf('llm');
    if (fault?.kind === 'status') failWithStatus(response, fault);
    else
      sendJson(response, 200, { object: 'list', data: [{ id: 'lab', object: 'model', created: 0, owned_by: 'lab' }] });
  } else if (route === 'POST /v1/chat/completions') await serveChat(exchange);
  else if (route === 'POST /v1/audio/speech') await serveSpeech(exchange);
  else if (route === 'POST /v1/audio/transcriptions') await serveTranscription(exchange);
  else return false;
  return true;
}

async function serveChat({ channel, response, body }: Exchange): Promise<void> {
  const parsed = chatRequest.safeParse(JSON.parse(body.toString()));
  if (!parsed.success) return refuse(response, `chat completion request: ${z.prettifyError(parsed.error)}`);
  const prompt = promptOf(parsed.data);
  const begun = await begin(channel, 'llm', response);
  if (begun === 'over') return;
  const { request, fault } = begun;
  const answer = fault?.kind === 'silence' ? {} : channel.answer(prompt, request);
  const chunks = chunksOf(answer, parsed.data.model, request, JSON.stringify(prompt.messages).length);
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  if (fault?.kind === 'malformed') {
    response.end('data: {"id":"lab","choices":[{"delta":\n\ndata: nonsense\n\n');
    return;
  }
  const parts = [...chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`), 'data: [DONE]\n\n'];
  const letters = (answer.say ?? '').length;
  await send(response, parts, fault, (letters * 1000) / channel.profile.charactersPerSecond / parts.length);
}

async function serveSpeech({ channel, response, body }: Exchange): Promise<void> {
  const parsed = speechRequest.safeParse(JSON.parse(body.toString()));
  if (!parsed.success) return refuse(response, `speech request: ${z.prettifyError(parsed.error)}`);
  if ((parsed.data.response_format ?? 'mp3') !== 'pcm') {
    return refuse(
      response,
      `response_format: the lab speaks "pcm" only, got "${parsed.data.response_format ?? 'mp3'}"`,
    );
  }
  const begun = await begin(channel, 'tts', response);
  if (begun === 'over') return;
  if (begun.fault?.kind === 'malformed') return sendJson(response, 200, { audio: 'this is not PCM' });
  const spoken = channel.speak();
  spoken.text = parsed.data.input;
  spoken.durationMs = channel.durationOf(parsed.data.input);
  spoken.complete = true;
  const samples = encodeSpeech(spoken.utterance, spoken.durationMs, SPEECH_RATE);
  if (begun.fault?.kind === 'silence') samples.fill(0);
  // Real speech ends in silence, and the plugin relies on it: it drops what does not fill its last 100 ms.
  const audio = Buffer.concat([pcmBytes(samples), Buffer.alloc((SPEECH_RATE * 2 * TRAILING_MS) / 1000)]);
  response.writeHead(200, { 'content-type': 'audio/pcm' });
  const parts = Array.from({ length: Math.ceil(audio.length / PART_BYTES) }, (_, index) =>
    audio.subarray(index * PART_BYTES, (index + 1) * PART_BYTES),
  );
  await send(response, parts, begun.fault, PART_MS / channel.profile.timesRealTime);
}

async function serveTranscription({ channel, request, response, body }: Exchange): Promise<void> {
  const form = await new Response(new Uint8Array(body), {
    headers: { 'content-type': request.headers['content-type'] ?? '' },
  }).formData();
  const file = form.get('file');
  if (!(file instanceof Blob))
    return refuse(response, 'transcription request: expected a multipart field "file", got none');
  const audio = measureSpeech(parseWav(new Uint8Array(await file.arrayBuffer()), 'uploaded audio'));
  const begun = await begin(channel, 'stt', response);
  if (begun === 'over') return;
  const { fault } = begun;
  if (fault?.kind === 'malformed') {
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"text": ');
    return;
  }
  // Words lost to a fault stay queued: whoever tries again is understood.
  const lost = fault !== undefined;
  const text = JSON.stringify({ text: lost ? '' : channel.hear(audio) });
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  await send(response, [text.slice(0, 5), text.slice(5)], fault);
}

/** Waits the scripted latency, and plays the faults that leave no answer at all. */
async function begin(
  channel: Channel,
  component: Component,
  response: ServerResponse,
): Promise<{ request: number; fault: Fault | undefined } | 'over'> {
  const begun = channel.begin(component);
  const wait = channel.latency(component);
  if (wait > 0) await sleep(wait);
  const { fault } = begun;
  if (fault?.kind === 'status') failWithStatus(response, fault);
  else if (fault?.kind === 'refuse') response.socket?.destroy();
  else if (fault?.kind !== 'stall' || fault.at === 'middle') return begun;
  return 'over';
}

function failWithStatus(response: ServerResponse, fault: Fault & { kind: 'status' }): void {
  const retryAfter = fault.retryAfterSeconds;
  const error = { message: `The lab was told to answer ${fault.status}.`, type: 'lab_fault', param: null, code: null };
  sendJson(response, fault.status, { error }, retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) });
}

function refuse(response: ServerResponse, message: string): void {
  sendJson(response, 400, { error: { message, type: 'invalid_request_error', param: null, code: null } });
}

/** Sends the parts, one each `everyMs`; with a fault of the middle, half of them. */
async function send(
  response: ServerResponse,
  parts: (string | Buffer)[],
  fault: Fault | undefined,
  everyMs = 0,
): Promise<void> {
  const breaks = fault?.kind === 'cut' || (fault?.kind === 'stall' && fault.at === 'middle');
  const wanted = breaks ? parts.slice(0, Math.max(1, parts.length >> 1)) : parts;
  for (const part of wanted) {
    if (response.destroyed) return; // cut short: nobody wants the rest
    response.write(part);
    if (everyMs > 0) await sleep(everyMs);
  }
  if (!breaks) {
    response.end();
    return;
  }
  if (fault.kind !== 'cut') return;
  // What was written has to leave first: a destroyed socket drops what it holds.
  await new Promise<void>((done) => response.write('', () => done()));
  response.socket?.destroy();
}

function promptOf(data: z.infer<typeof chatRequest>): Prompt {
  const messages = data.messages.map((message): PromptMessage => {
    const { content } = message;
    const text = typeof content === 'string' ? content : (content ?? []).map((part) => part.text ?? '').join('');
    return {
      role: message.role,
      content: text,
      ...(message.tool_call_id === undefined ? {} : { toolCallId: message.tool_call_id }),
      ...(message.tool_calls
        ? { toolCalls: message.tool_calls.map((call) => ({ id: call.id, name: call.function.name })) }
        : {}),
    };
  });
  const tools = (data.tools ?? []).map((tool) => tool.function.name);
  return { messages, tools, ...(typeof data.tool_choice === 'string' ? { toolChoice: data.tool_choice } : {}) };
}

function chunksOf(answer: Answer, model: string, request: number, promptLength: number): unknown[] {
  const base = {
    id: `chatcmpl-lab-${request}`,
    object: 'chat.completion.chunk',
    created: Math.floor(Date.now() / 1000),
    model,
  };
  const chunk = (delta: object, finish: string | null = null) => ({
    ...base,
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
  });
  const words = answer.say?.match(/\S+\s*/g) ?? [];
  const calls = (answer.tools ?? []).map((tool, index) => {
    const { name, arguments: given = {} } = tool;
    const text = typeof given === 'string' ? given : JSON.stringify(given);
    return { index, id: `call_lab_${request}_${index}`, type: 'function', function: { name, arguments: text } };
  });
  const completion = Math.ceil((answer.say ?? '').length / 4) + calls.length * 8;
  const asked = Math.ceil(promptLength / 4);
  return [
    chunk({ role: 'assistant', content: words.length > 0 ? '' : null }),
    ...words.map((content) => chunk({ content })),
    ...calls.map((call) => chunk({ tool_calls: [call] })),
    chunk({}, calls.length > 0 ? 'tool_calls' : 'stop'),
    {
      ...base,
      choices: [],
      usage: { prompt_tokens: asked, completion_tokens: completion, total_tokens: asked + completion },
    },
  ];
}
