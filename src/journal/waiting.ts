/**
 * Last values that wait to be written: of what was held back, only the newest counts. Pure, and bounded itself: what a
 * thousand strangers set is not kept in memory either.
 */
import type { Draft } from './budget.ts';
import { lineBytes } from './line-bytes.ts';
import { rules, WAITING_BYTES } from './shares.ts';

type Kept = { draft: Draft; bytes: number; isCallers: boolean };

export class Waiting {
  readonly #kept = new Map<string, Kept>();
  /** Of everybody but the caller, who has room of their own: one value of each sort. */
  #bytes = 0;

  has(name: string): boolean {
    return this.#kept.has(name);
  }

  /** `name`: what it is the last value of. One for which there is no room is given up, and so is the one before it. */
  keep(name: string, draft: Draft, isCallers: boolean): void {
    this.drop(name);
    const bytes = lineBytes(draft.data);
    if (!isCallers && this.#bytes + bytes > WAITING_BYTES) return;
    this.#kept.set(name, { draft, bytes, isCallers });
    if (!isCallers) this.#bytes += bytes;
  }

  /** A change names only what changed, so what waits already is part of the last value. */
  keepAttributes(identity: string, changed: Record<string, string>, isCallers: boolean): void {
    const name = `attributes ${identity}`;
    const before = this.#kept.get(name)?.draft;
    const known = before?.kind === 'participant' ? before.data.attributes : {};
    const attributes = newestOf({ ...known }, changed);
    this.keep(name, { kind: 'participant', data: { change: 'attributes', identity, attributes } }, isCallers);
  }

  drop(name: string): void {
    const kept = this.#kept.get(name);
    if (kept && !kept.isCallers) this.#bytes -= kept.bytes;
    this.#kept.delete(name);
  }

  /** Those that `pays` agrees to, oldest first; they wait no longer. */
  take(pays: (kept: { bytes: number; isCallers: boolean }) => boolean): Draft[] {
    return [...this.#kept].flatMap(([name, kept]) => {
      if (!pays(kept)) return [];
      this.drop(name);
      return kept.draft;
    });
  }
}

/** Names that come and go are names all the same: who sets a thousand new ones and deletes them keeps the last of them. */
const newestOf = (known: Record<string, string>, changed: Record<string, string>): Record<string, string> => {
  for (const name of Object.keys(changed)) delete known[name]; // what changed is the newest
  const kept: [string, string][] = [];
  let left = rules.participant.characters;
  for (const [name, value] of Object.entries({ ...known, ...changed }).toReversed()) {
    left -= name.length + value.length;
    if (left < 0) break;
    kept.push([name, value]);
  }
  return Object.fromEntries(kept.toReversed());
};
