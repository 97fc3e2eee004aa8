/**
 * How long things take in one healthy call: drawn with a seed, from the profiles of the lab, or close to a limit of the
 * machine (just below it, just above it), where a clock that is wrong shows first. Never beyond what a healthy call may take.
 */
import { defaultPolicy } from '../../../machines/index.ts';
import { type Latency, Pace, type PaceName, type Waited } from '../../../src/testing/lab/pace.ts';
import { type Random, randomFrom } from '../../machine/random.ts';
import type { Cause } from './trace.ts';

export type Tempo = PaceName | 'at the limits';

const { firstAudioMs, fillerMs, turnMs, toolMs, transferMs, idleMs } = defaultPolicy;

/** A caller who says nothing for longer, in their own turn, is asked whether they are there: that is what they get. */
export const LONGEST_REST_MS = idleMs - 700;
/** One step of a model takes less than `turnMs`, a hook half of it; recognition, than one filler and the next one's time. */
const longest: Record<Cause, number> = {
  llm: turnMs - 2500,
  tts: turnMs - 2500,
  stt: 9000,
  hook: turnMs / 2 - 500,
  tool: toolMs - 600,
  transfer: Math.min(transferMs, toolMs) - 600,
  rest: LONGEST_REST_MS,
  given: 60_000 - 1500,
  into: 25_000,
};
const shortest = 20;
/** What a silence of ours is measured by. */
const limits = [0, 1, 2, 3, 4].map((fillers) => firstAudioMs + fillers * fillerMs);
const limitsOf: Record<Cause, readonly number[]> = {
  llm: [...limits, longest.llm],
  tts: [...limits, longest.tts],
  stt: limits,
  hook: [...limits, longest.hook],
  tool: [...limits, turnMs, longest.tool],
  transfer: [...limits, turnMs, longest.transfer],
  rest: [firstAudioMs, longest.rest],
  given: [idleMs, 2 * idleMs, longest.given],
  into: limits,
};
/** Before a limit counts, activity and endpointing pass. */
const AROUND_MS = 900;

/** As people do; median and 95th percentile in ms. */
const people = {
  rest: { median: 1200, p95: 8000 },
  given: { median: 20_000, p95: 50_000 },
  into: { median: 1500, p95: 9000 },
  talk: { median: 900, p95: 7000 },
  speech: { median: 1800, p95: 14_000 },
};

export class Latencies {
  readonly tempo: Tempo;
  readonly random: Random;
  readonly #pace: Pace;

  constructor(seed: number) {
    this.random = randomFrom(seed);
    const chance = this.random.next();
    this.tempo = chance < 0.5 ? 'typical' : chance < 0.8 ? 'slow' : 'at the limits';
    this.#pace = new Pace(this.tempo === 'typical' ? 'typical' : 'slow', seed);
  }

  /** In whole milliseconds. */
  of(cause: Cause): number {
    const isClose = this.tempo === 'at the limits' && this.random.next() < 0.6;
    const drawn = isClose
      ? this.random.pick(limitsOf[cause]) + (2 * this.random.next() - 1) * AROUND_MS
      : this.#usual(cause);
    return Math.round(Math.min(longest[cause], Math.max(shortest, drawn)));
  }

  /** Longer than it was recorded, by so much: what somebody says, or the agent. */
  more(what: 'talk' | 'speech'): number {
    if (this.random.next() < 0.3) return 0;
    return Math.round(Math.min(40_000, this.#lognormal(people[what])));
  }

  #usual(cause: Cause): number {
    if (cause === 'rest' || cause === 'given' || cause === 'into') return this.#lognormal(people[cause]);
    const waited: Waited = cause === 'hook' || cause === 'transfer' ? 'tool' : cause;
    return this.#pace.next(waited) + this.#pace.next('network');
  }

  #lognormal({ median, p95 }: Latency): number {
    const normal = Math.sqrt(-2 * Math.log(1 - this.random.next())) * Math.cos(2 * Math.PI * this.random.next());
    return median * Math.exp((Math.log(p95 / median) / 1.6449) * Math.min(normal, 2.3263));
  }
}
