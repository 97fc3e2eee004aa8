/**
 * All entries of a call, in order and each once: those that were asked for, and those that the stream has brought since.
 *
 *   E1  An entry may stand earlier than what is here already (a keeper's, which was seen late): then those from there on
 *       are asked for again, and what lies before it stays.
 *   E2  What the stream brings while an answer is on its way may be missing in it: it is asked for behind it.
 */
import { batch, signal, type Signal } from '@preact/signals';
import type { Entries, EntryRow } from '../../../reads/answers.ts';

const PAGE_ROWS = 5_000;
const MOST_ROWS = 100_000;

export class AllEntries {
  readonly rows: Signal<readonly EntryRow[]> = signal([]);
  /** What the last answer said beside its rows. */
  readonly last: Signal<Entries | undefined> = signal(undefined);
  readonly problem: Signal<string | undefined> = signal(undefined);
  readonly #read: (asked: { from: number; limit: number }) => Promise<Entries>;
  /** The first that is missing; Infinity: none that is known of. */
  #missing = 0;
  #isLoading = false;
  #isClosed = false;

  constructor(read: (asked: { from: number; limit: number }) => Promise<Entries>) {
    this.#read = read;
  }

  close(): void {
    this.#isClosed = true;
  }

  get isIncomplete(): boolean {
    return this.#missing < Infinity;
  }

  /** Whatever is missing, and what is behind it. */
  async load(): Promise<void> {
    this.#missing = Math.min(this.#missing, this.rows.peek().length);
    if (this.#isLoading) return;
    this.#isLoading = true;
    let from = this.#missing;
    try {
      while (this.#missing < MOST_ROWS && !this.#isClosed) {
        from = this.#missing;
        this.#missing = Infinity;
        await this.#loadFrom(from);
      }
    } catch (error) {
      this.#missing = Math.min(this.#missing, from);
      if (!this.#isClosed) this.problem.value = error instanceof Error ? error.message : String(error);
    } finally {
      this.#isLoading = false;
    }
  }

  /** Page by page: the first one is shown while the next ones come. */
  async #loadFrom(begin: number): Promise<void> {
    const rows = this.rows.peek().slice(0, begin);
    for (let from: number | null = begin; from !== null && rows.length < MOST_ROWS;) {
      const page: Entries = await this.#read({ from, limit: PAGE_ROWS });
      if (this.#isClosed) return;
      rows.push(...page.rows);
      from = page.next;
      batch(() => {
        this.problem.value = undefined;
        this.last.value = page;
        if (page.rows.length > 0 && (from === null || rows.length >= this.rows.peek().length))
          this.rows.value = [...rows];
      });
    }
  }

  /** What the stream brought: shown at once where it goes on from what is here. */
  take(brought: readonly EntryRow[]): void {
    const known = this.rows.peek();
    const fresh = brought.filter(({ index, ref }) => known[index]?.ref !== ref);
    const first = fresh[0];
    if (first === undefined) return;
    const isNext = fresh.every(({ index }, place) => index === known.length + place);
    if (isNext) this.rows.value = [...known, ...fresh];
    if (!isNext || this.#isLoading) this.#missing = Math.min(this.#missing, ...fresh.map(({ index }) => index)); // E1, E2
  }
}
