/** What was withheld, counted: of what it was, and of whom where that can be told of so many. Pure. */
import type { EntryData } from './entry.ts';
import { lineBytes } from './line-bytes.ts';
import { COUNTED_BY_NAME, type Share } from './shares.ts';

type Withheld = EntryData['withheld'];

export class Counts {
  readonly #counts = new Map<string, Withheld>();
  readonly #unsaid = new Set<string>();

  /** One more entry, of so many bytes. */
  add(part: Share, bytes: number, identity?: string): void {
    const own = `${part} ${identity ?? ''}`;
    const isNamed = identity !== undefined && (this.#counts.has(own) || this.#counts.size < COUNTED_BY_NAME);
    const name = isNamed ? own : `${part} `;
    const before = this.#counts.get(name) ?? { part, ...(isNamed && { identity }), entries: 0, bytes: 0 };
    this.#counts.set(name, { ...before, entries: before.entries + 1, bytes: before.bytes + bytes });
    this.#unsaid.add(name);
  }

  /** Those that have changed since they were taken last, and that `pays` agrees to. */
  take(pays: (bytes: number) => boolean): Withheld[] {
    return [...this.#counts].flatMap(([name, count]) => {
      if (!this.#unsaid.has(name) || !pays(lineBytes(count))) return [];
      this.#unsaid.delete(name);
      return count;
    });
  }
}
