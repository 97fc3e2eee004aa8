/** All that a call sounds like, as somebody would hear it who listens to both sides: who, what, from when to when. */
import { textOf } from '../../faults/models.ts';

/** `agent`: through the session's output. `line`: on the track of our own. `caller`: what they say. */
export type Voice = 'agent' | 'line' | 'caller';

export type Sound = {
  voice: Voice;
  text: string;
  from: number;
  /** Undefined while it goes on. */
  to?: number;
  /** Ended before its end. */
  isCut?: true;
  /** Stretches in which it was held, and nothing was heard. */
  pauses: { from: number; to?: number }[];
};

export class Soundtrack {
  readonly sounds: Sound[] = [];
  readonly #watchers = new Set<() => void>();

  begin(voice: Voice, text: string): Sound {
    const sound: Sound = { voice, text, from: Date.now(), pauses: [] };
    this.sounds.push(sound);
    this.changed();
    return sound;
  }

  end(sound: Sound, isCut = false): void {
    if (sound.to !== undefined) return;
    sound.to = Date.now();
    const pause = sound.pauses.at(-1);
    if (pause) pause.to ??= sound.to;
    if (isCut) sound.isCut = true;
    this.changed();
  }

  changed(): void {
    for (const look of this.#watchers) look();
  }

  /** The first value that `find` gives; rejects after `patienceMs` with all that was heard. */
  until<Value>(what: string, find: () => Value | undefined | false, patienceMs = 45_000): Promise<Value> {
    return new Promise((resolve, reject) => {
      const stop = () => {
        this.#watchers.delete(look);
        clearTimeout(timer);
      };
      const timer = setTimeout(() => {
        stop();
        reject(new Error(`${what}: not within ${patienceMs} ms. What was heard:\n${this.story()}`));
      }, patienceMs);
      const look = () => {
        const found = find();
        if (found === undefined || found === false) return;
        stop();
        resolve(found);
      };
      this.#watchers.add(look);
      look();
    });
  }

  story(): string {
    const began = this.sounds[0]?.from ?? 0;
    const at = (time: number | undefined) => (time === undefined ? '…' : `${time - began}`.padStart(6));
    return this.sounds
      .map(({ voice, text, from, to, isCut }) => `${at(from)} – ${at(to)} ${voice}: ${text}${isCut ? ' (cut)' : ''}`)
      .join('\n');
  }
}

/** What samples say, sentence by sentence, as one text. */
export const addedTo = (text: string, samples: Int16Array): string => {
  const next = textOf(samples);
  return next === 'silence' || text.endsWith(next) ? text : `${text} ${next}`;
};
