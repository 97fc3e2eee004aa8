/**
 * Listeners that the user has on the AgentSession, guarded. Unguarded, one that throws breaks off whatever the SDK was
 * doing when it told of it: the start of the session, a reply, a close; from a timer it ends the process (fault A4).
 */
import type { voice } from '@livekit/agents';
import type { LiveJob } from '../live-job.ts';
import { noteError } from '../note-error.ts';

type Listener = (...given: unknown[]) => unknown;

/** From here on `emit` cannot throw, and a listener that fails is in the journal; the others are told all the same. */
export function guardListeners(job: LiveJob, session: voice.AgentSession): void {
  const emitter = session as unknown as {
    emit(event: string, ...given: unknown[]): boolean;
    rawListeners(event: string): Listener[];
  };
  emitter.emit = (event, ...given) => {
    const listeners = emitter.rawListeners(event);
    const failed = (error: unknown) => noteError(job, `listener ${event}`, error);
    for (const listener of listeners) {
      try {
        const result = Reflect.apply(listener, session, given);
        if (!(result instanceof Promise)) continue;
        const settled = result.catch(failed);
        if (event === 'close') job.ownEnds?.waitFor(settled);
      } catch (error) {
        failed(error);
      }
    }
    return listeners.length > 0;
  };
}
