/** What comes out of the caller, as ears notice it. The microphone itself sends silence: who listens is told. */
import { EventEmitter } from 'node:events';
import type { Sound, Soundtrack } from './soundtrack.ts';
import { SPOKEN_MS } from './voice.ts';

export type Utterance = Sound & {
  /** What recognition finds in it: its text, or nothing (a noise, somebody else, a word that is no word). */
  words: string;
};

type Events = { begin: [Utterance]; end: [Utterance] };

export class Mouth extends EventEmitter<Events> {
  current: Utterance | undefined;
  readonly #soundtrack: Soundtrack;

  constructor(soundtrack: Soundtrack) {
    super();
    this.setMaxListeners(50);
    this.#soundtrack = soundtrack;
  }

  /** Settles with its last sound. `words`: what is to be found in it. */
  async say(text: string, { ms = text.length * SPOKEN_MS, words = text } = {}): Promise<Utterance> {
    const utterance = Object.assign(this.#soundtrack.begin('caller', text), { words });
    this.current = utterance;
    this.emit('begin', utterance);
    await new Promise((resolve) => setTimeout(resolve, ms));
    this.current = undefined;
    this.#soundtrack.end(utterance);
    this.emit('end', utterance);
    return utterance;
  }
}
