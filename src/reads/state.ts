/**
 * Where the machines of a call were at an entry: states, context, armed limits, what was awaited. Replayed: the pure machine
 * has received again what it received then, and nothing was executed. What another build of the machines wrote is not
 * replayed: then the states are those that were recorded, and it says why.
 */
import type { SeenStep } from '../../machines/index.ts';
import { oneLine } from '../output/for-people.ts';
import type { JournalName } from '../journal/folder.ts';
import { whenOf } from '../report/clock.ts';
import { recordOf, textOf, textsOf } from '../report/lenient.ts';
import type { MachineAt, Reference, StateAt } from './answers.ts';
import { cutJson } from './cut-json.ts';
import { countUpTo, lastSeqAt, placeAsked } from './places.ts';
import type { Asked } from './questions.ts';
import { runsOf, seenAt, type Run } from './runs.ts';
import { saidUpTo } from './said.ts';
import { refOf, type SessionRead } from './session-read.ts';
import type { Source } from './source.ts';
import { stateName } from './timeline.ts';

/** *Effect.* @throws ReadError, JournalError */
export async function readState(source: Source, asked: Asked<'state'>): Promise<StateAt> {
  const read = await source.session(asked.session);
  const placed = placeAsked(read, asked);
  if (!placed) return { session: read.session, index: 0, ref: null, at: 0, moved: null, machines: [], transcript: [] };
  return stateAt(read, placed.index, asked.walks);
}

function stateAt(read: SessionRead, index: number, walks: boolean): StateAt {
  const placed = read.all[index];
  return {
    session: read.session,
    index,
    ref: placed ? refOf(placed) : null,
    at: placed ? whenOf(placed.entry) : 0,
    moved: movedBy(read, index),
    machines: walks ? machinesAt(read, index) : machinesWritten(read, index),
    transcript: saidUpTo(read, index),
  };
}

type Recorded = {
  index: number;
  machine: string;
  file: JournalName;
  ref: Reference;
  from: string[];
  to: string[];
  event: string;
};

/** Each transition that was written, of any machine. */
export const transitionsIn = (read: SessionRead): Recorded[] =>
  read.kept('recorded', () =>
    read.all.flatMap((placed) => {
      const { index, file, entry } = placed;
      if (entry.kind !== 'transition') return [];
      const { machine, from, to, event } = recordOf(entry.data);
      const name = textOf(machine) ?? 'session';
      const told = oneLine(textOf(event) ?? '');
      return [{ index, file, ref: refOf(placed), machine: name, from: textsOf(from), to: textsOf(to), event: told }];
    }),
  );

const recordedUpTo = (read: SessionRead, index: number): Recorded[] => {
  const all = transitionsIn(read);
  const indexes = read.kept('recorded indexes', () => all.map(({ index: at }) => at));
  return all.slice(0, countUpTo(indexes, index));
};

/** The transition that led here last. Supervision runs beside the call, and is not drawn in its chart. */
function movedBy(read: SessionRead, index: number): StateAt['moved'] {
  const last = recordedUpTo(read, index).findLast(({ machine }) => machine !== 'supervision');
  return last ? { machine: last.machine, from: last.from, to: last.to, event: last.event } : null;
}

/** Of each machine what it has written last: nothing is walked for it. */
export function machinesWritten(read: SessionRead, index: number): MachineAt[] {
  const last = new Map(recordedUpTo(read, index).map((recorded) => [recorded.machine, recorded]));
  return inOrder([...last.values()].map((recorded) => ({ ...ofRecord(recorded, ''), refused: null })));
}

const inOrder = (machines: MachineAt[]): MachineAt[] =>
  machines.sort((one, other) => (one.machine < other.machine ? 1 : -1));

/** Of each machine the run that began last. */
function machinesAt(read: SessionRead, index: number): MachineAt[] {
  const found = new Map<string, { began: number; at: MachineAt }>();
  const put = (began: number, at: MachineAt) => {
    const before = found.get(at.machine);
    if (!before || before.began <= began) found.set(at.machine, { began, at });
  };
  for (const run of runsOf(read)) {
    const began = read.indexOf(`${run.file}:${run.began}` as Reference);
    if (began !== undefined && began <= index) put(began, ofRun(read, run, index));
  }
  // A journal that does not say how its machine began: only what was recorded is known.
  const known = new Set(runsOf(read).map(({ machine, file }) => `${file} ${machine}`));
  for (const recorded of recordedUpTo(read, index)) {
    if (known.has(`${recorded.file} ${recorded.machine}`)) continue;
    put(recorded.index, ofRecord(recorded, 'the journal does not say how this machine began'));
  }
  return inOrder([...found.values()].map(({ at }) => at));
}

function ofRun(read: SessionRead, run: Run, index: number): MachineAt {
  const seq = lastSeqAt(read, run.file, index);
  const seen = seenAt(run, seq);
  const isBehind = run.refused !== undefined && seq >= run.refused.seq;
  const told = recordedUpTo(read, index).findLast(({ file, machine }) => file === run.file && machine === run.machine);
  const ref = told?.ref ?? null;
  if (seen && !isBehind) return { ...ofSeen(read, run, seen), ref };
  const why = run.refused?.why ?? 'it was not walked';
  if (told) return ofRecord(told, why);
  return seen ? { ...ofSeen(read, run, seen), ref, refused: why } : emptyAt(run.machine, run.file, why);
}

function ofSeen(read: SessionRead, { file, machine }: Run, seen: SeenStep): Omit<MachineAt, 'ref'> {
  const timeOf = (seq: number): number => read.timeOf(file, seq);
  return {
    machine,
    file: String(file),
    states: seen.states,
    words: wordsOf(machine, seen.states),
    context: cutJson(seen.context).value,
    limits: seen.armed
      .map(({ limit, state: of, ms, seq }) => ({
        machine,
        limit,
        state: of,
        ms,
        armedAt: timeOf(seq),
        dueAt: timeOf(seq) + ms,
      }))
      .sort((one, other) => one.dueAt - other.dueAt),
    effects: seen.awaited.map(({ name, state: of, seq }) => ({ name, state: of, since: timeOf(seq) })),
    source: 'replayed',
    refused: null,
  };
}

const ofRecord = ({ machine, file, ref, to }: Recorded, why: string): MachineAt => ({
  ...emptyAt(machine, file, why),
  ref,
  states: to,
  words: wordsOf(machine, to),
});

const emptyAt = (machine: string, file: JournalName, why: string): MachineAt => ({
  machine,
  file: String(file),
  ref: null,
  states: [],
  words: '',
  context: null,
  limits: [],
  effects: [],
  source: 'recorded',
  refused: oneLine(why).slice(0, 500),
});

const wordsOf = (machine: string, states: readonly string[]): string =>
  machine === 'session' ? stateName(states) : states.join(' + ');
