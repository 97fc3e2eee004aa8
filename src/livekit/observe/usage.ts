/**
 * What the models have used so far, each request once. The SDK counts some twice: an adapter reports what it passed on
 * beside the model that did the work, and the sum that the session tells does not say which was which.
 *
 *   U1  The model that did the work counts. A fallback adapter's own figures are those of its providers once more.
 *   U2  A TTS that does not stream is asked for sentence by sentence, and the SDK's adapter around it reports the whole
 *       under the same name: as streamed, which such a TTS never is. Is the same TTS asked for directly (an apology, the
 *       trial of a provider that failed), that is not streamed either, and counts.
 *   U3  The same figures told by two ways (a detector that shares the session's model) count once.
 */
import { type metrics as sdk, metrics, tts, type voice } from '@livekit/agents';
import type { ModelUsage } from '../../journal/entry.ts';

type Metrics = sdk.AgentMetrics;

/** U1. The labels of the SDK's own adapters. */
const adapters: ReadonlySet<string> = new Set(['FallbackAdapter', 'tts.FallbackAdapter']);
/** What an explicit adapter wraps is private to it; its label says the name. */
const WRAPPED = /^tts\.StreamAdapter<(.*)>$/;

export class Usage {
  readonly #session: voice.AgentSession;
  readonly #sum = new metrics.ModelUsageCollector();
  readonly #counted = new WeakSet<Metrics>();
  /** U2. Labels of those that an adapter asks sentence by sentence. */
  readonly #bySentence = new Set<string>();

  constructor(session: voice.AgentSession) {
    this.#session = session;
  }

  /** To be called at each handoff too: who is there then may report after the next one. */
  look(): void {
    this.#note(this.#session.tts);
    this.#note(currentVoice(this.#session));
  }

  /** @returns all that was used so far; undefined if these figures change nothing */
  add(told: Metrics): ModelUsage[] | undefined {
    this.look();
    if (this.#counted.has(told) || this.#isToldTwice(told)) return undefined;
    this.#counted.add(told);
    const before = JSON.stringify(this.#sum.flatten());
    this.#sum.collect(told);
    const after = this.#sum.flatten();
    return JSON.stringify(after) === before ? undefined : (after as ModelUsage[]);
  }

  #isToldTwice(told: Metrics): boolean {
    if (!('label' in told)) return false;
    if (adapters.has(told.label)) return true; // U1
    return told.type === 'tts_metrics' && told.streamed && this.#bySentence.has(told.label); // U2
  }

  #note(speaker: tts.TTS | undefined): void {
    if (!speaker) return;
    if (speaker instanceof tts.FallbackAdapter) for (const each of speaker.ttsInstances) this.#note(each);
    else if (!speaker.capabilities.streaming) this.#bySentence.add(speaker.label);
    const [, wrapped] = WRAPPED.exec(speaker.label) ?? [];
    if (wrapped !== undefined) this.#bySentence.add(wrapped);
  }
}

/** The SDK's `currentAgent` throws while no agent runs. */
const currentVoice = (session: voice.AgentSession): tts.TTS | undefined => {
  try {
    return session.currentAgent.tts;
  } catch {
    return undefined;
  }
};
