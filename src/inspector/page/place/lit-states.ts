/**
 * What is lit: of each machine where it was written to be last, whoever said so first. An answer may be older than what the
 * stream has brought meanwhile, and a page of the stream older than an answer; neither leads back. *Pure.*
 */
import type { Reference, StateAt } from '../../../reads/answers.ts';
import type { SessionNews } from '../answers/page-answers.ts';

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

/** Where the call is now: the exact state, and what the stream has said behind it. */
export function litNow(exact: Pick<StateAt, 'machines' | 'moved'> | undefined, told: Lit | undefined): Lit {
  const machines = new Map<string, LitMachine>((exact?.machines ?? []).map((each) => [each.machine, each]));
  for (const [machine, state] of told?.machines ?? [])
    if (!machines.has(machine) || isLater(state.ref, machines.get(machine)?.ref ?? null)) machines.set(machine, state);
  const moved = told?.moved ?? null;
  const isLast = moved !== null && machines.get(moved.machine) === told?.machines.get(moved.machine);
  return { machines, moved: isLast ? moved : (exact?.moved ?? null) };
}
