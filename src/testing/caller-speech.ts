import { readWav } from '../sound/wav.ts';
import type { Wav } from '../sound/wav.ts';

/** Up to here a line fits the short recording: what one says in 1.3 s. */
const SHORT_CHARACTERS = 30;

/**
 * Speech for any line of a caller: recorded words, which voice detection takes for speech as it would not take tones.
 * What they are heard as is the lab's to say (`lab.hears(line)`). 16 kHz; 1.3 s for short lines, 3.1 s for long ones.
 */
export function callerSpeech(line: string): Wav {
  const name = line.length <= SHORT_CHARACTERS ? 'caller-short' : 'caller-long';
  return readWav(new URL(`../sound/assets/${name}.en.wav`, import.meta.url));
}
