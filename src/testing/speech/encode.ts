import { digitsOf, GROUPS, hertz, MAX_PIECES, MAX_UTTERANCES, PIECE_MS, TONES, wholeSamples } from './code.ts';

/** Twelve tones together reach a root mean square of about 4,400 of 32,767: as loud as speech. */
const TONE_AMPLITUDE = 1800;

/**
 * Coded speech: 16-bit mono PCM whose tones say, for every 50 ms, which utterance and which piece of it they are.
 *
 * @param utterance - 0 to 8137
 * @param durationMs - rounded up to whole pieces of 50 ms
 * @param sampleRate - hertz: 16000, 24000 or 48000
 * @param firstPiece - where an utterance that comes in parts goes on; default 0
 */
export function encodeSpeech(utterance: number, durationMs: number, sampleRate: number, firstPiece = 0): Int16Array {
  const pieces = Math.ceil(durationMs / PIECE_MS);
  if (!Number.isInteger(utterance) || utterance < 0 || utterance >= MAX_UTTERANCES) {
    throw new Error(`utterance: expected an integer from 0 to ${MAX_UTTERANCES - 1}, got ${utterance}`);
  }
  if (!(pieces >= 0) || firstPiece + pieces > MAX_PIECES) {
    throw new Error(
      `durationMs: expected an utterance of at most ${MAX_PIECES * PIECE_MS} ms, got ${firstPiece * PIECE_MS + durationMs}`,
    );
  }
  const length = wholeSamples(sampleRate, PIECE_MS);
  const tables = new Map<number, Float32Array>();
  const samples = new Int16Array(pieces * length);
  const sum = new Float32Array(length);
  for (let index = 0; index < pieces; index += 1) {
    sum.fill(0);
    digitsOf({ utterance, piece: firstPiece + index }).forEach((digit, group) => {
      const tone = group * TONES + digit;
      const table = tables.get(tone) ?? pieceOf(group, digit, sampleRate, length);
      tables.set(tone, table);
      for (let at = 0; at < length; at += 1) sum[at] = (sum[at] as number) + (table[at] as number);
    });
    for (let at = 0; at < length; at += 1) samples[index * length + at] = Math.round(sum[at] as number);
  }
  return samples;
}

/** One piece of a tone. Quadratic phases keep the peaks of twelve tones from meeting. */
function pieceOf(group: number, digit: number, sampleRate: number, length: number): Float32Array {
  const step = (2 * Math.PI * hertz(group, digit)) / sampleRate;
  const phase = (Math.PI * group * group) / GROUPS;
  return Float32Array.from({ length }, (_, at) => TONE_AMPLITUDE * Math.sin(step * at + phase));
}
