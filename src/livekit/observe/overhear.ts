/**
 * What an AgentSession says, heard by us beside its own listeners and before them: whoever counts those finds none of
 * ours, and `removeAllListeners()` in the user's code does not make us deaf. Told by guard/listeners.ts.
 */
import { EventEmitter } from 'node:events';
import type { voice } from '@livekit/agents';

const ears = new WeakMap<object, EventEmitter>();

/** Listened to as the session itself would be. */
export function overhear(session: voice.AgentSession): Pick<voice.AgentSession, 'on' | 'off'> {
  let found = ears.get(session);
  if (!found) ears.set(session, (found = new EventEmitter()));
  return found as unknown as Pick<voice.AgentSession, 'on' | 'off'>;
}

/** One of ours that throws is passed to `failed`; the others are told all the same. */
export function tellOurs(session: object, event: string, given: unknown[], failed: (error: unknown) => void): void {
  for (const listener of ears.get(session)?.rawListeners(event) ?? []) {
    try {
      Reflect.apply(listener, session, given);
    } catch (error) {
      failed(error);
    }
  }
}
