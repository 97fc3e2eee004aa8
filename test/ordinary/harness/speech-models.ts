/**
 * Models that hear and speak by themselves, at human speed: a realtime model, which finds the caller's turns and writes
 * down what they said when it has time; and a duplex one, which listens and speaks at once.
 */
import { ReadableStream, type ReadableStreamDefaultController } from 'node:stream/web';
import { setTimeout as sleep } from 'node:timers/promises';
import { llm, type voice } from '@livekit/agents';
import { AudioFrame } from '@livekit/rtc-node';
import type { Pace } from '../../../src/testing/lab/pace.ts';
import { SAMPLE_RATE } from '../../faults/models.ts';
import type { Mouth, Utterance } from './mouth.ts';
import { framesOf, paced } from './voice.ts';
import type { Script } from './wits.ts';

const NOTICED_MS = 80;
const TURN_SILENCE_MS = 500;

export type RealtimeOptions = {
  /** False: the session finds the turns (or its user commits them), and asks for each answer. */
  turnDetection?: boolean;
  /** The caller's words come so long after the answer has ended; default: before it begins. */
  transcriptLateMs?: number;
  /** False: it writes, and a TTS of the session speaks. */
  audioOutput?: boolean;
};

export class PacedRealtime extends llm.RealtimeModel {
  readonly mouth: Mouth;
  readonly pace: Pace;
  readonly script: Script;
  readonly options: RealtimeOptions;

  constructor(mouth: Mouth, pace: Pace, script: Script, options: RealtimeOptions = {}) {
    const { turnDetection = true, audioOutput = true } = options;
    super({
      messageTruncation: true,
      turnDetection,
      userTranscription: true,
      autoToolReplyGeneration: false,
      audioOutput,
      manualFunctionCalls: false,
    });
    this.mouth = mouth;
    this.pace = pace;
    this.script = script;
    this.options = options;
  }
  get model(): string {
    return 'human realtime';
  }
  override label(): string {
    return 'human realtime';
  }
  session(): llm.RealtimeSession {
    return new PacedRealtimeSession(this);
  }
  async close(): Promise<void> {}
}

class PacedRealtimeSession extends llm.RealtimeSession {
  #chatCtx = new llm.ChatContext();
  #tools: llm.ToolContext = new llm.ToolContext([]);
  readonly #model: PacedRealtime;
  #speaking: AbortController | undefined;
  #turn: NodeJS.Timeout | undefined;
  #heard: Utterance[] = [];
  #ids = 0;

  constructor(model: PacedRealtime) {
    super(model);
    this.#model = model;
    model.mouth.on('begin', this.#begins).on('end', this.#ends);
  }

  get chatCtx(): llm.ChatContext {
    return this.#chatCtx;
  }
  get tools(): llm.ToolContext {
    return this.#tools;
  }

  readonly #begins = () => {
    clearTimeout(this.#turn);
    if (!this.#model.capabilities.turnDetection) return;
    setTimeout(() => {
      this.#speaking?.abort(); // its own turn detection cuts its own speech
      this.emit('input_speech_started', {});
    }, NOTICED_MS);
  };

  readonly #ends = (utterance: Utterance) => {
    this.#heard.push(utterance);
    if (!this.#model.capabilities.turnDetection) return;
    this.#turn = setTimeout(() => void this.#answers(), TURN_SILENCE_MS);
  };

  async #answers(): Promise<void> {
    const heard = this.#heard.splice(0);
    const words = heard.map((each) => each.words).join(' ');
    this.emit('input_speech_stopped', { userTranscriptionEnabled: true });
    if (words.trim() === '') return;
    const { transcriptLateMs } = this.#model.options;
    const since = heard[0]?.from ?? Date.now();
    if (transcriptLateMs === undefined) this.#understood(words, since);
    const { event, ended } = await this.#generation(words, false);
    this.emit('generation_created', event);
    if (transcriptLateMs === undefined) return;
    await ended;
    await sleep(transcriptLateMs);
    this.#understood(words, since);
  }

  #understood(transcript: string, turnStartedAt: number): void {
    const itemId = `heard-${(this.#ids += 1)}`;
    this.emit('input_audio_transcription_completed', { itemId, transcript, isFinal: true, turnStartedAt });
  }

  async #generation(asked: string, userInitiated: boolean) {
    const { pace, script } = this.#model;
    const { say, calls = [], firstMs = pace.next('llm') } = script(asked);
    const stop = (this.#speaking = new AbortController());
    await sleep(firstMs);
    const id = `spoken-${(this.#ids += 1)}`;
    let end = () => {};
    const ended = new Promise<void>((resolve) => (end = resolve));
    const isHeard = this.#model.capabilities.audioOutput;
    const audio = new ReadableStream<AudioFrame>({
      start: async (controller) => {
        if (isHeard && say !== undefined) {
          for await (const frame of paced(say, pace, 0)) {
            if (stop.signal.aborted) break;
            controller.enqueue(frame);
          }
        }
        controller.close();
        setTimeout(end, say === undefined ? 0 : say.length * 60); // its playout, as the model reckons it
      },
    });
    const messages: llm.MessageGeneration[] =
      say === undefined
        ? []
        : [
            {
              messageId: id,
              textStream: ReadableStream.from([say]) as ReadableStream<string>,
              audioStream: audio,
              modalities: Promise.resolve(isHeard ? ['text', 'audio'] : ['text']),
            },
          ];
    const functions = calls.map((call, index) => {
      const { name, args } = typeof call === 'string' ? { name: call, args: {} } : call;
      return llm.FunctionCall.create({ callId: `${id}-${index}`, name, args: JSON.stringify(args) });
    });
    const event: llm.GenerationCreatedEvent = {
      userInitiated,
      responseId: `response-${id}`,
      messageStream: ReadableStream.from(messages) as ReadableStream<llm.MessageGeneration>,
      functionStream: ReadableStream.from(functions) as ReadableStream<llm.FunctionCall>,
    };
    return { event, ended };
  }

  async generateReply(instructions?: string): Promise<llm.GenerationCreatedEvent> {
    const last = this.#chatCtx.items.findLast(({ type }) => type === 'message' || type === 'function_call_output');
    const heard = this.#heard.splice(0);
    const words = heard.map((each) => each.words).join(' ');
    if (words !== '') this.#understood(words, heard[0]?.from ?? Date.now());
    const output = last?.type === 'function_call_output' ? last.output.replace(/^"(.*)"$/, '$1') : undefined;
    const typed = last?.type === 'message' ? last.textContent : undefined;
    const asked = instructions ?? output ?? (words === '' ? (typed ?? '') : words);
    return (await this.#generation(asked, true)).event;
  }

  async interrupt(): Promise<void> {
    this.#speaking?.abort();
  }
  async updateChatCtx(chatCtx: llm.ChatContext): Promise<void> {
    this.#chatCtx = chatCtx.copy();
  }
  async updateTools(tools: llm.ToolContext): Promise<void> {
    this.#tools = tools;
  }
  async updateInstructions(): Promise<void> {}
  updateOptions(): void {}
  pushAudio(): void {}
  async commitAudio(): Promise<void> {}
  async clearAudio(): Promise<void> {
    this.#heard = [];
  }
  async truncate(): Promise<void> {}
  override async close(): Promise<void> {
    clearTimeout(this.#turn);
    this.#model.mouth.off('begin', this.#begins).off('end', this.#ends);
    await super.close();
  }
}

const FRAME_MS = 50;
const silence = () => {
  const length = (SAMPLE_RATE * FRAME_MS) / 1000;
  return new AudioFrame(new Int16Array(length), SAMPLE_RATE, 1, length);
};

export class PacedDuplex extends llm.DuplexModel {
  readonly mouth: Mouth;
  readonly pace: Pace;
  readonly script: Script;

  constructor(mouth: Mouth, pace: Pace, script: Script) {
    super({ userTranscription: true, autoToolReplyGeneration: true });
    this.mouth = mouth;
    this.pace = pace;
    this.script = script;
  }
  override audioGate(): llm.AudioGate {
    return new llm.FixedGate(0);
  }
  session(): llm.DuplexSession {
    return new PacedDuplexSession(this);
  }
  async close(): Promise<void> {}
}

class PacedDuplexSession extends llm.DuplexSession {
  readonly audioStream: ReadableStream<llm.DuplexAudioFrame>;
  readonly #model: PacedDuplex;
  readonly #timer: NodeJS.Timeout;
  #tools: llm.ToolContext = new llm.ToolContext([]);
  #toSay: AudioFrame[] = [];
  #turn: NodeJS.Timeout | undefined;
  #heard: Utterance[] = [];

  constructor(model: PacedDuplex) {
    super(model);
    this.#model = model;
    let to: ReadableStreamDefaultController<llm.DuplexAudioFrame> | undefined;
    this.audioStream = new ReadableStream({ start: (controller) => void (to = controller) });
    let due = Date.now();
    this.#timer = setInterval(() => {
      for (; due <= Date.now(); due += FRAME_MS) to?.enqueue({ frame: this.#toSay.shift() ?? silence() });
    }, FRAME_MS);
    model.mouth.on('begin', this.#begins).on('end', this.#ends);
  }

  get tools(): llm.ToolContext {
    return this.#tools;
  }

  readonly #begins = () => {
    clearTimeout(this.#turn);
    this.#toSay = [];
    setTimeout(() => this.emit('input_speech_started', {}), NOTICED_MS);
  };

  readonly #ends = (utterance: Utterance) => {
    this.#heard.push(utterance);
    this.#turn = setTimeout(() => void this.#answers(), TURN_SILENCE_MS);
  };

  async #answers(): Promise<void> {
    const heard = this.#heard.splice(0);
    const words = heard.map((each) => each.words).join(' ');
    const turnStartedAt = heard[0]?.from ?? Date.now();
    this.emit('input_speech_stopped', { userTranscriptionEnabled: true });
    const completed = { itemId: `heard-${turnStartedAt}`, transcript: words, isFinal: true, turnStartedAt };
    this.emit('input_audio_transcription_completed', completed);
    await this.#says(words);
  }

  async #says(asked: string): Promise<void> {
    const { say, firstMs = this.#model.pace.next('llm') } = this.#model.script(asked);
    await sleep(firstMs);
    if (say === undefined) return;
    this.#toSay = framesOf(say);
    this.emit('transcript_delta', { text: say });
  }

  override _generateReply(instructions?: string): void {
    void this.#says(instructions ?? '');
  }
  async _updateInstructions(): Promise<void> {}
  async _appendItems(): Promise<void> {}
  async _updateTools(tools: llm.ToolContext): Promise<void> {
    this.#tools = tools;
  }
  _updateOptions(): void {}
  pushAudio(): void {}
  protected async closeConnection(): Promise<void> {
    clearInterval(this.#timer);
    clearTimeout(this.#turn);
    this.#model.mouth.off('begin', this.#begins).off('end', this.#ends);
  }
}

/** A session that has such a model and nothing beside it, as people have who use one. */
export const alone = (model: llm.RealtimeModel | llm.DuplexModel): Partial<voice.AgentSessionOptions> => ({
  llm: model,
  stt: undefined as never,
  tts: undefined as never,
  vad: null,
  turnHandling: {},
});
