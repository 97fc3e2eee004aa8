import { GROUPS, hertz, pieceOf, TONES, WINDOW_MS, wholeSamples } from './code.ts';
import type { Piece } from './code.ts';

/** The winner of each group has at least this many times the power of the next tone (6 dB). */
const CLEAR = 4;

/**
 * Reads single windows of coded speech.
 *
 * Invariant: a window is either read whole (every group has a clear winner and the check digits agree) or not at all.
 */
export class ToneReader {
  readonly windowLength: number;
  readonly #cosines: Float32Array[] = [];
  readonly #sines: Float32Array[] = [];

  constructor(sampleRate: number) {
    const length = wholeSamples(sampleRate, WINDOW_MS);
    this.windowLength = length;
    for (let tone = 0; tone < GROUPS * TONES; tone += 1) {
      const step = (2 * Math.PI * hertz(Math.floor(tone / TONES), tone % TONES)) / sampleRate;
      const hann = (at: number) => 0.5 - 0.5 * Math.cos((2 * Math.PI * at) / length);
      this.#cosines.push(Float32Array.from({ length }, (_, at) => hann(at) * Math.cos(step * at)));
      this.#sines.push(Float32Array.from({ length }, (_, at) => hann(at) * Math.sin(step * at)));
    }
  }

  /** @param window - exactly `windowLength` samples */
  read(window: Float32Array): Piece | undefined {
    const digits: number[] = [];
    for (let group = 0; group < GROUPS; group += 1) {
      let best = 0;
      let second = 0;
      let digit = 0;
      for (let candidate = 0; candidate < TONES; candidate += 1) {
        const power = this.#power(window, group * TONES + candidate);
        if (power > best) {
          second = best;
          best = power;
          digit = candidate;
        } else if (power > second) second = power;
      }
      // Most windows of plain speech are refused by their first group: that is what makes listening cheap.
      if (best < CLEAR * second || best === 0) return undefined;
      digits.push(digit);
    }
    return pieceOf(digits);
  }

  #power(window: Float32Array, tone: number): number {
    const cosines = this.#cosines[tone] as Float32Array;
    const sines = this.#sines[tone] as Float32Array;
    let real = 0;
    let imaginary = 0;
    for (let at = 0; at < window.length; at += 1) {
      const sample = window[at] as number;
      real += sample * (cosines[at] as number);
      imaginary += sample * (sines[at] as number);
    }
    return real * real + imaginary * imaginary;
  }
}
