import type { SessionEffects } from '../../src/session/run.ts';

/** What never answers. */
export const never = () => new Promise<never>(() => {});
/** Effects that succeed at once; nobody holds, and nobody is put through. */
export const effectsDone: SessionEffects = {
  connect: async () => ({}),
  startSession: async () => ({}),
  awaitCaller: async () => ({ identity: 'caller' }),
  speak: async () => ({ heardMs: 1000 }),
  hold: never,
  transfer: never,
  mend: async () => ({}),
  drain: async () => ({}),
  interrupt: async () => ({}),
  hangUp: async () => ({ verified: true }),
  close: async () => ({}),
  sendReport: async () => ({}),
};
