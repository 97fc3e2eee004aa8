/**
 * Which entries of one file are kept in memory, so that no journal is too long for the process that reads it. Pure.
 *
 * What comes often and says little alone gives way first: it is strangers' data, or a repetition. What the report is
 * built on follows at half as much again; how the session began, moved and ended at twice as much, which is the ceiling.
 */
import type { Entry } from './entry.ts';

/** Of lines, for each file: ten entries a second, of the size of a sentence, for three hours. */
export const KEPT_BYTES = 64 * 1024 * 1024;
/** What an entry costs beside its text, so that half a million short ones are not cheap: an object, its keys, its place. */
const ENTRY_COST = 256;

type Rank = 'repeatable' | 'ordinary' | 'vital';
const shares: Record<Rank, number> = { repeatable: 1, ordinary: 1.5, vital: 2 };

const rankOf = ({ kind, data }: Entry): Rank => {
  const { change, key } = (typeof data === 'object' && data !== null ? data : {}) as Record<string, unknown>;
  switch (kind) {
    case 'transcript':
    case 'key':
    case 'latency':
    case 'log':
    case 'limit':
    case 'step':
    case 'request':
    case 'blob':
      return 'repeatable';
    case 'participant':
      return change === 'attributes' || change === 'metadata' ? 'repeatable' : 'ordinary';
    case 'room':
      return change === 'metadata' ? 'repeatable' : 'ordinary';
    case 'attach':
      return key === 'outcome' ? 'ordinary' : 'repeatable';
    case 'machine.began':
    case 'transition':
    case 'effect':
    case 'hangup':
      return 'vital';
    default:
      return /^(session|keeper)\./.test(kind) ? 'vital' : 'ordinary';
  }
};

export class KeptEntries {
  readonly entries: Entry[] = [];
  /** How many were not kept. */
  passedOver = 0;
  readonly #limit: number;
  #bytes = 0;

  /** @param limit in bytes of lines, default KEPT_BYTES */
  constructor(limit = KEPT_BYTES) {
    this.#limit = limit;
  }

  /** @param bytes of its line */
  take(entry: Entry, bytes: number): void {
    const after = this.#bytes + bytes + ENTRY_COST;
    if (after > this.#limit * shares[rankOf(entry)]) {
      this.passedOver += 1;
      return;
    }
    this.#bytes = after;
    this.entries.push(entry);
  }
}
