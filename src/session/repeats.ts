/**
 * What a machine receives again and again without going anywhere: a beat twice a second for two hours, a store that is
 * away for a day. It is counted, and written once: `again`. Whatever was received in the same place led to the same
 * place, since machines are pure; so nothing is lost.
 */
export type Again = {
  /** Of the entries before it: the last so many, in turn. */
  of: number;
  times: number;
};

/** Longest turn that is looked for: three questions to LiveKit, each with its answer and its limit. */
const LONGEST = 8;

type Taken = { key: string; digest: string };

export class Repeats {
  readonly #isCounted: boolean;
  readonly #last: Taken[] = [];
  #again: Again = { of: 0, times: 0 };

  constructor(isCounted: boolean) {
    this.#isCounted = isCounted;
  }

  /** The last that was received is counted, and not written. */
  get isCounting(): boolean {
    return this.#again.times > 0;
  }

  /**
   * @param key what is received
   * @param digest where the machine is when it receives it
   * @returns what is to be written before it
   */
  take(key: string, digest: string): Again | undefined {
    if (!this.#isCounted) return undefined;
    const { of, times } = this.#again;
    const isThis = (one: Taken | undefined) => one?.key === key && one.digest === digest;
    if (times > 0 && isThis(this.#last.at(-of + (times % of)))) {
      this.#again.times += 1;
      return undefined;
    }
    const before = this.rest();
    const found = this.#last.findLastIndex(isThis);
    if (found >= 0) this.#again = { of: this.#last.length - found, times: 1 };
    else this.#last.push({ key, digest });
    if (this.#last.length > LONGEST) this.#last.shift();
    return before;
  }

  /** What is counted and not written yet; none of it afterwards. */
  rest(): Again | undefined {
    const { of, times } = this.#again;
    this.#again = { of: 0, times: 0 };
    return times > 0 ? { of, times } : undefined;
  }
}
