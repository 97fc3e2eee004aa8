/** The recorder of a job whose journal is still being opened: what is said meanwhile comes after its first record. */
import type { EntryData, EntryKind } from '../journal/entry.ts';
import type { Journal } from '../journal/write.ts';
import type { Recorder } from '../session/ports.ts';

export type EntryListener = <Kind extends EntryKind>(kind: Kind, data: EntryData[Kind]) => void;

export class EarlyRecorder implements Recorder {
  /** From `opened` on. */
  #journal: Journal | undefined;
  /** Said before that, in order. */
  readonly #early: ((journal: Journal) => void)[] = [];

  readonly #listen: EntryListener | undefined;

  /** @param listen hears of each entry before it is written */
  constructor(listen?: EntryListener) {
    this.#listen = listen;
  }

  append<Kind extends EntryKind>(kind: Kind, data: EntryData[Kind]): number {
    this.#listen?.(kind, data);
    if (this.#journal) return this.#journal.append(kind, data);
    this.#early.push((journal) => journal.append(kind, data));
    return 0;
  }

  async durable(): Promise<void> {
    await this.#journal?.durable();
  }

  /** The journal is there. */
  opened(journal: Journal): void {
    this.#journal = journal;
    for (const append of this.#early.splice(0)) append(journal);
  }
}
