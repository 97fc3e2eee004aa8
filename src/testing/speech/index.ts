export { PIECE_MS } from './code.ts';
export { encodeSpeech } from './encode.ts';
export { SpeechDecoder } from './decode.ts';
export type { Heard, HeardUtterance, Sound } from './decode.ts';
export { recordingOf } from './recordings.ts';
export type { HeardRecording, Recording } from './recordings.ts';
export { measureSpeech } from './measure.ts';
export type { SpeechMeasure } from './measure.ts';
