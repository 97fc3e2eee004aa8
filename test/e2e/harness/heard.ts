export type { Heard, HeardRecording, HeardUtterance, Sound } from '../../../src/testing/speech/index.ts';
export type { Wav } from '../../../src/wav.ts';
