/**
 * A journal walked again: the same machine, its input, and what it received, in order. Pure: its effects do nothing, for
 * nobody has provided them, and settle when the journal says so; so do its timers fire.
 *
 *   P1  What it received decides alone: `machine.began`, `event`, `limit`, `effect` (settled, failed), `again`. Its states and
 *       digests are never read for it, so that they can be compared with those that come out.
 *   P2  Another build of `machines/` may walk another way: it is not replayed, and says so. What is recorded stays true.
 *   P3  A hole in the journal ends the replay: behind it nobody knows where the machine is.
 *   P4  A walk may be looked at after each step, and goes on when its file has grown: nobody walks it a second time.
 */
import { createActor, fromPromise, type AnyActorRef, type AnyMachineSnapshot, type AnyStateMachine } from 'xstate';
import { recoveryMachine } from '../recovery.machine.ts';
import { sessionMachine } from '../session.machine.ts';
import { supervisionMachine } from '../supervision.machine.ts';
import { armedIn, digester } from './digest.ts';
import { leavesOf, limitEvent, limitIn, nodeAt, pathOfState, type PassedLimit } from './words.ts';

const machines: Record<string, AnyStateMachine> = {
  session: sessionMachine,
  recovery: recoveryMachine,
  supervision: supervisionMachine,
};

/** An entry of one file, as far as the replay reads it. */
export type ReplayEntry = { seq: number; kind: string; data: unknown };

/** Where a machine was after it had received the entry `seq`. */
export type ReplayStep = { seq: number; states: string[]; digest: string };

export type Replay = {
  machine: string;
  /** Of the entry that began this run. */
  seq: number;
  steps: ReplayStep[];
  /** Why it was not replayed, or no further; undefined: to the last entry. */
  refused?: Refusal;
};
export type Refusal = {
  /** Number of the entry at which it ends. */
  seq: number;
  /** `impossible`: this machine could not have received that. */
  kind: 'another-build' | 'incomplete' | 'failed' | 'impossible';
  why: string;
};

/** P4. A machine as it was after a step; what did not change since the step before is the same object. */
export type SeenStep = Omit<ReplayStep, 'digest'> & {
  machine: string;
  /** Of the entry that began this run. */
  began: number;
  context: unknown;
  /** `seq`: of the entry that armed it. */
  armed: readonly (PassedLimit & { ms: number; seq: number })[];
  /** `seq`: of the entry that led to its being asked for. */
  awaited: readonly { name: string; state: string; seq: number }[];
};

export type Replayer = {
  /** The next entry of the file. Never throws. */
  take(entry: ReplayEntry): void;
  readonly walks: readonly Replay[];
  /** Nothing more comes: what is kept for going on is let go. */
  stop(): void;
};

type Data = Record<string, unknown>;
const dataOf = (data: unknown): Data => (typeof data === 'object' && data !== null ? (data as Data) : {});
const nameOf = (data: Data): string => (typeof data['machine'] === 'string' ? data['machine'] : 'session');

/** *Pure.* Each run of a machine that one file holds, walked again. Never throws. @param build of these machines */
export function replay(entries: readonly ReplayEntry[], build: string): Replay[] {
  const replayer = replayerOf(build);
  for (const entry of entries) replayer.take(entry);
  replayer.stop();
  return [...replayer.walks];
}

/**
 * *Pure.* The same entry by entry, with a look at each step (P4). Who looks gets no digests, which cost as much as the
 * steps: `steps` stays empty.
 *
 * @param build of these machines
 */
export function replayerOf(build: string, onStep?: (seen: SeenStep) => void): Replayer {
  const walks: Walk[] = [];
  const open = new Map<string, Walk>();
  let last = 0;
  return {
    take({ seq, kind, data: raw }) {
      const data = dataOf(raw);
      if (seq !== last + 1)
        for (const walk of open.values()) walk.refuse('incomplete', `entries are missing before ${seq}`, seq); // P3
      last = seq;
      if (kind === 'machine.began') {
        const walk = begin(seq, data, build, onStep);
        walks.push(walk);
        open.set(nameOf(data), walk);
      } else if (isReceived(kind, data)) open.get(nameOf(data))?.take(seq, kind, data);
    },
    get walks() {
      return walks.map((walk) => walk.replay);
    },
    stop() {
      for (const walk of walks) walk.stop();
    },
  };
}

/** *Pure.* Does a machine receive this? */
const isReceived = (kind: string, { phase }: Data): boolean =>
  kind === 'event' ||
  kind === 'limit' ||
  kind === 'again' ||
  (kind === 'effect' && (phase === 'settled' || phase === 'failed'));

/** *Pure.* Where the digests that a file holds are not those of its replay: one line for each run, for people. */
export function differences(entries: readonly ReplayEntry[], replayed: readonly Replay[]): string[] {
  const told = digestsIn(entries);
  return replayed.flatMap(({ machine, steps, refused }) => {
    let before = '';
    for (const [index, { seq, states, digest }] of steps.entries()) {
      const wrote = told.get(machine)?.get(seq);
      // The last step of a process that died may have been taken and not written.
      const isLost = wrote === undefined && index === steps.length - 1;
      if (!isLost && (wrote ?? before) !== digest)
        return [`${machine}, entry ${seq}: expected ${wrote ?? before}, got ${digest} in ${states.join(' + ')}`];
      before = digest;
    }
    return refused?.kind === 'impossible' ? [`${machine}: ${refused.why}`] : [];
  });
}

/** For each machine: what its digest was after it had received the entry with that number. Unchanged ones are not written. */
function digestsIn(entries: readonly ReplayEntry[]): Map<string, Map<number, string>> {
  const told = new Map<string, Map<number, string>>();
  const received = new Map<string, number>();
  for (const { seq, kind, data: raw } of entries) {
    const data = dataOf(raw);
    const machine = nameOf(data);
    if (kind === 'machine.began' || isReceived(kind, data)) received.set(machine, seq);
    if (!['transition', 'step', 'again'].includes(kind) || typeof data['digest'] !== 'string') continue;
    if (!told.has(machine)) told.set(machine, new Map());
    told.get(machine)?.set(received.get(machine) ?? 0, data['digest']);
  }
  return told;
}

type Walk = {
  replay: Replay;
  take(seq: number, kind: string, data: Data): void;
  refuse(kind: Refusal['kind'], why: string, at?: number): void;
  stop(): void;
};

const clock = { setTimeout: () => 0, clearTimeout: () => undefined };

/** Effects that do nothing, and settle when the journal says so. */
const still = (chart: AnyStateMachine): AnyStateMachine => {
  const names = Object.keys(chart.implementations.actors);
  const actors = Object.fromEntries(names.map((name) => [name, fromPromise(() => new Promise(() => undefined))]));
  return chart.provide({ actors } as never) as AnyStateMachine;
};

function begin(
  seq: number,
  { machine, build: of, input }: Data,
  build: string,
  onStep?: (seen: SeenStep) => void,
): Walk {
  const name = String(machine);
  const done: Replay = { machine: name, seq, steps: [] };
  /** The entry that is being received. */
  let receivedAt = seq;
  const refuse: Walk['refuse'] = (kind, why, at = receivedAt) => void (done.refused ??= { seq: at, kind, why });
  const chart = machines[name];
  if (of !== build)
    refuse('another-build', `another build of the machines wrote it: ${String(of)}, and this one is ${build}`); // P2
  if (!chart) refuse('impossible', `there is no machine "${name}"`);
  if (!chart || of !== build) return { replay: done, take: () => undefined, refuse, stop: () => undefined };

  const actor = createActor(still(chart), { input, clock: clock as never });
  actor.subscribe({ error: (error) => refuse('failed', `the machine fails: ${String(error)}`) });
  const digest = digester();
  const look = onStep && looker(actor, chart);
  const step = (at: number) => {
    const snapshot = actor.getSnapshot() as AnyMachineSnapshot;
    const states = leavesOf(snapshot.value);
    if (onStep && look) onStep({ machine: name, began: seq, seq: at, states, ...look(at, snapshot) });
    else done.steps.push({ seq: at, states, digest: digest(actor, snapshot) });
  };
  /** What it received last, for `again`. */
  const received: (() => string | undefined)[] = [];

  const deliver = (kind: string, data: Data): (() => string | undefined) => {
    if (kind === 'event') {
      const { machine: _, ...event } = data;
      return () => {
        actor.send(event as { type: string });
        return undefined;
      };
    }
    if (kind === 'limit') return () => passLimit(actor, chart, data);
    return () => settle(actor, chart, data);
  };
  const take = (at: number, kind: string, data: Data) => {
    if (done.refused !== undefined || actor.getSnapshot().status !== 'active') return;
    receivedAt = at;
    const turns = kind === 'again' ? repeated(received, data as Again) : [deliver(kind, data)];
    for (const turn of turns) {
      const problem = turn ? attempted(turn) : 'nothing came before it';
      if (problem !== undefined) return refuse('impossible', `entry ${at}: ${problem}`);
    }
    if (kind !== 'again') received.push(...turns.flatMap((turn) => turn ?? []));
    step(at);
  };
  actor.start();
  step(seq);
  return { replay: done, take, refuse, stop: () => void actor.stop() };
}

/**
 * P4. Remembers since when each limit is armed and each effect awaited: a limit that is armed anew is another object. Lists
 * in which nothing has changed are the lists of the step before.
 */
const looker = (actor: AnyActorRef, chart: AnyStateMachine) => {
  const armed = sameAsBefore<ReturnType<typeof armedIn>[number], SeenStep['armed'][number]>();
  const awaited = sameAsBefore<AnyActorRef, SeenStep['awaited'][number]>();
  return (
    seq: number,
    { context, children, _nodes }: AnyMachineSnapshot,
  ): Pick<SeenStep, 'context' | 'armed' | 'awaited'> => ({
    context,
    armed: armed(armedIn(actor), ({ event, delay }) => ({ ...limitIn(chart, event.type), ms: delay, seq })),
    awaited: awaited(
      Object.values(children as Record<string, AnyActorRef>).filter((child) => child.getSnapshot().status === 'active'),
      (child) => {
        const node = _nodes.find(({ invoke }) => invoke.some(({ id }) => id === child.id));
        return { name: typeof child.src === 'string' ? child.src : '', state: node ? pathOfState(node) : '', seq };
      },
    ),
  });
};

/** What was made of each of these in the step before is not made again. */
const sameAsBefore = <Of, Value>() => {
  let [of, values]: [readonly Of[], readonly Value[]] = [[], []];
  return (now: readonly Of[], make: (one: Of) => Value): readonly Value[] => {
    if (now.length === of.length && now.every((one, index) => one === of[index])) return values;
    const before = [of, values] as const;
    values = now.map((one) => before[1][before[0].indexOf(one)] ?? make(one));
    of = now;
    return values;
  };
};

/** A file may hold anything at all. */
const attempted = (turn: () => string | undefined): string | undefined => {
  try {
    return turn();
  } catch (error) {
    return `it cannot be received: ${String(error)}`;
  }
};

type Again = { of: number; times: number };
/** Longer turns are not written by anybody: a file that says so would be walked for ever. */
const LONGEST_TURN = 64;
/** A whole turn of what repeats leads nowhere, so one of them is enough. */
const repeated = <Turn>(received: readonly Turn[], { of, times }: Again): (Turn | undefined)[] => {
  if (!(of >= 1 && of <= LONGEST_TURN)) return [undefined];
  return Array.from({ length: Math.min(times, of + (times % of)) }, (_, index) => received.at(-of + (index % of)));
};

const passLimit = (actor: AnyActorRef, chart: AnyStateMachine, data: Data): string | undefined => {
  const { limit, state } = data as PassedLimit;
  const type = limitEvent(chart, { limit, state });
  const armed = armedIn(actor).find(({ event }) => event.type === type);
  if (!armed) return `the limit ${limit} of "${state}" is not armed`;
  actor.system.scheduler.cancel(actor, armed.id);
  actor.send(armed.event);
};

const settle = (actor: AnyActorRef, chart: AnyStateMachine, data: Data): string | undefined => {
  const id = nodeAt(chart, String(data['state']))?.invoke[0]?.id;
  const child = (actor.getSnapshot() as { children: Record<string, AnyActorRef> }).children[id ?? ''];
  if (child?.getSnapshot().status !== 'active') return `the effect ${String(data['name'])} is not awaited`;
  child.send(
    data['phase'] === 'settled'
      ? { type: 'xstate.promise.resolve', data: data['output'] }
      : { type: 'xstate.promise.reject', data: new Error(String(data['error'])) },
  );
};
