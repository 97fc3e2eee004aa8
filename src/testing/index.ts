/** `lastword/testing`: what tests of an agent need, without keys, server or microphone. */
export { startLab, connectLab, receptionist, spokenAs, Pace, paces, profiles } from './lab/index.ts';
export type {
  Answer,
  Component,
  Fault,
  FaultSpan,
  Lab,
  LabChannel,
  LabEntry,
  LabOptions,
  LabScript,
  LabUrls,
  Latency,
  Match,
  PaceName,
  PaceOptions,
  Profile,
  Prompt,
  PromptMessage,
  RemoteLab,
  Rule,
  Spoken,
  ToolCall,
  Waited,
} from './lab/index.ts';
export { encodeSpeech, measureSpeech, PIECE_MS, recordingOf, SpeechDecoder } from './speech/index.ts';
export type { Heard, HeardRecording, HeardUtterance, Recording, Sound, SpeechMeasure } from './speech/index.ts';
export { callerSpeech } from './caller-speech.ts';
