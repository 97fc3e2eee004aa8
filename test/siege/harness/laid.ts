/** A siege that is laid for certain, with calls whose jobs are to be killed; what the sieges have in common. */
import type { WebhookDestination } from '../../../src/link/destination.ts';
import { Siege } from './siege.ts';

export type Laid = AsyncDisposable & {
  siege: Siege;
  /** Ends what besieges; the keeper runs on. */
  lift: () => Promise<void>;
};
export type Layer = (victims: readonly string[]) => Promise<Laid>;

/** As many as the system's threads for files and names in a process of Node's, and some more. */
const MORE_THAN_THE_POOL = 6;
export const bystanders = Array.from({ length: MORE_THAN_THE_POOL }, (_, index) => `AJ_${index}`);
export const hook = (url: string): WebhookDestination => ({
  kind: 'webhook',
  name: 'web',
  url,
  secrets: [],
  headers: {},
  allowPrivate: true,
});
export const callAll = async (siege: Siege, sessions: readonly string[]) => {
  for (const session of sessions) await siege.call(session);
};
export const laid = (siege: Siege, end: () => unknown = () => undefined): Laid => {
  let lifted: Promise<void> | undefined;
  const lift = () => (lifted ??= Promise.resolve(end()).then(() => undefined));
  return {
    siege,
    lift,
    async [Symbol.asyncDispose]() {
      await lift();
      await siege[Symbol.asyncDispose]();
    },
  };
};
