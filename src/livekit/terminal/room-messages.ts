/**
 * What crosses between the room of a call in the terminal and an agent in it: over a socket of the room's own, as a real
 * room is reached past the worker. Whoever started the agent may die, and the two still hear each other. No SDK in this
 * file.
 */

/** What the caller does. */
export type CallerAct =
  | { type: 'join' | 'hang-up' | 'vanish' | 'return' }
  | { type: 'speak'; words: number }
  /** As text, past the ears: for models that would hear what a recording says. */
  | { type: 'type'; text: string }
  /** From a microphone: 16 bits at 16 kHz, base64. */
  | { type: 'voice'; samples: string };

/** What the caller hears. `hush`: what was heard last and has not been played yet is cut. */
export type CallerHears = { kind: 'sound'; sampleRate: number; samples: string } | { kind: 'hush' };

/** What an agent does. */
export type AgentAct =
  /** First of all. */
  | { type: 'here'; identity: string }
  /** Only where the sound is wanted. */
  | { type: 'heard'; sound: CallerHears }
  /** On the caller. */
  | { type: 'hung-up' };

/** The environment variable that tells a job where the room is. */
export const ROOM = 'LASTWORD_TERMINAL_ROOM';
/** Set: somebody listens, and the sound is wanted. */
export const SOUND = 'LASTWORD_TERMINAL_SOUND';
