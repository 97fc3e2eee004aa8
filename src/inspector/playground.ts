/**
 * A call that somebody plays with from the page (`npm start`): what they type goes in, what their caller hears comes out.
 * The call runs in other processes; this one only passes on.
 */
import type { SessionId } from '../journal/ids.ts';

/** What comes to be heard. `hush`: what was heard last and has not been played yet is cut. */
export type PlayedSound =
  | { kind: 'sound'; sampleRate: number; /** 16 bits, one channel, base64. */ samples: string }
  | { kind: 'hush' };

/** What a microphone gives: 16 bits, one channel, this many samples a second. */
export const MICROPHONE_RATE = 16_000;

type PlaygroundOptions = {
  take: (line: string) => void;
  onSeen: () => void;
  /** Undefined: the call's ears are those of the lab, which hears what is typed and no voices. */
  speak?: (samples: string) => void;
};

/** A page that comes late hears from now on; one that does not read loses the oldest: two seconds of a call. */
const KEPT_SOUNDS = 200;

export class Playground {
  readonly session: SessionId;
  /** As typed in the terminal: words, or a command that begins with a slash. */
  readonly take: (line: string) => void;
  /** Somebody has a page of it open. */
  readonly onSeen: () => void;
  /** From a microphone, base64; undefined where nobody would understand it. */
  readonly speak: ((samples: string) => void) | undefined;
  readonly #listeners = new Set<(sound: PlayedSound) => void>();

  constructor(session: SessionId, { take, onSeen, speak }: PlaygroundOptions) {
    this.session = session;
    this.take = take;
    this.onSeen = onSeen;
    this.speak = speak;
  }

  heard(sound: PlayedSound): void {
    for (const listen of this.#listeners) listen(sound);
  }

  /** What is heard from now on, for one who listens. */
  listen(): { next(signal: AbortSignal): Promise<PlayedSound[] | undefined>; close(): void } {
    const waiting: PlayedSound[] = [];
    let wake = () => {};
    const take = (sound: PlayedSound) => {
      if (sound.kind === 'hush') waiting.splice(0); // nobody wants to hear what was cut
      waiting.push(sound);
      if (waiting.length > KEPT_SOUNDS) waiting.shift();
      wake();
    };
    this.#listeners.add(take);
    return {
      async next(signal) {
        if (waiting.length === 0)
          await new Promise<void>((resolve) => {
            wake = resolve;
            signal.addEventListener('abort', () => resolve(), { once: true });
          });
        return signal.aborted ? undefined : waiting.splice(0);
      },
      close: () => void this.#listeners.delete(take),
    };
  }
}
