/**
 * The models themselves, the session's and each agent's own: what they say beside the session's events.
 *
 *   M1  Overheard where they say it (`emit`), not listened to: whoever counts a model's listeners finds those that would
 *       be there without us.
 *   M2  The session listens to errors only while it is open. A fallback adapter that tries its providers again after
 *       that, or an apology with no session, would throw for want of a listener: so one that nobody wants is dropped.
 */
import type { llm, stt, tts } from '@livekit/agents';
import type { LiveJob } from '../live-job.ts';
import { modelNameOf } from './model-name.ts';
import { replaceMethod } from './replace-method.ts';

type Component = 'llm' | 'tts' | 'stt';
type Switch = { available: boolean; llm?: llm.LLM; tts?: tts.TTS; stt?: stt.STT };
type Emitter = { emit(name: string, event: unknown): boolean; listenerCount(name: string): number };

/** A switch of provider inside a fallback adapter is in the journal. */
export function watchModels(
  { recorder, guarded }: Pick<LiveJob, 'recorder' | 'guarded'>,
  models: Partial<Record<Component, unknown>>,
): void {
  for (const component of ['llm', 'tts', 'stt'] as const) {
    const model = models[component];
    if (!isEmitter(model) || guarded.models.has(model)) continue;
    guarded.models.add(model);
    replaceMethod(model, 'emit', ([name, event], emit) => {
      if (name === `${component}_availability_changed`) {
        const { [component]: provider, available } = event as Switch;
        recorder.append('provider', { component, ...modelNameOf(component, provider), available });
      }
      if (name !== 'error') return emit();
      const isTold = model.listenerCount('error') > 0 && emit(); // M2
      const { recoverable } = (event ?? {}) as { recoverable?: boolean };
      if (recoverable === false && !guarded.withheld.has(event as object)) guarded.broken.add(model);
      return isTold;
    });
  }
}

const isEmitter = (model: unknown): model is Emitter =>
  typeof model === 'object' && model !== null && 'emit' in model && 'listenerCount' in model;
