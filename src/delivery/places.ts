/**
 * The places of a relay: how many attempts may be under way, in all, at each receiver, and at those that strangers chose.
 *
 *   L5  receivers that strangers chose (URLs from metadata) have half of the places, however many they are
 */
import type { AttemptOutcome } from './courier-messages.ts';
import { SMALLEST_WINDOW, windowAfter } from './lane.ts';

/** Whose window is remembered: that many receivers; the others begin with the smallest. */
const MOST_LANES = 1_000;

type Lane = { running: number; window: number };

export type Place = {
  /** What its receiver made of the attempt. `tookMs`: undefined when it was not begun. */
  learn(outcome: AttemptOutcome, tookMs: number | undefined): void;
  leave(): void;
};

export class Places {
  readonly #total: number;
  readonly #lanes = new Map<string, Lane>();
  #held = 0;
  #ofStrangers = 0;

  constructor(total: number) {
    this.#total = total;
  }

  /** How many are taken. */
  get held(): number {
    return this.#held;
  }

  /** How many are free, for receivers of one kind. */
  free(isStrangers: boolean): number {
    const free = this.#total - this.#held;
    return Math.floor(isStrangers ? Math.min(free, this.#total / 2 - this.#ofStrangers) : free); // L5
  }

  /** How many are free at each receiver that is known; any other has the smallest window. */
  seats(): Record<string, number> {
    return Object.fromEntries([...this.#lanes].map(([name, { window, running }]) => [name, window - running]));
  }

  take(name: string, isStrangers: boolean): Place {
    const lane = this.#lanes.get(name) ?? { running: 0, window: SMALLEST_WINDOW };
    this.#lanes.set(name, lane);
    lane.running += 1;
    this.#held += 1;
    if (isStrangers) this.#ofStrangers += 1;
    return {
      learn: (outcome, tookMs) => void (lane.window = windowAfter(lane.window, outcome, tookMs)),
      leave: () => {
        lane.running -= 1;
        this.#held -= 1;
        if (isStrangers) this.#ofStrangers -= 1;
        const isForgettable = lane.window === SMALLEST_WINDOW || this.#lanes.size > MOST_LANES;
        if (lane.running === 0 && isForgettable) this.#lanes.delete(name);
      },
    };
  }
}
