export { startLab } from './server.ts';
export type { Lab, LabChannel, LabOptions, LabUrls } from './server.ts';
export { connectLab } from './client.ts';
export type { RemoteLab } from './client.ts';
export { Pace, paces, profiles } from './pace.ts';
export type { Latency, PaceName, PaceOptions, Profile, Waited } from './pace.ts';
export { receptionist } from './receptionist.ts';
export { spokenAs } from './script.ts';
export type {
  Answer,
  Component,
  Fault,
  FaultSpan,
  LabEntry,
  LabScript,
  Match,
  Prompt,
  PromptMessage,
  Rule,
  Spoken,
  ToolCall,
} from './script.ts';
