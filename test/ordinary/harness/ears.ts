/**
 * Recognition and voice activity at human speed, told by the caller's mouth. Interim words come while they speak, final
 * ones some hundred milliseconds after the last sound; activity ends after 550 ms without a sound, as silero's does.
 */
import { stt, VAD, type VADEvent, VADEventType, VADStream } from '@livekit/agents';
import { AudioFrame } from '@livekit/rtc-node';
import type { Pace } from '../../../src/testing/lab/pace.ts';
import type { Mouth, Utterance } from './mouth.ts';

const NOTICED_MS = 80;
const INTERIM_MS = 400;
const SILENCE_MS = 550;
const INFERENCE_MS = 32;

const said = (text: string): stt.SpeechData => ({
  language: 'en' as stt.SpeechData['language'],
  text,
  startTime: 0,
  endTime: 0,
  confidence: 1,
});

export type EarsOptions = {
  streaming?: boolean;
  interimResults?: boolean;
  /** From the last sound to the final words; default as the pace has it. */
  finalMs?: number;
};

export class PacedStt extends stt.STT {
  label = 'human ears';
  readonly mouth: Mouth;
  readonly pace: Pace;
  readonly options: EarsOptions;
  readonly #unheard: Utterance[] = [];

  constructor(mouth: Mouth, pace: Pace, options: EarsOptions = {}) {
    const { streaming = true, interimResults = streaming } = options;
    super({ streaming, interimResults });
    this.mouth = mouth;
    this.pace = pace;
    this.options = options;
    if (!streaming) mouth.on('end', (utterance) => this.#unheard.push(utterance));
  }

  /** As for all who do not stream: the audio up to a pause goes out, and words come back. */
  protected override async _recognize(): Promise<stt.SpeechEvent> {
    const words = this.#unheard.splice(0).map((utterance) => utterance.words);
    await new Promise((resolve) => setTimeout(resolve, this.finalMs()));
    return { type: stt.SpeechEventType.FINAL_TRANSCRIPT, alternatives: [said(words.join(' ').trim())] };
  }

  finalMs(): number {
    return this.options.finalMs ?? this.pace.next('stt');
  }

  stream(): stt.SpeechStream {
    return new PacedEars(this);
  }
}

class PacedEars extends stt.SpeechStream {
  label = 'human ears';
  readonly #ears: PacedStt;

  constructor(ears: PacedStt) {
    super(ears);
    this.#ears = ears;
  }

  protected async run(): Promise<void> {
    const { mouth, options } = this.#ears;
    let timers: NodeJS.Timeout[] = [];
    const later = (ms: number, put: () => void) =>
      timers.push(setTimeout(() => !this.closed && !this.queue.closed && put(), ms));
    const put = (type: stt.SpeechEventType, text = '', speechEndTime?: number) =>
      this.queue.put({
        type,
        ...(text !== '' && { alternatives: [said(text)] as [stt.SpeechData] }),
        ...(speechEndTime !== undefined && { speechEndTime }),
      });
    const begins = (utterance: Utterance) => {
      later(NOTICED_MS, () => put(stt.SpeechEventType.START_OF_SPEECH));
      if (options.interimResults === false) return;
      const words = utterance.words.split(' ');
      const interim = (heard: number) => {
        if (utterance.to !== undefined || heard > words.length) return;
        put(stt.SpeechEventType.INTERIM_TRANSCRIPT, words.slice(0, heard).join(' '));
        later(INTERIM_MS, () => interim(heard + 1));
      };
      if (utterance.words !== '') later(INTERIM_MS, () => interim(1));
    };
    let lastDue = 0;
    const ends = (utterance: Utterance) => {
      const endedAt = Date.now();
      const due = (lastDue = Math.max(lastDue + 1, endedAt + this.#ears.finalMs())); // in the order in which it was said
      later(due - endedAt, () => {
        if (utterance.words !== '') put(stt.SpeechEventType.FINAL_TRANSCRIPT, utterance.words, endedAt);
        if (!mouth.current) put(stt.SpeechEventType.END_OF_SPEECH, '', endedAt);
      });
    };
    mouth.on('begin', begins).on('end', ends);
    try {
      for await (const _ of this.input); // until the session closes the microphone
    } finally {
      mouth.off('begin', begins).off('end', ends);
      for (const timer of timers) clearTimeout(timer);
      timers = [];
    }
  }
}

export class PacedVad extends VAD {
  label = 'human activity';
  readonly mouth: Mouth;

  constructor(mouth: Mouth) {
    super({ updateInterval: INFERENCE_MS });
    this.mouth = mouth;
  }

  stream(): VADStream {
    return new PacedActivity(this);
  }
}

class PacedActivity extends VADStream {
  /** A stretch of speech; a short pause does not end it. */
  #since: number | undefined;
  #silentSince: number | undefined;
  #ticking: NodeJS.Timeout | undefined;
  #isTold = false;

  constructor(vad: PacedVad) {
    super(vad);
    const begins = () => {
      this.#since ??= Date.now();
      this.#silentSince = undefined;
      this.#ticking ??= setInterval(() => this.#tick(), INFERENCE_MS);
    };
    const ends = () => void (this.#silentSince = Date.now());
    vad.mouth.on('begin', begins).on('end', ends);
    void this.#readToEnd().finally(() => {
      vad.mouth.off('begin', begins).off('end', ends);
      clearInterval(this.#ticking);
    });
  }

  async #readToEnd(): Promise<void> {
    try {
      while (!(await this.inputReader.read()).done);
    } catch {
      // its stream was closed
    }
  }

  #tick(): void {
    if (this.closed) return clearInterval(this.#ticking);
    const since = this.#since ?? Date.now();
    const silenceMs = this.#silentSince === undefined ? 0 : Date.now() - this.#silentSince;
    const speechMs = Date.now() - since - silenceMs;
    if (!this.#isTold && speechMs >= NOTICED_MS) {
      this.#isTold = true;
      this.#tell(VADEventType.START_OF_SPEECH, speechMs, 0);
    }
    if (this.#isTold) this.#tell(VADEventType.INFERENCE_DONE, speechMs, silenceMs);
    if (silenceMs < SILENCE_MS) return;
    if (this.#isTold) this.#tell(VADEventType.END_OF_SPEECH, speechMs, silenceMs);
    clearInterval(this.#ticking);
    this.#ticking = undefined;
    this.#since = undefined;
    this.#silentSince = undefined;
    this.#isTold = false;
  }

  #tell(type: VADEventType, speechDuration: number, silenceDuration: number): void {
    const speaking = type !== VADEventType.END_OF_SPEECH;
    const event: VADEvent = {
      type,
      samplesIndex: 0,
      timestamp: Date.now(),
      speechDuration,
      silenceDuration,
      frames: [new AudioFrame(new Int16Array(320), 16_000, 1, 320)],
      probability: silenceDuration === 0 ? 1 : 0,
      inferenceDuration: 0,
      speaking,
      rawAccumulatedSilence: silenceDuration,
      rawAccumulatedSpeech: silenceDuration === 0 ? speechDuration : 0,
    };
    this.sendVADEvent(event);
  }
}
