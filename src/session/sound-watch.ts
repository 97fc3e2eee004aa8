/**
 * Who is audible right now, out of what is being written into the journal, for the keeper's metrics. *Pure*, but for the
 * clock that it is given.
 *
 *   W1  Silence counts from the last sound, and only while a caller is there to hear it.
 *   W2  It says nothing that it does not know: before the first sound or caller there is no silence to tell of.
 */
import type { EntryData, EntryKind } from '../journal/entry.ts';

/** Lines that fill a silence, or ask into one. */
export type FillingLine = 'filler' | 'nudge';
export type SoundsTold = {
  /** How long nobody has been audible; null: somebody is, or no caller is there. */
  silentMs: number | null;
  /** Of this process so far: lines that somebody heard. */
  spoken: Record<FillingLine, number>;
};

export class SoundWatch {
  readonly #now: () => number;
  readonly #audible = new Set<string>();
  readonly #spoken: Record<FillingLine, number> = { filler: 0, nudge: 0 };
  #silentSince: number | undefined;
  #isCallerHere = false;

  /** @param now milliseconds by a clock that nobody sets */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  get told(): SoundsTold {
    const isSilent = this.#isCallerHere && this.#audible.size === 0 && this.#silentSince !== undefined;
    const silentMs = isSilent ? Math.max(0, Math.round(this.#now() - (this.#silentSince ?? 0))) : null;
    return { silentMs, spoken: { ...this.#spoken } };
  }

  /** An entry, as it is written. */
  take<Kind extends EntryKind>(kind: Kind, data: EntryData[Kind]): void {
    if (kind === 'audible') this.#heard(data as EntryData['audible']);
    else if (kind === 'spoken') this.#said(data as EntryData['spoken']);
    else if (kind === 'participant') this.#moved(data as EntryData['participant']);
    else if (kind === 'hangup') this.#isCallerHere = false;
  }

  #heard({ who, change, speech, line }: EntryData['audible']): void {
    const source = `${who} ${speech ?? line ?? ''}`;
    if (change === 'ends') this.#audible.delete(source);
    else this.#audible.add(source);
    if (this.#audible.size === 0) this.#silentSince = this.#now();
  }

  #said({ line, heardMs }: EntryData['spoken']): void {
    if ((line === 'filler' || line === 'nudge') && heardMs > 0) this.#spoken[line] += 1;
  }

  #moved({ change, isCaller }: EntryData['participant']): void {
    if (change === 'linked' || (isCaller === true && (change === 'joined' || change === 'returned'))) {
      this.#isCallerHere = true;
      this.#silentSince = this.#now(); // W1
    } else if (isCaller === true && (change === 'left' || change === 'lost')) this.#isCallerHere = false;
  }
}
