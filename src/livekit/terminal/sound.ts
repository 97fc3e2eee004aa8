/** What the caller of a call in the terminal hears, on its way to a page that plays it. No SDK in this file. */
/** What the caller hears, for whoever plays it: to the host, where it asks for it. */
export type TerminalSound = {
  case: 'lastword.heard';
  value: { kind: 'sound'; sampleRate: number; samples: string } | { kind: 'hush' };
};
/** Set: the sound is sent to the host as well. */
export const SOUND = 'LASTWORD_TERMINAL_SOUND';
