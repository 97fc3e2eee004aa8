/**
 * Ears, wits and a voice without a provider: what is said is told, what is asked is scripted, what is spoken can be
 * read off the samples. Each is a real subclass of the SDK's, so that everything around it is the SDK's own code.
 */
import { llm, stt, tts } from '@livekit/agents';
import { AudioFrame } from '@livekit/rtc-node';

/** That of the paced output: resampled samples could no longer be read. */
export const SAMPLE_RATE = 24_000;
export const MS_A_CHARACTER = 8;
const FRAME_MS = 20;

// ── a voice ──────────────────────────────────────────────────────────────────────────────────────────────────────

const spoken: string[] = [];
/** Loud enough to be heard. */
const LOUDEST_SILENCE = 1000;
/** A text's number is the value of its samples. */
export const numberOf = (text: string): number => {
  const found = spoken.indexOf(text);
  return LOUDEST_SILENCE + (found >= 0 ? found + 1 : spoken.push(text));
};
/** What these samples say; `recorded` for samples that no voice here made. */
export const textOf = (samples: Int16Array): string => {
  const [first = 0] = samples;
  if (samples.every((each) => Math.abs(each) < 200)) return 'silence';
  const isOurs = samples.every((each) => each === first);
  return (isOurs ? spoken[first - LOUDEST_SILENCE - 1] : undefined) ?? 'recorded';
};

const framesOf = (text: string, voice: ToneTts): AudioFrame[] => {
  if (voice.isMute) return [];
  const length = (SAMPLE_RATE * FRAME_MS) / 1000;
  const count = Math.ceil((text.length * MS_A_CHARACTER) / FRAME_MS);
  const value = voice.murmurs ?? numberOf(text);
  return Array.from(
    { length: count },
    () => new AudioFrame(new Int16Array(length).fill(value), SAMPLE_RATE, 1, length),
  );
};

export class ToneTts extends tts.TTS {
  label: string;
  /**
   * From now on it gives no sound. (One that throws fails as well, but leaves a rejection that nobody handles inside
   * the SDK; a job outlives those, a test runner counts them.)
   */
  isMute = false;
  /** From now on it fails. */
  error: Error | undefined;
  /** From now on every sample has this value: zeros, or something too faint to be heard. */
  murmurs: number | undefined;
  /** All that it was given to say. */
  readonly asked: string[] = [];

  constructor(name = 'tone', streaming = false, alignedTranscript = false) {
    super(SAMPLE_RATE, 1, { streaming, alignedTranscript });
    this.label = name;
  }

  synthesize(text: string, connOptions?: tts.ChunkedStream['_connOptions'], signal?: AbortSignal): tts.ChunkedStream {
    return new ToneChunks(text, this, connOptions, signal);
  }

  stream(options?: { connOptions?: tts.ChunkedStream['_connOptions'] }): tts.SynthesizeStream {
    return new ToneStream(this, options?.connOptions);
  }
}

class ToneChunks extends tts.ChunkedStream {
  label = 'tone';
  readonly #text: string;
  readonly #voice: ToneTts;

  constructor(text: string, voice: ToneTts, connOptions?: tts.ChunkedStream['_connOptions'], signal?: AbortSignal) {
    super(text, voice, connOptions, signal);
    this.#text = text;
    this.#voice = voice;
  }

  protected async run(): Promise<void> {
    this.#voice.asked.push(this.#text);
    if (this.#voice.error) throw this.#voice.error;
    const frames = framesOf(this.#text, this.#voice);
    for (const [index, frame] of frames.entries()) {
      this.queue.put({ requestId: 'tone', segmentId: 'tone', frame, final: index === frames.length - 1 });
    }
    this.queue.close();
  }
}

class ToneStream extends tts.SynthesizeStream {
  label = 'tone';
  readonly #voice: ToneTts;

  constructor(voice: ToneTts, connOptions?: tts.ChunkedStream['_connOptions']) {
    super(voice, connOptions);
    this.#voice = voice;
  }

  protected async run(): Promise<void> {
    let text = '';
    for await (const piece of this.input) if (typeof piece === 'string') text += piece;
    this.#voice.asked.push(text);
    const frames = framesOf(text, this.#voice);
    for (const frame of frames) this.queue.put({ requestId: 'tone', segmentId: 'tone', frame, final: false });
    this.queue.put(tts.SynthesizeStream.END_OF_STREAM);
  }
}

// ── wits ─────────────────────────────────────────────────────────────────────────────────────────────────────────

export type Answer = { say?: string; calls?: string[]; error?: Error; isStuck?: true; tokens?: number };
/** By what came last: a caller's words, or the output of a tool. */
export type Script = (asked: string) => Answer;

export class ScriptedLlm extends llm.LLM {
  readonly asked: string[] = [];
  /** All messages but the instructions, each time. */
  readonly prompts: string[][] = [];
  /** What it was instructed to do, each time. */
  readonly instructed: string[] = [];
  readonly #name: string;
  readonly #script: Script;
  #calls = 0;

  constructor(script: Script, name = 'scripted') {
    super();
    this.#script = script;
    this.#name = name;
  }

  label(): string {
    return this.#name;
  }

  nextCall(): string {
    return `call-${(this.#calls += 1)}`;
  }

  chat({ chatCtx, toolCtx, connOptions }: Parameters<llm.LLM['chat']>[0]): llm.LLMStream {
    const last = chatCtx.items.findLast((item) => item.type === 'message' || item.type === 'function_call_output');
    const asked =
      last?.type === 'function_call_output'
        ? last.output.replace(/^"(.*)"$/, '$1')
        : ((last as llm.ChatMessage).textContent ?? '');
    this.asked.push(asked);
    const words = chatCtx.items.filter((item) => item.type === 'message' && item.role !== 'system');
    this.prompts.push(words.map((item) => (item as llm.ChatMessage).textContent ?? ''));
    const instructions = chatCtx.items.filter((item) => item.type === 'message' && item.role === 'system');
    this.instructed.push(instructions.map((item) => (item as llm.ChatMessage).textContent ?? '').join('\n'));
    const answer = this.#script(asked); // what it throws is thrown synchronously
    return new ScriptedStream(this, answer, {
      chatCtx,
      connOptions: connOptions ?? { maxRetry: 0, retryIntervalMs: 0, timeoutMs: 1000 },
      ...(toolCtx && { toolCtx }),
    });
  }
}

const usageOf = (tokens: number): llm.CompletionUsage => ({
  completionTokens: tokens,
  promptTokens: tokens,
  promptCachedTokens: 0,
  totalTokens: 2 * tokens,
});

class ScriptedStream extends llm.LLMStream {
  readonly #answer: Answer;
  readonly #model: ScriptedLlm;

  constructor(model: ScriptedLlm, answer: Answer, options: ConstructorParameters<typeof llm.LLMStream>[1]) {
    super(model, options);
    this.#answer = answer;
    this.#model = model;
  }

  protected async run(): Promise<void> {
    const { say, calls = [], error, isStuck, tokens } = this.#answer;
    if (error) throw error;
    if (isStuck)
      await new Promise<void>((resolve) => this.abortController.signal.addEventListener('abort', () => resolve()));
    if (say !== undefined) this.queue.put({ id: 'scripted', delta: { role: 'assistant', content: say } });
    if (tokens !== undefined) this.queue.put({ id: 'scripted', usage: usageOf(tokens) });
    if (calls.length === 0) return;
    const toolCalls = calls.map((name) =>
      llm.FunctionCall.create({ callId: this.#model.nextCall(), name, args: '{}' }),
    );
    this.queue.put({ id: 'scripted', delta: { role: 'assistant', toolCalls } });
  }
}

/** A realtime model that listens, understands, and never says a word. */
export class SilentRealtime extends llm.RealtimeModel {
  /** How long it takes to be ready. */
  readonly ready: Promise<void>;
  readonly opened: llm.RealtimeSession[] = [];

  constructor(ready: Promise<void> = Promise.resolve()) {
    super({
      messageTruncation: false,
      turnDetection: false,
      userTranscription: false,
      autoToolReplyGeneration: false,
      audioOutput: true,
      manualFunctionCalls: false,
    });
    this.ready = ready;
  }
  get model(): string {
    return 'silent';
  }
  session(): llm.RealtimeSession {
    const session = new SilentRealtimeSession(this);
    this.opened.push(session);
    return session;
  }
  async close(): Promise<void> {}
}

class SilentRealtimeSession extends llm.RealtimeSession {
  readonly chatCtx = new llm.ChatContext();
  readonly tools = new llm.ToolContext([]);
  readonly #ready: Promise<void>;

  constructor(model: SilentRealtime) {
    super(model);
    this.#ready = model.ready;
  }
  async updateInstructions(): Promise<void> {
    await this.#ready;
  }
  async updateChatCtx(): Promise<void> {}
  async updateTools(): Promise<void> {}
  updateOptions(): void {}
  pushAudio(): void {}
  generateReply(): Promise<never> {
    return new Promise(() => {});
  }
  async commitAudio(): Promise<void> {}
  async clearAudio(): Promise<void> {}
  async interrupt(): Promise<void> {}
  async truncate(): Promise<void> {}
}

// ── ears ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Understands what it is told, whatever the microphone says. */
export class ToldStt extends stt.STT {
  label = 'told';
  /** So many of the streams that are opened from now on end at once. */
  deaf = 0;
  /** How often somebody began to listen. */
  opened = 0;
  readonly #open = new Set<ToldStream>();
  #untold: string[] = [];

  constructor() {
    super({ streaming: true, interimResults: false });
  }

  /** The caller says this, now, or as soon as somebody listens. */
  hear(text: string): void {
    const [listening] = this.#open;
    if (listening) listening.hear(text);
    else this.#untold.push(text);
  }

  /** The caller has begun to say this; the final words come with `hear`. */
  begin(text: string): void {
    const [listening] = this.#open;
    if (!listening) throw new Error('nobody listens yet');
    listening.begin(text);
  }

  /** A sound that is taken for words at first, and is none. */
  coughs(): void {
    for (const stream of this.#open) stream.cough();
  }

  /** Every stream that is open ends, cleanly. */
  end(): void {
    for (const stream of this.#open) stream.end();
  }

  /** Every stream that is open fails. */
  fail(error: Error): void {
    for (const stream of this.#open) stream.fail(error);
  }

  began(stream: ToldStream): void {
    this.#open.add(stream);
    for (const text of this.#untold.splice(0)) stream.hear(text);
  }

  closed(stream: ToldStream): void {
    this.#open.delete(stream);
  }

  protected override async _recognize(): Promise<stt.SpeechEvent> {
    throw new Error('it only streams');
  }

  stream(): stt.SpeechStream {
    return new ToldStream(this);
  }
}

const saidNow = (text: string): stt.SpeechData => ({
  language: 'en' as stt.SpeechData['language'],
  text,
  startTime: 0,
  endTime: 0,
  confidence: 1,
});

class ToldStream extends stt.SpeechStream {
  label = 'told';
  readonly #ears: ToldStt;
  #hasBegun = false;
  end = () => {};
  fail: (error: Error) => void = () => {};
  readonly #ended = new Promise<void>((resolve, reject) => {
    this.end = resolve;
    this.fail = reject;
  });

  constructor(ears: ToldStt) {
    super(ears);
    this.#ears = ears;
  }

  begin(text: string): void {
    this.#hasBegun = true;
    this.queue.put({ type: stt.SpeechEventType.START_OF_SPEECH });
    this.queue.put({ type: stt.SpeechEventType.INTERIM_TRANSCRIPT, alternatives: [saidNow(text)] });
  }

  cough(): void {
    this.begin('uh');
    this.queue.put({ type: stt.SpeechEventType.END_OF_SPEECH });
    this.#hasBegun = false;
  }

  hear(text: string): void {
    const now = Date.now();
    const said = saidNow(text);
    if (!this.#hasBegun) this.queue.put({ type: stt.SpeechEventType.START_OF_SPEECH });
    this.#hasBegun = false;
    this.queue.put({ type: stt.SpeechEventType.FINAL_TRANSCRIPT, alternatives: [said], speechEndTime: now });
    this.queue.put({ type: stt.SpeechEventType.END_OF_SPEECH, alternatives: [said], speechEndTime: now });
  }

  protected async run(): Promise<void> {
    this.#ears.opened += 1;
    if (this.#ears.deaf > 0) {
      this.#ears.deaf -= 1;
      return;
    }
    this.#ears.began(this);
    const muted = async () => {
      for await (const _ of this.input); // until the session closes the microphone
    };
    try {
      await Promise.race([muted(), this.#ended]);
    } finally {
      this.#ears.closed(this);
    }
  }
}
