/** A person on the line: says things, pauses, listens, interrupts, says "uh-huh", types. Everything in real time. */
import { setTimeout as sleep } from 'node:timers/promises';
import { voice } from '@livekit/agents';
import type { Mouth } from './mouth.ts';
import type { Sound, Soundtrack } from './soundtrack.ts';

/** How long somebody thinks before they answer. */
const THINKING_MS = 400;

/** How the place takes what is no speech. Without `types` a text goes to the session as RoomIO gives it. */
export type Ways = { acts: () => void; types?: (text: string) => boolean };

export class Caller {
  readonly #mouth: Mouth;
  readonly #soundtrack: Soundtrack;
  readonly #session: () => voice.AgentSession;
  readonly #ways: Ways;
  /** All that they said and meant, in order: what a transcript has to hold. */
  readonly said: string[] = [];

  constructor(mouth: Mouth, soundtrack: Soundtrack, session: () => voice.AgentSession, ways: Ways) {
    this.#mouth = mouth;
    this.#soundtrack = soundtrack;
    this.#session = session;
    this.#ways = ways;
    session().on(voice.AgentSessionEventTypes.ConversationItemAdded, () => soundtrack.changed());
  }

  /** Settles with the last sound of it. */
  async says(text: string): Promise<void> {
    this.said.push(text);
    await this.#mouth.say(text);
  }

  /** A sound without words: a cough, a door, somebody else; or words that nobody recognises. */
  async makesNoise(ms: number, text = 'noise'): Promise<void> {
    await this.#mouth.say(text, { ms, words: '' });
  }

  /** Said to be polite, meant to interrupt nobody. */
  async saysUhHuh(): Promise<void> {
    await this.#mouth.say('uh-huh', { ms: 350 });
  }

  async pauses(ms: number): Promise<void> {
    await sleep(ms);
  }

  /** As text, as a client of LiveKit sends it: what speaks is interrupted. */
  types(text: string): void {
    this.said.push(text);
    this.#ways.acts();
    if (this.#ways.types) return void this.#ways.types(text);
    const session = this.#session();
    session.interrupt();
    session.generateReply({ userInput: text });
  }

  /** On the keypad: it says nothing, and is a sign of life. */
  pressesKey(): void {
    this.#ways.acts();
  }

  /** Waits until the agent begins to say this (in any of its sentences). */
  hears(text: string, patienceMs?: number): Promise<Sound> {
    return this.#soundtrack.until(`"${text}" is heard`, () => this.#spoken(text), patienceMs);
  }

  /** Listens to all of it, and thinks a little. Fails when it is cut. */
  async listensTo(text: string, patienceMs?: number): Promise<void> {
    const sound = await this.hears(text, patienceMs);
    await this.#soundtrack.until(`"${text}" is heard to its end`, () => sound.to !== undefined, patienceMs);
    if (sound.isCut) throw new Error(`"${text}" was cut. What was heard:\n${this.#soundtrack.story()}`);
    await sleep(THINKING_MS);
  }

  /** Waits until the agent has written this: it stands in the conversation. */
  reads(text: string, patienceMs?: number): Promise<true> {
    const isThere = () =>
      this.#session().history.items.some(
        (item) => item.type === 'message' && item.role === 'assistant' && item.textContent?.includes(text) === true,
      );
    return this.#soundtrack.until(`"${text}" is read`, () => isThere() || undefined, patienceMs);
  }

  #spoken(text: string): Sound | undefined {
    return this.#soundtrack.sounds.find(({ voice, text: spoken }) => voice !== 'caller' && spoken.includes(text));
  }
}
