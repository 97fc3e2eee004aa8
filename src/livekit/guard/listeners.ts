/**
 * Listeners that the user has on the AgentSession, guarded. Unguarded, one that throws breaks off whatever the SDK was
 * doing when it told of it: the start of the session, a reply, a close; from a timer it ends the process (fault A4).
 *
 *   L1  From here on `emit` cannot throw, and a listener that fails is in the journal; the others are told all the same.
 *   L2  The session's own `emit` runs, with one listener in the place of all: it keeps what it says for its own report.
 *       The listeners are back in their place before the first of them is told, which may add and remove some.
 */
import type { EventEmitter } from 'node:events';
import type { voice } from '@livekit/agents';
import type { LiveJob } from '../live-job.ts';
import { noteError } from '../note-error.ts';
import { tellOurs } from '../observe/overhear.ts';
import { replaceMethod } from '../observe/replace-method.ts';

type Listeners = Record<string, unknown>;

export function guardListeners(job: LiveJob, session: voice.AgentSession): void {
  const emitter = session as unknown as EventEmitter & { _events: Listeners };
  const tell = (listener: unknown, event: string, given: unknown[]) => {
    const failed = (error: unknown) => noteError(job, `listener ${event}`, error);
    try {
      const result: unknown = Reflect.apply(listener as () => unknown, session, given);
      if (!(result instanceof Promise)) return;
      const settled = result.catch(failed);
      if (event === 'close') job.ownEnds.waitFor(settled);
    } catch (error) {
      failed(error);
    }
  };
  replaceMethod(emitter, 'emit', ([name, ...given], emit) => {
    const event = name as string;
    tellOurs(job, event, given, (error) => noteError(job, 'orchestrator', error));
    const listeners = emitter.rawListeners(event);
    const { _events } = emitter;
    const inPlace = _events[event];
    const putBack = () => {
      if (_events[event] !== stand) return;
      if (inPlace === undefined) delete _events[event];
      else _events[event] = inPlace;
    };
    const stand = () => {
      putBack();
      for (const listener of listeners) tell(listener, event, given);
    };
    _events[event] = stand; // L2
    try {
      emit();
    } finally {
      putBack();
    }
    return listeners.length > 0;
  });
}
