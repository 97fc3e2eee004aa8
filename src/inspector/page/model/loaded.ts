/** Something that was asked for: what came last stays while the next is on its way. */
import { signal, type Signal } from '@preact/signals';
import { AnswerProblem } from '../answers/page-answers.ts';

export type Loaded<Value> = { value: Value | undefined; problem: string | undefined };

export const notLoaded = <Value>(): Signal<Loaded<Value>> =>
  signal<Loaded<Value>>({ value: undefined, problem: undefined });

/** A read that was too much is refused for half a minute. */
const AGAIN_MS = 10_000;
const MOST_TRIES = 6;

/**
 * Asks one at a time: while one is on its way, only the newest question waits. A slider that is drawn over a thousand
 * entries asks for as many states as can be answered, and the last one is always answered.
 */
export class Latest<Value> {
  readonly loaded = notLoaded<Value>();
  #isAsking = false;
  #going: Promise<void> = Promise.resolve();
  #tries = 0;
  #waiting: (() => Promise<Value>) | undefined;
  /** What is on its way was asked for a place that was left. */
  #isOutdated = false;

  ask(question: () => Promise<Value>): void {
    this.#waiting = question;
    if (!this.#isAsking) this.#going = this.#go();
  }

  /** Nothing is on its way any more, answered or not. Never rejects. */
  async settled(): Promise<void> {
    await this.#going;
  }

  /** It is known already: whatever was asked for before counts no more, also when it comes later. */
  tell(value: Value): void {
    this.#waiting = undefined;
    this.#isOutdated = this.#isAsking;
    this.loaded.value = { value, problem: undefined };
  }

  /** A server that is overburdened, or is being started again, answers later; a question that is refused stays refused. */
  #againLater(question: () => Promise<Value>, error: unknown): void {
    const isPassing = error instanceof AnswerProblem && (error.status === 0 || error.status >= 429);
    if (!isPassing || this.#tries >= MOST_TRIES) return;
    this.#tries += 1;
    setTimeout(() => {
      if (!this.#isAsking && this.#waiting === undefined) this.ask(question);
    }, AGAIN_MS);
  }

  async #go(): Promise<void> {
    this.#isAsking = true;
    while (this.#waiting) {
      const question = this.#waiting;
      this.#waiting = undefined;
      this.#isOutdated = false;
      try {
        const value = await question();
        if (!this.#isOutdated) this.loaded.value = { value, problem: undefined };
        this.#tries = 0;
      } catch (error) {
        if (this.#isOutdated) continue;
        const problem = error instanceof AnswerProblem ? error.message : String(error);
        this.#againLater(question, error);
        this.loaded.value = { value: this.loaded.peek().value, problem };
      }
    }
    this.#isAsking = false; // with the last look at what waits: a question in between would be lost
  }
}
