/** What a test asks of a deployment, and of one call. Plain data: it crosses to other processes as JSON. */
import type { SessionDefinition } from '../../../src/index.ts';

export type DeploymentWish = {
  greeting?: NonNullable<SessionDefinition['greeting']>;
  goodbye?: NonNullable<SessionDefinition['goodbye']>;
  policy?: NonNullable<SessionDefinition['policy']>;
  hangUp?: NonNullable<SessionDefinition['hangUp']>;
  apology?: NonNullable<SessionDefinition['apology']>;
  /** Default `{ resume: 0 }`: most tests of this lane ask what becomes of a call that nobody takes over. */
  onCrash?: { resume?: number; say?: string; apologize?: boolean };
  /** `start(call)` names the caller that the call's metadata name. */
  namesCaller?: boolean;
  prewarm?: 'throws' | 'hangs';
  /** Slow: 3 s. */
  import?: 'throws' | 'throws in the job' | 'slow in the job';
  /** What loading models takes in `prewarm`, milliseconds. */
  prewarmMs?: number;
  /** Warm job processes; default 1, and 0 is the worker's own default. */
  idleProcesses?: number;
  /** How many calls each of its workers will be asked for; no process is warmed for more. Default: any number. */
  calls?: number;
  /** What a worker that is told to stop means for its calls. */
  shutdown?: 'end' | 'finish';
  /** A directory in which alerts are put. */
  alertsIn?: string;
  /** Options of the SDK's server. */
  server?: { maxRetry?: number; jobMemoryWarnMB?: number; jobMemoryLimitMB?: number };
};

export type CallWish = {
  /** The lab's channel, where the room's name is none. */
  channel?: string;
  start?: 'session throws' | 'session hangs' | 'agent throws';
  /** A resource of the user's whose release fails: the report tells that it was tried. */
  onClose?: 'throws';
  /** `greeting: 'agent'`: what its onEnter says. */
  greeting?: string;
  /** Who the caller is. */
  caller?: { participantIdentity?: string; participantKinds?: number[] };
  endWhileSpeaking?: { speech: number; afterMs: number; drain: boolean };
  /** Its model is gone for good so many milliseconds after the first audio of the n-th speech, as a realtime model's end is told: the lab has none. */
  losesModel?: { speech: number; afterMs: number };
  /** An audio output of the user's own, put in place by `prepare`. */
  output?: 'own';
  /** For the tool `block`. */
  blockMs?: number;
  /** What is to be closed after the call, and how that goes. */
  release?: 'hangs';
  /** A shutdown callback of the SDK's, for which it waits without a limit. */
  callback?: 'hangs';
};
