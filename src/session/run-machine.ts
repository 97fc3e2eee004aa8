/**
 * One machine at work, whichever of the three: its effects are carried out, and what it receives is written down, so
 * that the pure machine walks the same way again (machines/analysis/replay.ts). Knows nothing of calls.
 *
 *   M1  What the machine receives is in the journal before it moves, in the order in which XState delivers it: an event,
 *       a limit that has passed, an effect that has settled. What is sent while it moves waits until it has moved.
 *   M2  The machine gets what the journal holds: JSON, so that a replay gets the same.
 *   M3  After each step its digest: on the `transition` if it is in other states, in a `step` if something else has
 *       changed, nowhere if nothing has.
 *   M4  An effect that settles after the machine went on is `late`, and changes nothing.
 *   M5  Effects run in the async context in which the run was made, whoever sent the event. A tool that ends the call
 *       sends from its own, in which the SDK refuses to wait for the tool's speech.
 */
import { AsyncResource } from 'node:async_hooks';
import {
  createActor,
  fromPromise,
  type AnyActorRef,
  type AnyEventObject,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  type InspectionEvent,
  type SnapshotFrom,
} from 'xstate';
import { digester, leavesOf, limitIn, limitTrigger, ownName, pathOfState, START } from '../../machines/index.ts';
import { isA, messageOf } from '../errors/thrown.ts';
import type { EntryData, EntryKind, Json, MachineName } from '../journal/entry.ts';
import { toJson } from '../journal/json.ts';
import { LeftError, stopwatch } from '../waiting/deadline.ts';
import { build } from './machines-build.ts';
import type { Clock } from './ports.ts';
import { Repeats } from './repeats.ts';

/** Of what a machine receives: less than the journal cuts, so that it is cut once (M2). */
const RECEIVED_CHARACTERS = 32 * 1024;

type Note = <Kind extends EntryKind>(kind: Kind, data: EntryData[Kind]) => unknown;
/** By name, all of them. */
type Acts<Event> = Record<string, Act<Event>>;
type Act<Event> = (asked: never, port: { signal: AbortSignal; send: (event: Event) => void }) => Promise<unknown>;

export type MachineOptions<Chart extends AnyStateMachine> = {
  machine: MachineName;
  chart: Chart;
  input: object;
  note: Note;
  clock?: Clock | undefined;
  /** Only what a replay needs is written: of effects how they went, and what repeats without end is counted. */
  isTerse?: boolean;
  /** More for the entries of an effect that is asked for this. */
  aside?: (asked: unknown) => object;
  onFailedEffect?: (name: string, asked: unknown, error: unknown) => void;
  /** After each step, before it is written; for its transition, if it is one. */
  onStep?: (before: string[], snapshot: SnapshotFrom<Chart>) => Pick<EntryData['transition'], 'end'> | undefined;
  /** In other states than before, and that is written. */
  onStates?: ((leaves: string[]) => void) | undefined;
  onDone: (snapshot: SnapshotFrom<Chart>) => void;
  /** The machine itself has failed: a bug of ours. */
  onFailed: (error: unknown) => void;
  /** What may never throw has thrown. */
  onTrouble: (error: unknown) => void;
};

export type MachineRun<Chart extends AnyStateMachine, Event> = {
  start(effects: Acts<Event>): void;
  /** Takes no event any more. */
  leave(): void;
  stop(): void;
  /** Never throws; ignored by a machine that is over. */
  send(event: Event): void;
  leaves(): string[];
  snapshot(): SnapshotFrom<Chart>;
};

/** Nothing happens before `start()`. */
export function runMachine<Chart extends AnyStateMachine, Event extends AnyEventObject>(
  options: MachineOptions<Chart>,
): MachineRun<Chart, Event> {
  const { machine, chart, note, isTerse = false } = options;
  /** What is delivered of an effect that has settled, by its actor. */
  const outcomes = new WeakMap<object, Pick<EntryData['effect'], 'id' | 'name' | 'ms' | 'line' | 'rung'>>();
  const delivered = new WeakSet<object>();
  /** Sent before it began, or while it moved. */
  const waiting: Event[] = [];
  const repeats = new Repeats(isTerse);
  const digestOf = digester();
  let effectCount = 0;
  let states: string[] = [];
  let digest = '';
  let trigger = START;
  let isMoving = false;
  let isMade = false;
  let isBegun = false;
  let isDeaf = false;
  const scope = new AbortController();
  const asyncContext = new AsyncResource('LastwordMachine');

  let effects: Acts<Event> = {};

  const provide = (name: string) =>
    fromPromise<unknown, unknown>(async ({ input: asked, self, signal }) => {
      const id = `${name}#${(effectCount += 1)}`;
      const elapsed = stopwatch();
      const aside = { id, name, ...options.aside?.(asked) };
      const state = stateAwaiting(self);
      const say = (phase: EntryData['effect']['phase'], more: object = {}) => {
        if (!isTerse) note('effect', { machine, ...aside, phase, ...more });
      };
      say('requested', { state });
      let isLeft = false;
      let outcome: object | undefined;
      const both = AbortSignal.any([signal, scope.signal]);
      both.addEventListener('abort', () => {
        if (isLeft || delivered.has(self)) return;
        isLeft = true;
        say('aborted', { ms: elapsed() });
        if (outcome) say('late', outcome); // it had settled, and the machine never saw it
      });
      const settled = (more: object) => {
        outcome = { ms: elapsed(), ...more };
        outcomes.set(self, { ...aside, ...outcome });
        if (isLeft) say('late', outcome);
      };
      try {
        const act = effects[name] as Act<Event>;
        const output = await act(asked as never, { signal: both, send });
        const plain = output === undefined ? output : toJson(output, RECEIVED_CHARACTERS); // M2
        settled(plain === undefined ? {} : { output: plain });
        return plain;
      } catch (error) {
        if (!(isLeft && isA(error, LeftError))) settled({ error: messageOf(error) });
        if (!isLeft) options.onFailedEffect?.(name, asked, error);
        throw error;
      }
    });

  const actors = Object.fromEntries(Object.keys(chart.implementations.actors).map((name) => [name, provide(name)]));
  const input = toJson(options.input) as object;
  const actor = createActor(chart.provide({ actors } as never) as AnyStateMachine, {
    input,
    inspect,
    ...(options.clock && { clock: options.clock as never }),
  });
  isMade = true;
  const snapshotNow = () => actor.getSnapshot() as AnyMachineSnapshot;
  const stateAwaiting = ({ id }: AnyActorRef): string => {
    const node = snapshotNow()._nodes.find(({ invoke }) => invoke.some((each) => each.id === id));
    return node ? pathOfState(node) : '';
  };

  /** M1. */
  function received(event: AnyEventObject, source: AnyActorRef | undefined): void {
    const write = <Kind extends EntryKind>(kind: Kind, data: EntryData[Kind], key = JSON.stringify(data)) => {
      const again = repeats.take(`${kind} ${key}`, digest);
      if (again) note('again', { machine, ...again, digest });
      if (!repeats.isCounting) note(kind, data);
    };
    if (!isBegun) {
      isBegun = true;
      trigger = START;
      return write('machine.began', { machine, build, input: input as Json });
    }
    if (source === undefined) {
      trigger = event.type;
      const data = event as unknown as EntryData['event'];
      return write('event', machine === 'session' ? data : { ...data, machine });
    }
    if (source === actor) {
      const passed = limitIn(actor.logic as AnyStateMachine, event.type);
      trigger = limitTrigger(passed);
      return write('limit', { machine, ...passed });
    }
    delivered.add(source);
    const outcome = outcomes.get(source) ?? { id: source.id, name: source.id };
    const phase = ownName(event.type)?.kind === 'done.actor' ? 'settled' : 'failed';
    trigger = `${outcome.name} ${phase === 'settled' ? 'done' : 'failed'}`;
    const { id: _, ms: __, ...lasting } = outcome;
    const data = { machine, phase, state: stateAwaiting(source) } as const;
    write('effect', { ...data, ...outcome }, JSON.stringify({ ...data, ...lasting }));
  }

  /** M3. */
  function moved(snapshot: AnyMachineSnapshot): void {
    const before = states;
    states = leavesOf(snapshot.value);
    const aside = options.onStep?.(before, snapshot as SnapshotFrom<Chart>);
    const now = digestOf(actor, snapshot);
    const hasChanged = now !== digest;
    digest = now;
    const isElsewhere = states.join() !== before.join();
    if (!repeats.isCounting && isElsewhere)
      note('transition', { machine, from: before, to: states, event: trigger, digest, ...aside });
    else if (!repeats.isCounting && hasChanged) note('step', { machine, digest });
    if (isElsewhere) options.onStates?.(states);
  }

  function inspect(seen: InspectionEvent): void {
    if (!isMade) return; // XState tells of an actor while it makes it; nothing is received then
    // An observer that throws makes `send` throw and loses the event, so this one may not.
    try {
      if (seen.actorRef !== actor) return;
      if (seen.type === '@xstate.event' && (!isBegun || snapshotNow().status === 'active')) {
        isMoving = true;
        received(seen.event, seen.sourceRef as AnyActorRef | undefined);
      }
      if (seen.type !== '@xstate.snapshot' || seen.event.type === 'xstate.stop') return;
      const snapshot = seen.snapshot as AnyMachineSnapshot;
      moved(snapshot);
      isMoving = false;
      if (snapshot.status === 'done') {
        scope.abort();
        options.onDone(snapshot as SnapshotFrom<Chart>);
      }
      const next = waiting.shift();
      if (next) actor.send(next);
    } catch (error) {
      options.onTrouble(error);
    }
  }

  function send(event: Event): void {
    if (isDeaf || (isBegun && snapshotNow().status !== 'active')) return;
    try {
      const plain = toJson(event, RECEIVED_CHARACTERS) as unknown as Event; // M2
      if (isMoving || !isBegun) waiting.push(plain);
      else asyncContext.runInAsyncScope(() => actor.send(plain)); // M5
    } catch (error) {
      options.onTrouble(error);
    }
  }

  actor.subscribe({
    error: (error) => {
      scope.abort(); // XState would leave them as they are
      options.onFailed(error);
    },
  });
  return {
    start: (given) => {
      effects = given;
      asyncContext.runInAsyncScope(() => actor.start()); // M5
    },
    leave: () => void (isDeaf = true),
    stop: () => {
      const again = repeats.rest();
      if (again) note('again', { machine, ...again, digest });
      scope.abort();
      actor.stop();
    },
    send,
    leaves: () => states,
    snapshot: () => actor.getSnapshot() as SnapshotFrom<Chart>,
  };
}
