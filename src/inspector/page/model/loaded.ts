/** Something that was asked for: what came last stays while the next is on its way. */
import { signal, type Signal } from '@preact/signals';
import { AnswerProblem } from '../answers/page-answers.ts';

export type Loaded<Value> = { value: Value | undefined; problem: string | undefined; isAsked: boolean };

export const notLoaded = <Value>(): Signal<Loaded<Value>> =>
  signal<Loaded<Value>>({ value: undefined, problem: undefined, isAsked: false });

/**
 * Asks one at a time: while one is on its way, only the newest question waits. A slider that is drawn over a thousand
 * entries asks for as many states as can be answered, and the last one is always answered.
 */
export class Latest<Value> {
  readonly loaded = notLoaded<Value>();
  #isAsking = false;
  #waiting: (() => Promise<Value>) | undefined;

  ask(question: () => Promise<Value>): void {
    this.#waiting = question;
    if (!this.#isAsking) void this.#go();
  }

  async #go(): Promise<void> {
    this.#isAsking = true;
    while (this.#waiting) {
      const question = this.#waiting;
      this.#waiting = undefined;
      this.loaded.value = { ...this.loaded.peek(), isAsked: true };
      try {
        this.loaded.value = { value: await question(), problem: undefined, isAsked: false };
      } catch (error) {
        const problem = error instanceof AnswerProblem ? error.message : String(error);
        this.loaded.value = { value: this.loaded.peek().value, problem, isAsked: false };
      }
    }
    this.#isAsking = false;
  }
}
