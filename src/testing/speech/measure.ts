import type { Wav } from '../../sound/wav.ts';

const FRAME_MS = 20;
/** Of the loudest frame's root mean square: softer frames at either end are not speech. */
const EDGE = 0.05;

/** `speechMs`: from the first to the last frame that is not silent. `level`: root mean square over that stretch. */
export type SpeechMeasure = { totalMs: number; speechMs: number; level: number };

/** Pure. How long and how loud speech is, without the silence around it: what can be compared across an upload. */
export function measureSpeech({ samples, sampleRate }: Wav): SpeechMeasure {
  const length = Math.round((sampleRate * FRAME_MS) / 1000);
  const powers: number[] = [];
  for (let at = 0; at + length <= samples.length; at += length) {
    let sum = 0;
    for (let index = at; index < at + length; index += 1) sum += (samples[index] as number) ** 2;
    powers.push(sum / length);
  }
  const totalMs = (samples.length / sampleRate) * 1000;
  const limit = Math.max(1, Math.max(0, ...powers) * EDGE * EDGE);
  const first = powers.findIndex((power) => power >= limit);
  if (first < 0) return { totalMs, speechMs: 0, level: 0 };
  const last = powers.findLastIndex((power) => power >= limit);
  const spoken = powers.slice(first, last + 1);
  const level = Math.sqrt(spoken.reduce((sum, power) => sum + power, 0) / spoken.length);
  return { totalMs, speechMs: spoken.length * FRAME_MS, level };
}
