import { initializeLogger, llm, tts as speech } from '@livekit/agents';
import * as cartesia from '@livekit/agents-plugin-cartesia';
import * as openai from '@livekit/agents-plugin-openai';
import { AudioFrame } from '@livekit/rtc-node';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { callerSpeech, measureSpeech, SpeechDecoder, startLab } from '../../src/testing/index.ts';
import type { Fault, Lab, LabChannel } from '../../src/testing/index.ts';
import { answerTo, spokenAs } from '../../src/testing/lab/script.ts';

initializeLogger({ pretty: false, level: 'silent' });

let lab: Lab;
beforeEach(async () => {
  lab = await startLab();
});
afterEach(() => lab.close());

/** One attempt, at most a second: what the plugin makes of it is the test's business, not its retries. */
const once = { maxRetry: 0, retryIntervalMs: 0, timeoutMs: 1000 };

async function ask(text: string, options: { tools?: string[]; channel?: LabChannel } = {}) {
  const model = new openai.LLM({ baseURL: (options.channel ?? lab).urls.openai, apiKey: 'none', model: 'lab' });
  const chatCtx = new llm.ChatContext([llm.ChatMessage.create({ role: 'user', content: text })]);
  const tools = Object.fromEntries(
    (options.tools ?? []).map((name) => [
      name,
      llm.tool({ name, description: name, parameters: z.object({}), execute: async () => '' }),
    ]),
  );
  const heard = { text: '', calls: [] as { name: string; args: string }[], tokens: 0 };
  const stream = model.chat({ chatCtx, toolCtx: new llm.ToolContext(Object.values(tools)), connOptions: once });
  for await (const chunk of stream) {
    heard.text += chunk.delta?.content ?? '';
    for (const call of chunk.delta?.toolCalls ?? []) heard.calls.push({ name: call.name, args: call.args });
    heard.tokens += chunk.usage?.totalTokens ?? 0;
  }
  return heard;
}

function decoded(frames: { data: Int16Array }[]) {
  const decoder = new SpeechDecoder(24_000);
  for (const frame of frames) decoder.push(frame.data);
  return decoder.heard().utterances;
}

async function speakOpenai(text: string, channel: LabChannel = lab) {
  const voice = new openai.TTS({ baseURL: channel.urls.openai, apiKey: 'none' });
  voice.on('error', () => undefined);
  const frames: AudioFrame[] = [];
  for await (const { frame } of voice.synthesize(text, once)) frames.push(frame);
  return frames;
}

async function speakCartesia(text: string) {
  const voice = new cartesia.TTS({ baseUrl: lab.urls.cartesia, apiKey: 'none', chunkTimeout: 500 });
  const errors: Error[] = [];
  voice.on('error', ({ error }) => errors.push(error));
  const stream = voice.stream({ connOptions: once });
  stream.pushText(text);
  stream.endInput();
  const frames: AudioFrame[] = [];
  try {
    for await (const audio of stream) if (audio !== speech.SynthesizeStream.END_OF_STREAM) frames.push(audio.frame);
  } finally {
    await voice.close();
  }
  return { frames, errors };
}

function transcribe() {
  const ears = new openai.STT({ baseURL: lab.urls.openai, apiKey: 'none', useRealtime: false });
  ears.on('error', () => undefined);
  const { samples, sampleRate } = callerSpeech('hello');
  return ears
    .recognize(new AudioFrame(samples, sampleRate, 1, samples.length))
    .then((event) => event.alternatives?.[0].text);
}

describe('the real plugins understand the lab', () => {
  test('the model answers in words, with usage', async () => {
    const heard = await ask('Hello there');
    expect(heard).toMatchObject({ text: 'Hello. What can I do for you?', calls: [] });
    expect(heard.tokens).toBeGreaterThan(5);
  });

  test('the model calls tools with arguments, and only those it is offered', async () => {
    const offered = await ask('When are you open?', { tools: ['look_up_opening_hours'] });
    expect(offered.calls).toEqual([{ name: 'look_up_opening_hours', args: '{"day":"today"}' }]);
    expect((await ask('When are you open?')).calls).toEqual([]);
  });

  test('several tools in one answer arrive as several calls', async () => {
    lab.play({
      rules: [{ when: {}, answer: { say: 'Both.', tools: [{ name: 'one' }, { name: 'two', arguments: 'not JSON' }] } }],
    });
    expect(await ask('Do it', { tools: ['one', 'two'] })).toMatchObject({
      text: 'Both.',
      calls: [
        { name: 'one', args: '{}' },
        { name: 'two', args: 'not JSON' },
      ],
    });
  });

  test('speech over a WebSocket carries one number from the first sentence to the last', async () => {
    const text = 'Thank you very much for calling us today. We wish you a pleasant evening. Goodbye.';
    const { frames } = await speakCartesia(text);
    const [spoken] = lab.spoken(text);
    expect(spoken).toMatchObject([{ complete: true }]);
    const [heard, ...others] = decoded(frames);
    expect(others).toEqual([]);
    expect(heard).toMatchObject({
      utterance: spoken?.[0]?.utterance,
      heardMs: spoken?.[0]?.durationMs,
      times: 1,
      gaps: [],
    });
    expect(heard?.heardMs).toBeGreaterThan(4000);
  });

  test('speech over HTTP is heard whole', async () => {
    const frames = await speakOpenai('One moment, please.');
    const [spoken] = lab.spoken('One moment, please.');
    expect(decoded(frames)).toMatchObject([{ utterance: spoken?.[0]?.utterance, heardMs: 1150, gaps: [] }]);
  });

  test('an upload is heard as the queued line, and measured against what was spoken', async () => {
    const spoken = measureSpeech(callerSpeech('hello'));
    lab.hears('My name is Bond.', spoken);
    expect(await transcribe()).toBe('My name is Bond.');
    expect(await transcribe()).toBe('');
    const [first] = lab.log.filter((entry) => entry.kind === 'heard');
    expect(first).toMatchObject({ text: 'My name is Bond.', audio: spoken, spoken });
  });

  test('a line keeps the length that the script gives it, however it is cut into sentences', async () => {
    const text = 'This is the first sentence of it. And this here is the second sentence.';
    lab.play({ rules: [], durations: { [text]: 10_000 } });
    await speakCartesia(text);
    const [spoken] = lab.spoken(text);
    expect(Math.abs((spoken?.[0]?.durationMs ?? 0) - 10_000)).toBeLessThanOrEqual(150);
  });
});

describe('faults', () => {
  const kinds: Fault[] = [
    { kind: 'status', status: 500 },
    { kind: 'status', status: 401 },
    { kind: 'status', status: 429, retryAfterSeconds: 7 },
    { kind: 'refuse' },
    { kind: 'malformed' },
    { kind: 'cut' },
  ];

  test.each(kinds)('the model fails: %o', async (fault) => {
    lab.fail('llm', fault);
    const heard: unknown = await ask('Hello').catch((error: unknown) => error);
    // The plugin's stream ends without a word, or with half of them, and its error goes to the model's listeners.
    if (!(heard instanceof Error)) expect(heard).not.toMatchObject({ text: 'Hello. What can I do for you?' });
    lab.heal('llm');
    expect(await ask('Hello')).toMatchObject({ text: 'Hello. What can I do for you?' });
  });

  test.each(kinds)('speech over a WebSocket fails: %o', async (fault) => {
    lab.fail('tts', fault);
    const whole = 'Hello, this is a line to be spoken.';
    const { frames, errors } = await speakCartesia(whole).catch((error: unknown) => ({ frames: [], errors: [error] }));
    const [heard] = decoded(frames);
    if (fault.kind === 'cut') expect(heard?.heardMs).toBeLessThan(1500);
    else expect(heard).toBeUndefined();
    // What it cannot parse the plugin skips: the line ends without audio and without an error.
    expect(errors.length > 0).toBe(fault.kind !== 'malformed');
    lab.heal();
    expect(decoded((await speakCartesia(whole)).frames)).toMatchObject([{ heardMs: 2100 }]);
  });

  test.each(kinds)('hearing fails: %o', async (fault) => {
    lab.hears('Can you hear me?');
    lab.fail('stt', fault);
    await expect(transcribe()).rejects.toThrow();
    lab.heal('stt');
    expect(await transcribe()).toBe('Can you hear me?');
  });

  test('429 comes with Retry-After', async () => {
    lab.fail('llm', { kind: 'status', status: 429, retryAfterSeconds: 7 });
    const response = await fetch(`${lab.urls.openai}/models`);
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '7']);
  });

  test('a stall leaves the request open until the plugin gives up', async () => {
    lab.fail('llm', { kind: 'stall' });
    const signal = AbortSignal.timeout(300);
    const body = JSON.stringify({ model: 'lab', messages: [] });
    await expect(fetch(`${lab.urls.openai}/chat/completions`, { method: 'POST', body, signal })).rejects.toThrow(
      /timeout/,
    );
    lab.fail('llm', { kind: 'stall', at: 'middle' });
    const response = await fetch(`${lab.urls.openai}/chat/completions`, {
      method: 'POST',
      body,
      signal: AbortSignal.timeout(300),
    });
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow(/timeout/);
  });

  test('silence is well-formed audio of nothing', async () => {
    lab.fail('tts', { kind: 'silence' });
    const text = 'Can you hear me?';
    for (const frames of [await speakOpenai(text), (await speakCartesia(text)).frames]) {
      expect(frames.length).toBeGreaterThan(0);
      expect(frames.every((frame) => frame.data.every((sample) => sample === 0))).toBe(true);
    }
  });

  test('a fault begins with the request it was planted for and ends after its times', async () => {
    lab.fail('stt', { kind: 'status', status: 500 }, { from: 2, times: 1 });
    lab.play({ rules: [], heard: ['one', 'two'] });
    expect(await transcribe()).toBe('one');
    await expect(transcribe()).rejects.toThrow();
    expect(await transcribe()).toBe('two');
    expect(lab.log.filter((entry) => entry.kind === 'failed')).toMatchObject([{ component: 'stt', request: 2 }]);
  });

  test('a channel that fails leaves the others alone', async () => {
    const other = lab.channel('other');
    other.fail('llm', { kind: 'status', status: 500 });
    expect(await ask('Hello')).toMatchObject({ text: 'Hello. What can I do for you?' });
    await ask('Hello', { channel: other }).catch(() => undefined);
    expect(other.log.map((entry) => entry.kind)).toEqual(['failed']);
    expect(lab.log.map((entry) => entry.kind)).toEqual(['asked']);
  });
});

describe('the script', () => {
  const prompt = (...messages: [role: string, content: string][]) => ({
    messages: messages.map(([role, content]) => ({ role, content })),
    tools: ['end_session'],
  });

  test('the first rule whose conditions all hold answers', () => {
    const script = {
      rules: [
        { when: { user: 'bye', request: 2 }, answer: { say: 'second' } },
        { when: { user: 'BYE' }, answer: { say: 'bye' } },
        { when: { instruction: 'greet' }, answer: { say: 'greeting' } },
        { when: { prompt: 'pirate' }, answer: { say: 'arr' } },
      ],
      otherwise: { say: 'otherwise' },
    };
    const say = (request: number, ...messages: [string, string][]) =>
      answerTo(script, prompt(...messages), request).say;
    expect(say(1, ['user', 'Bye now'])).toBe('bye');
    expect(say(2, ['user', 'Bye now'])).toBe('second');
    expect(say(1, ['user', 'bye'], ['assistant', 'What?'])).toBe('otherwise');
    expect(say(1, ['system', 'Greet the caller'])).toBe('greeting');
    expect(say(1, ['system', 'You are a pirate'], ['user', 'Hello'])).toBe('arr');
  });

  test('a model that may not call tools says something instead', () => {
    const script = { rules: [{ when: {}, answer: { tools: [{ name: 'end_session' }] } }] };
    expect(answerTo(script, { ...prompt(['user', 'bye']), toolChoice: 'none' }, 1)).toEqual({ say: 'I see.' });
  });

  test('a line is found though it was synthesised in parts, once for each time', () => {
    const spoke = (text: string, utterance: number) =>
      ({ kind: 'spoke', at: 0, channel: 'main', utterance, text, durationMs: 400, complete: true }) as const;
    const log = [spoke('Thank you.', 1), spoke('Goodbye.', 2), spoke('Thank you.', 3), spoke('Thank you. Goodbye!', 4)];
    const times = spokenAs(log, 'Thank you. Goodbye.').map((parts) => parts.map((part) => part.utterance));
    expect(times).toEqual([[1, 2], [4]]);
  });
});
