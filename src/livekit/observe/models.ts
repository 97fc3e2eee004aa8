/** The models themselves, the session's and each agent's own: what they say beside the session's events. */
import type { llm, stt, tts } from '@livekit/agents';
import type { LiveJob } from '../live-job.ts';
import { nameOf } from './model-name.ts';

type Switch = { available: boolean; llm?: llm.LLM; tts?: tts.TTS; stt?: stt.STT };
type Emitter = { on?(name: string, listen: (event: Switch) => void): void };

const known = new WeakSet<object>();

/** A switch of provider inside a fallback adapter is in the journal. */
export function watchModels(
  { recorder }: Pick<LiveJob, 'recorder'>,
  models: { llm?: unknown; tts?: unknown; stt?: unknown },
): void {
  for (const component of ['llm', 'tts', 'stt'] as const) {
    const model = models[component] as Emitter | undefined;
    if (typeof model !== 'object' || known.has(model)) continue;
    known.add(model);
    model.on?.(`${component}_availability_changed`, (event) => {
      recorder.append('provider', { component, ...nameOf(component, event[component]), available: event.available });
    });
    // The session listens only while it is open. A fallback adapter that tries its providers again after that, or an
    // apology with no session, would throw for want of a listener.
    model.on?.('error', () => {});
  }
}
