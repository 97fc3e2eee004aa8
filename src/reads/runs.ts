/**
 * The machines of a session, walked again from what they received (machines/analysis/replay.ts). Nothing is executed. Each
 * entry is walked once: a file that has grown goes on where it was, and what was seen at each step is kept, so that going
 * back and forth in a call costs a search.
 */
import { replayerOf, type Refusal, type Replayer, type SeenStep } from '../../machines/index.ts';
import type { JournalName } from '../journal/folder.ts';
import { build } from '../session/machines-build.ts';
import type { SessionRead } from './session-read.ts';

/** One run of a machine. */
export type Run = {
  machine: string;
  file: JournalName;
  /** Number of the entry that began it. */
  began: number;
  /** After each step, in order. */
  seen: SeenStep[];
  refused: Refusal | undefined;
};

class FileRuns {
  readonly generation: number;
  readonly #replayer: Replayer;
  readonly #seen = new Map<number, SeenStep[]>();
  #taken = 0;

  constructor(generation: number) {
    this.generation = generation;
    this.#replayer = replayerOf(build, (seen) => {
      const before = this.#seen.get(seen.began);
      if (before) before.push(seen);
      else this.#seen.set(seen.began, [seen]);
    });
  }

  runs(file: JournalName, entries: readonly { seq: number; kind: string; data: unknown }[]): Run[] {
    for (; this.#taken < entries.length; this.#taken += 1) {
      const entry = entries[this.#taken];
      if (entry) this.#replayer.take(entry);
    }
    return this.#replayer.walks.map(({ machine, seq, refused }) => ({
      machine,
      file,
      began: seq,
      seen: this.#seen.get(seq) ?? [],
      refused,
    }));
  }
}

/** All runs, file by file. */
export const runsOf = (read: SessionRead): Run[] =>
  read.kept('runs', () => {
    const known = read.lasting('runs', () => new Map<JournalName, FileRuns>());
    return read.files.flatMap(({ name, entries, generation }) => {
      let runs = known.get(name);
      if (runs?.generation !== generation) known.set(name, (runs = new FileRuns(generation)));
      return runs.runs(name, entries);
    });
  });

/** *Pure.* What was seen last, up to that number. */
export const seenAt = ({ seen }: Run, seq: number): SeenStep | undefined => {
  let [low, high] = [0, seen.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((seen[middle]?.seq ?? Infinity) <= seq) low = middle + 1;
    else high = middle;
  }
  return seen[low - 1];
};
