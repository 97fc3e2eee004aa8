/** Between a test and its caller's process. Types only. Times are milliseconds since the epoch, fractions included. */
import type { Heard, HeardRecording, Wav } from './heard.ts';

export type TrackHeard = Heard & {
  participant: string;
  sid: string;
  recordings: HeardRecording[];
};

export type CallerEvent =
  | { kind: 'joined'; at: number }
  /** The track is published: what is said from now on can be heard. */
  | { kind: 'microphone.on'; at: number }
  | { kind: 'participant.joined'; at: number; identity: string; agent: boolean }
  | { kind: 'participant.left'; at: number; identity: string; reason: string }
  | { kind: 'track.heard'; at: number; participant: string; sid: string }
  | { kind: 'track.gone'; at: number; participant: string; sid: string }
  /** What the agent's side told the client, and what it wrote beside its name. */
  | { kind: 'data'; at: number; topic: string; text: string }
  | { kind: 'attributes'; at: number; participant: string; attributes: Record<string, string> }
  | { kind: 'reconnecting'; at: number }
  | { kind: 'reconnected'; at: number }
  | { kind: 'said'; from: number; to: number; said: number }
  | { kind: 'disconnected'; at: number; reason: string };

export type Microphone = 'on' | 'silent' | 'none';

export type ToCaller =
  | {
      type: 'join';
      url: string;
      token: string;
      microphone: Microphone;
      isDeaf: boolean;
      recordings: { name: string; wav: Wav }[];
    }
  /** `said` comes back in the event when the last sample is out. */
  | { type: 'say'; said: number; wav: Wav }
  /** One key of a telephone. */
  | { type: 'press'; key: string }
  /** One attribute of so many characters, set anew again and again. `said` comes back when it is over. */
  | { type: 'flood'; said: number; characters: number; everyMs: number; times: number }
  | { type: 'recall'; request: number }
  | { type: 'leave' };

export type FromCaller =
  /** Everything is imported: what is asked from now on is done at once. */
  | { type: 'ready' }
  | { type: 'event'; event: CallerEvent }
  | { type: 'heard'; tracks: TrackHeard[]; cpuMs: number }
  | { type: 'recalled'; request: number; tracks: TrackHeard[] }
  | { type: 'failed'; error: string };
