/**
 * How long providers take: profiles of latencies, drawn log-normally with a seed. In a world in which everything takes
 * a millisecond no fault of patience can be seen.
 *
 * `typical` is what people publish who measure their own agents; `slow` is the same shape for reasoning models, cold
 * models, retrieval before the first token, and callers far away. Where the numbers come from: docs/pace.md.
 * Draws end at the 99th percentile: what is beyond it is a fault, and the lab has faults for that.
 */
export const paces = ['instant', 'typical', 'slow'] as const;
export type PaceName = (typeof paces)[number];

/** What is waited for. `llm`: the first token. `tts`: the first byte. `stt`: from the last sound to the final words. */
export type Waited = 'llm' | 'tts' | 'stt' | 'tool' | 'network';

/** In milliseconds; half of all are below the median, 95 of 100 below `p95`. */
export type Latency = { median: number; p95: number };

export type Profile = {
  readonly waits: Readonly<Record<Waited, Latency>>;
  /** What a model writes each second once it writes; Infinity: all at once. */
  readonly charactersPerSecond: number;
  /** Seconds of speech that a voice makes each second; Infinity: all at once. */
  readonly timesRealTime: number;
};

const none: Latency = { median: 0, p95: 0 };
export const profiles: Readonly<Record<PaceName, Profile>> = {
  instant: {
    waits: { llm: none, tts: none, stt: none, tool: none, network: none },
    charactersPerSecond: Infinity,
    timesRealTime: Infinity,
  },
  typical: {
    waits: {
      llm: { median: 566, p95: 2246 },
      tts: { median: 140, p95: 400 },
      stt: { median: 360, p95: 1260 },
      tool: { median: 1500, p95: 6000 },
      network: { median: 60, p95: 200 },
    },
    charactersPerSecond: 320,
    timesRealTime: 4,
  },
  slow: {
    waits: {
      llm: { median: 3000, p95: 9000 },
      tts: { median: 700, p95: 2000 },
      stt: { median: 1200, p95: 3000 },
      tool: { median: 6000, p95: 16_000 },
      network: { median: 200, p95: 600 },
    },
    charactersPerSecond: 80,
    timesRealTime: 1.6,
  },
};

const Z95 = 1.6449;
const Z99 = 2.3263;

/** For a lab: a profile, and where to begin in it. */
export type PaceOptions = { name: PaceName; seed?: number };

/** One world's latencies: the same name and seed draw the same ones in the same order. */
export class Pace {
  readonly name: PaceName;
  readonly profile: Profile;
  readonly #random: () => number;

  /**
   * @param seed - any whole number. Default 1.
   * @throws Error for a name that is none
   */
  constructor(name: PaceName, seed = 1) {
    if (!Object.hasOwn(profiles, name)) throw new Error(`pace: expected one of ${paces.join(', ')}, got "${name}"`);
    this.name = name;
    this.profile = profiles[name];
    this.#random = seeded(seed);
  }

  /** The next latency of this kind, in whole milliseconds. */
  next(what: Waited): number {
    const { median, p95 } = this.profile.waits[what];
    if (median === 0) return 0;
    const sigma = Math.log(p95 / median) / Z95;
    // Box and Muller; 1 - random() is never zero.
    const normal = Math.sqrt(-2 * Math.log(1 - this.#random())) * Math.cos(2 * Math.PI * this.#random());
    return Math.round(median * Math.exp(sigma * Math.min(normal, Z99)));
  }
}

/** Mulberry32: 32 bits of state, the same everywhere. */
function seeded(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
