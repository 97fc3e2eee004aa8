export type { Heard, HeardRecording, HeardUtterance, Sound } from '../../../src/testing/speech/index.ts';
export type { Wav } from '../../../src/sound/wav.ts';

/**
 * The share of a line that counts as heard, and as heard to its end, in a file that shares the machine. A process that
 * begins beside a call takes packets of its caller: 0.82 of a greeting was the least seen. The last per cents are
 * measured by the files that run alone. The long interview lost more (0.74 of a goodbye), and runs alone too.
 */
export const HEARD = 0.7;
export const HEARD_WHOLE = 0.8;
