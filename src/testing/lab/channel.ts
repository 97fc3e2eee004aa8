/**
 * One channel of the lab: a script, what is to be heard, the faults and the log of those who use its base URLs.
 *
 * Two calls that shall not share a script (one of them is to fail) use two channels of one lab.
 */
import { MAX_UTTERANCES, PIECE_MS } from '../speech/code.ts';
import type { SpeechMeasure } from '../speech/measure.ts';
import { Pace, type Profile } from './pace.ts';
import { answerTo, normalised } from './script.ts';
import type { Answer, Component, Fault, FaultSpan, LabEntry, LabScript, Prompt, Spoken } from './script.ts';

const LEAST_SPEECH_MS = 400;
const MS_PER_CHARACTER = 60;

type Planted = { fault: Fault; from: number; times: number };

export class Channel {
  readonly name: string;
  readonly log: LabEntry[];
  readonly #nextUtterance: () => number;
  #script: LabScript;
  #pace: Pace;
  #toHear: { text: string; spoken?: SpeechMeasure }[] = [];
  #requests: Record<Component, number> = { llm: 0, tts: 0, stt: 0 };
  #planted: Partial<Record<Component, Planted>> = {};

  constructor(name: string, script: LabScript, pace: Pace, log: LabEntry[], nextUtterance: () => number) {
    this.name = name;
    this.log = log;
    this.#nextUtterance = nextUtterance;
    this.#script = script;
    this.#pace = pace;
    this.play(script);
  }

  play(script: LabScript): void {
    this.#script = script;
    this.#toHear = (script.heard ?? []).map((text) => ({ text }));
  }

  hears(text: string, spoken?: SpeechMeasure): void {
    this.#toHear.push(spoken ? { text, spoken } : { text });
  }

  fail(component: Component, fault: Fault, span: FaultSpan = {}): void {
    const next = this.#requests[component] + 1;
    this.#planted[component] = { fault, from: span.from ?? next, times: span.times ?? Infinity };
  }

  heal(component?: Component): void {
    if (component) delete this.#planted[component];
    else this.#planted = {};
  }

  setPace(pace: Pace): void {
    this.#pace = pace;
  }

  /** Until the first byte of the next answer: what the script says, else as the pace has it, the way there included. */
  latency(component: Component): number {
    return this.#script.latency?.[component] ?? this.#pace.next(component) + this.#pace.next('network');
  }

  /** How fast an answer comes once it has begun. */
  get profile(): Profile {
    return this.#pace.profile;
  }

  /** Counts a request; the fault that it has to suffer, if any. */
  begin(component: Component): { request: number; fault: Fault | undefined } {
    this.#requests[component] += 1;
    const request = this.#requests[component];
    const fault = this.faultOf(component, request);
    if (fault) this.log.push({ kind: 'failed', at: Date.now(), channel: this.name, component, request, fault });
    return { request, fault };
  }

  /** The fault of a request, without counting it. Default: of the next one. */
  faultOf(component: Component, request = this.#requests[component] + 1): Fault | undefined {
    const planted = this.#planted[component];
    if (!planted || request < planted.from || request >= planted.from + planted.times) return undefined;
    return planted.fault;
  }

  /** The words of an upload: what is queued, or nothing. */
  hear(audio: SpeechMeasure): string {
    const next = this.#toHear.shift() ?? { text: '' };
    this.log.push({ kind: 'heard', at: Date.now(), channel: this.name, audio, ...next });
    return next.text;
  }

  answer(prompt: Prompt, request: number): Answer {
    const answer = answerTo(this.#script, prompt, request);
    this.log.push({ kind: 'asked', at: Date.now(), channel: this.name, request, prompt, answer });
    return answer;
  }

  /** Begins a synthesis; its text may come in parts. */
  speak(): Spoken {
    const spoken: Spoken = {
      kind: 'spoke',
      at: Date.now(),
      channel: this.name,
      utterance: this.#nextUtterance() % MAX_UTTERANCES,
      text: '',
      durationMs: 0,
      complete: false,
    };
    this.log.push(spoken);
    return spoken;
  }

  /** How long a part of a text is spoken, in whole pieces. A text whose length the script sets shares it by characters. */
  durationOf(part: string): number {
    const whole = (ms: number) => Math.round(ms / PIECE_MS) * PIECE_MS;
    const words = normalised(part);
    for (const [text, ms] of Object.entries(this.#script.durations ?? {})) {
      const all = normalised(text);
      if (all.includes(words) && words.length > 0) return whole((ms * words.length) / all.length);
    }
    return whole(Math.max(LEAST_SPEECH_MS, part.trim().length * (this.#script.msPerCharacter ?? MS_PER_CHARACTER)));
  }
}
