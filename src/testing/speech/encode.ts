import { digitsOf, GROUPS, hertz, MAX_PIECES, MAX_UTTERANCES, PIECE_MS, TONES, wholeSamples } from './code.ts';

/** Twelve tones together reach a root mean square of about 4,400 of 32,767: as loud as speech. */
const TONE_AMPLITUDE = 1800;

const tablesByRate = new Map<number, Float32Array[]>();

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
  const tables = tablesOf(sampleRate, length);
  const samples = new Int16Array(pieces * length);
  const sum = new Float32Array(length);
  for (let index = 0; index < pieces; index += 1) {
    sum.fill(0);
    digitsOf({ utterance, piece: firstPiece + index }).forEach((digit, group) => {
      const table = tables[group * TONES + digit] as Float32Array;
      for (let at = 0; at < length; at += 1) sum[at] = (sum[at] as number) + (table[at] as number);
    });
    for (let at = 0; at < length; at += 1) samples[index * length + at] = Math.round(sum[at] as number);
  }
  return samples;
}

/** One piece of each tone. Quadratic phases keep the peaks of twelve tones from meeting. */
function tablesOf(sampleRate: number, length: number): Float32Array[] {
  const known = tablesByRate.get(sampleRate);
  if (known) return known;
  const tables: Float32Array[] = [];
  for (let group = 0; group < GROUPS; group += 1) {
    for (let digit = 0; digit < TONES; digit += 1) {
      const step = (2 * Math.PI * hertz(group, digit)) / sampleRate;
      const phase = (Math.PI * group * group) / GROUPS;
      tables.push(Float32Array.from({ length }, (_, at) => TONE_AMPLITUDE * Math.sin(step * at + phase)));
    }
  }
  tablesByRate.set(sampleRate, tables);
  return tables;
}
