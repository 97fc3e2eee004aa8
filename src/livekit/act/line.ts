/** A line of ours that is being said: what both ways of saying one share. */
import type { tts } from '@livekit/agents';
import type { Effects, Speech } from '../../../machines/index.ts';
import type { EntryData } from '../../journal/entry.ts';
import type { EffectPort } from '../../session/run.ts';
import type { LiveJob } from '../live-job.ts';

export type HeardOfLine = Effects['speak']['output'];
export type SpokenEntry = EntryData['spoken'];
export type Note = (more: Pick<SpokenEntry, 'heardMs' | 'outcome'> & Partial<SpokenEntry>) => void;

export type LineAsk = {
  job: LiveJob;
  speech: Speech;
  port: EffectPort;
  audible: () => void;
  told: () => { firstAudioMs?: number };
  /** The time of its rung is over. */
  isLate: () => boolean;
  note: Note;
};

/**
 * A line whose state is left before it was heard. A remark has failed when its rung was over; before that the call went
 * on by itself, and well. First words and last words have limits of their own, and count as failed.
 */
export const leftUnheard = ({ speech: { line, until }, isLate }: LineAsk): Pick<SpokenEntry, 'outcome' | 'why'> =>
  until === 'played' || line === 'greeting' || line === 'recovery' || isLate()
    ? { outcome: 'failed', why: 'no audio came in time' }
    : { outcome: 'skipped', why: 'the call went on before it was heard' };

/** The SDK's `currentAgent` throws while no agent runs, and an apology for a start that failed has none. */
export const voiceOf = ({ session, firstVoice }: LiveJob): tts.TTS | undefined => {
  try {
    return session?.currentAgent.tts ?? session?.tts ?? firstVoice;
  } catch {
    return session?.tts ?? firstVoice;
  }
};

export const quietly = (act: () => unknown) => {
  try {
    act();
  } catch {
    // it is over already, which is what was wanted
  }
};
