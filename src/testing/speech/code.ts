/**
 * The code of coded speech: which tones sound in which 50 ms.
 *
 * Each piece of 50 ms carries the utterance's number and its own, in twelve digits of base five; each digit picks one
 * of five neighbouring tones, so twelve tones sound at a time. Ten digits are the message, two check it.
 *
 *   C1  A tone is a multiple of 80 Hz: a piece holds whole periods of every tone (no clicks between pieces), and a Hann
 *       window of 25 ms has its zeros on the neighbours.
 *   C2  A window that straddles two pieces mixes their digits; the check digits are there to refuse the mixture.
 *
 * 400 to 5,120 Hz: below what wideband speech codecs keep (7 kHz), above where they filter.
 */
export const PIECE_MS = 50;
export const WINDOW_MS = 25;
export const GROUPS = 12;
export const TONES = 5;
const FIRST_HZ = 400;
const STEP_HZ = 80;
const MESSAGE_DIGITS = 10;

/** Pieces of one utterance: a minute. */
export const MAX_PIECES = 1200;
/** Numbers of utterances: 0 to 8137. */
export const MAX_UTTERANCES = Math.floor(TONES ** MESSAGE_DIGITS / MAX_PIECES);

export type Piece = { utterance: number; piece: number };

export const hertz = (group: number, digit: number): number => FIRST_HZ + STEP_HZ * (group * TONES + digit);

/** Pure. The twelve digits of a piece. */
export function digitsOf({ utterance, piece }: Piece): number[] {
  let rest = utterance * MAX_PIECES + piece;
  const digits: number[] = [];
  for (let index = 0; index < MESSAGE_DIGITS; index += 1) {
    digits.push(rest % TONES);
    rest = Math.floor(rest / TONES);
  }
  return [...digits, ...checkOf(digits)];
}

/** Pure. The piece that twelve digits stand for; undefined when the check digits refuse them. */
export function pieceOf(digits: readonly number[]): Piece | undefined {
  const message = digits.slice(0, MESSAGE_DIGITS);
  const [first, second] = checkOf(message);
  if (digits[MESSAGE_DIGITS] !== first || digits[MESSAGE_DIGITS + 1] !== second) return undefined;
  const value = message.reduceRight((sum, digit) => sum * TONES + digit, 0);
  const utterance = Math.floor(value / MAX_PIECES);
  return utterance < MAX_UTTERANCES ? { utterance, piece: value % MAX_PIECES } : undefined;
}

/** Two sums with different weights: one wrong digit never passes, two wrong ones pass in one case of 25 at most. */
function checkOf(message: readonly number[]): [number, number] {
  let plain = 1;
  let weighted = 2;
  message.forEach((digit, index) => {
    plain += digit;
    weighted += digit * ((index % (TONES - 1)) + 1);
  });
  return [plain % TONES, weighted % TONES];
}

/** Samples in `ms`; refuses rates at which pieces and windows are no whole number of samples. */
export function wholeSamples(sampleRate: number, ms: number): number {
  const samples = (sampleRate * ms) / 1000;
  if (!Number.isInteger(samples) || samples <= 0) {
    throw new Error(
      `sampleRate: expected one that has whole samples in ${ms} ms (16000, 24000, 48000), got ${sampleRate}`,
    );
  }
  return samples;
}
