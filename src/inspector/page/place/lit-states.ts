/**
 * What is lit: of each machine where it was written to be last, whoever said so first. An answer may be older than what the
 * stream has brought meanwhile, and a page of the stream older than an answer; neither leads back. *Pure.*
 */
import type { Moves, Reference, StateAt } from '../../../reads/answers.ts';
import type { SessionNews } from '../answers/page-answers.ts';
import { countBelow } from './steps-between.ts';

export type LitMachine = { machine: string; states: string[]; ref: Reference | null };
export type Lit = { machines: ReadonlyMap<string, LitMachine>; moved: StateAt['moved'] };

/** Epochs follow each other, and the keeper's machines run after those of a job. */
const rankOf = (ref: Reference | null): [file: number, seq: number] => {
  if (ref === null) return [0, 0];
  const [file = '', seq = ''] = ref.split(':');
  return [file === 'keeper' ? Infinity : Number(file), Number(seq)];
};
const isLater = (one: Reference | null, other: Reference | null): boolean => {
  const [[file, seq], [otherFile, otherSeq]] = [rankOf(one), rankOf(other)];
  return file === otherFile ? seq > otherSeq : file > otherFile;
};

/** All that the stream has said, with a page more. */
export function litWith(before: Lit | undefined, { states, moved }: Pick<SessionNews, 'states' | 'moved'>): Lit {
  const machines = new Map(before?.machines);
  for (const state of states) {
    const known = machines.get(state.machine);
    if (known === undefined || isLater(state.ref, known.ref)) machines.set(state.machine, state);
  }
  return { machines, moved: moved ?? before?.moved ?? null };
}

/** Where its machines had been written to be at an entry; undefined: nothing was, up to there. */
export function litAt({ states, moves }: Pick<Moves, 'states' | 'moves'>, index: number): Lit | undefined {
  const namesOf = (places: readonly number[]) => places.flatMap((place) => states[place] ?? []);
  const machines = new Map<string, LitMachine>();
  let moved: StateAt['moved'] = null;
  for (let place = countBelow(moves, index + 1) - 1; place >= 0; place -= 1) {
    const { machine, ref, event, from, to } = moves[place] as Moves['moves'][number];
    // One that was replaced may write for a moment beside the next: the later process is the one that counts.
    const known = machines.get(machine);
    if (!known || isLater(ref, known.ref)) machines.set(machine, { machine, ref, states: namesOf(to) });
    // Supervision runs beside the call, and is not drawn in its chart (reads/state.ts).
    if (moved === null && machine !== 'supervision') moved = { machine, from: namesOf(from), to: namesOf(to), event };
  }
  return machines.size === 0 ? undefined : { machines, moved };
}

/** Where the call is now: the exact state, and what the stream has said behind it. */
export function litNow(exact: Pick<StateAt, 'machines' | 'moved'> | undefined, told: Lit | undefined): Lit {
  const machines = new Map<string, LitMachine>((exact?.machines ?? []).map((each) => [each.machine, each]));
  for (const [machine, state] of told?.machines ?? [])
    if (!machines.has(machine) || isLater(state.ref, machines.get(machine)?.ref ?? null)) machines.set(machine, state);
  const moved = told?.moved ?? null;
  const isLast = moved !== null && machines.get(moved.machine) === told?.machines.get(moved.machine);
  return { machines, moved: isLast ? moved : (exact?.moved ?? null) };
}
