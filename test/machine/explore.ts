/**
 * Every state of a machine × every event × every outcome of every pending effect, over XState's pure `transition()`.
 * No clock and no actor: a timer is an event that may come while its state lasts.
 *
 * The alphabet of a state comes from its structure (its invocations and timers), not from its handlers: a handler that
 * is missing would otherwise never be asked for.
 */
import {
  createActor,
  createMachine,
  initialTransition,
  type AnyActorScope,
  type AnyEventObject,
  type AnyMachineSnapshot,
  type AnyStateMachine,
} from 'xstate';
import { copied } from './mutate.ts';

export type Asked = { id: string; name: string; input: Record<string, unknown> };

/** What one kind of machine is watched for. Facts are what a monitor remembers of a walk; they are part of a place. */
export type Model<Facts> = {
  inputs: readonly object[];
  /** Events from outside. */
  events: readonly AnyEventObject[];
  /** What is left out of this walk: the other walks have it. */
  isLeftOut?: (event: AnyEventObject, snapshot: AnyMachineSnapshot, facts: Facts) => boolean;
  /** Where this walk goes no further: another one does. Then it says nothing of the way to the end. */
  isEnd?: (snapshot: AnyMachineSnapshot) => boolean;
  /** Somebody is waited for whom no timer ends: then the promise about effects that all hang is not asked. */
  mayWaitForEver?: boolean;
  /** What an effect may answer. */
  outputs: (name: string) => readonly unknown[];
  /** What decides the future: two places that agree in this are one. */
  project: (snapshot: AnyMachineSnapshot) => unknown;
  begin: (asked: Asked[], snapshot: AnyMachineSnapshot) => Facts;
  /** Facts after one step; `broke` when a promise is broken by it. */
  step: (facts: Facts, step: Step, broke: (promise: string) => void) => Facts;
};
export type Step = { before: AnyMachineSnapshot; event: AnyEventObject; after: AnyMachineSnapshot; asked: Asked[] };

type Place<Facts> = { snapshot: AnyMachineSnapshot; facts: Facts; by: { from: Place<Facts>; event: string } | null };
type Edge = { from: string; to: string; kind: Kind };
type Kind = 'event' | 'done' | 'failed' | 'timer';

export type Explored = {
  places: number;
  steps: number;
  states: Set<string>;
  /** Transitions by their marks: all, and those that were taken. */
  marks: Set<string>;
  taken: Set<string>;
  /** The shortest walk to each broken promise, as a readable log. */
  violations: Map<string, string>;
};

/** @param until stop at the first broken promise of this name, or at the first at all when `true` */
export function explore<Facts>(original: AnyStateMachine, model: Model<Facts>, until?: string | true): Explored {
  const marks = new Set<string>();
  const machine = marked(original, marks);
  const stepFrom = stepsOf(machine);
  const found: Explored = { places: 0, steps: 0, states: new Set(), marks, taken: new Set(), violations: new Map() };
  const places = new Map<string, Place<Facts>>();
  const edges: Edge[] = [];
  const queue: string[] = [];
  const isOver = (): boolean =>
    until === true ? found.violations.size > 0 : until !== undefined && found.violations.has(until);

  const keyOf = (snapshot: AnyMachineSnapshot, facts: Facts): string =>
    JSON.stringify([snapshot.value, snapshot.status, model.project(snapshot), facts]);
  const arrive = (place: Place<Facts>): string => {
    const key = keyOf(place.snapshot, place.facts);
    if (places.has(key)) return key;
    places.set(key, place);
    queue.push(key);
    for (const { id } of place.snapshot._nodes) found.states.add(id);
    return key;
  };
  const violate = (promise: string, place: Place<Facts>): void => {
    if (!found.violations.has(promise)) found.violations.set(promise, logOf(place));
  };

  for (const input of model.inputs) {
    const [snapshot, actions] = initialTransition(machine, input as never) as [AnyMachineSnapshot, Action[]];
    note(actions, found.taken);
    arrive({ snapshot, facts: model.begin(askedIn(actions), snapshot), by: null });
  }
  for (let next = queue.shift(); next !== undefined && !isOver(); next = queue.shift()) {
    const from = next;
    const place = places.get(from) as Place<Facts>;
    if (place.snapshot.status !== 'active' || model.isEnd?.(place.snapshot) === true) continue;
    const uncovered = new Set(Object.keys(place.snapshot.children));
    for (const { event, kind, words } of alphabetOf(place.snapshot, model)) {
      if (model.isLeftOut?.(event, place.snapshot, place.facts)) continue;
      const [after, actions] = stepFrom(place.snapshot, event);
      found.steps++;
      note(actions, found.taken);
      const asked = askedIn(actions);
      const broken: string[] = [];
      if (after.status === 'error') broken.push(`the machine failed: ${String(after.error)}`);
      const facts = model.step(place.facts, { before: place.snapshot, event, after, asked }, (promise) =>
        broken.push(promise),
      );
      const there: Place<Facts> = { snapshot: after, facts, by: { from: place, event: words } };
      for (const promise of broken) violate(promise, there);
      edges.push({ from, to: arrive(there), kind });
      if (kind === 'timer')
        for (const id of uncovered)
          if (!(id in after.children) || asked.some((each) => each.id === id)) uncovered.delete(id);
    }
    for (const id of uncovered) violate(`an effect without a deadline: ${id}`, place);
  }
  found.places = places.size;
  if (isOver() || model.isEnd) return found;

  const ways: [string, (kind: Kind) => boolean][] = [
    ['no way to the end', () => true],
    ['no way to the end when every effect hangs', (kind) => kind === 'timer'],
  ];
  for (const [promise, counts] of model.mayWaitForEver ? ways.slice(0, 1) : ways) {
    const ending = endingIn(places, edges, counts);
    for (const [key, place] of places) if (!ending.has(key)) violate(promise, place);
  }
  return found;
}

/** What several walks of one machine found together. */
export function together(walks: readonly Explored[]): Explored {
  const union = <Item>(sets: readonly Set<Item>[]): Set<Item> => new Set(sets.flatMap((each) => [...each]));
  return {
    places: walks.reduce((sum, { places }) => sum + places, 0),
    steps: walks.reduce((sum, { steps }) => sum + steps, 0),
    states: union(walks.map(({ states }) => states)),
    marks: union(walks.map(({ marks }) => marks)),
    taken: union(walks.map(({ taken }) => taken)),
    violations: new Map(walks.flatMap(({ violations }) => [...violations])),
  };
}

/** Every place from which an end can be reached over edges that count. */
function endingIn<Facts>(
  places: Map<string, Place<Facts>>,
  edges: Edge[],
  counts: (kind: Kind) => boolean,
): Set<string> {
  const into = new Map<string, string[]>();
  for (const { from, to, kind } of edges) if (counts(kind)) into.set(to, [...(into.get(to) ?? []), from]);
  const ending = new Set([...places].filter(([, { snapshot }]) => snapshot.status === 'done').map(([key]) => key));
  for (const key of ending) for (const from of into.get(key) ?? []) ending.add(from); // a Set grows while it is walked
  return ending;
}

function alphabetOf<Facts>(snapshot: AnyMachineSnapshot, model: Model<Facts>) {
  const alphabet: { event: AnyEventObject; kind: Kind; words: string }[] = model.events.map((event) => ({
    event,
    kind: 'event',
    words: wordsOf(event),
  }));
  for (const node of snapshot._nodes) {
    for (const { id, src } of node.invoke) {
      const name = typeof src === 'string' ? src : 'unnamed';
      for (const output of model.outputs(name))
        alphabet.push({
          event: { type: `xstate.done.actor.${id}`, output, actorId: id },
          kind: 'done',
          words: `${name} answers ${JSON.stringify(output)}`,
        });
      const failed = { type: `xstate.error.actor.${id}`, error: new Error('failed'), actorId: id };
      alphabet.push({ event: failed, kind: 'failed', words: `${name} fails` });
    }
    for (const [type, delay] of new Map(node.after.map((each) => [each.eventType, each.delay])))
      alphabet.push({ event: { type }, kind: 'timer', words: `${String(delay)} is over` });
  }
  return alphabet;
}

const wordsOf = ({ type, ...rest }: AnyEventObject): string => {
  const { end, ...details } = rest as { end?: { reason: string } };
  return [type, end?.reason, Object.keys(details).length > 0 && JSON.stringify(details)].filter(Boolean).join(' ');
};

const leavesOf = (snapshot: AnyMachineSnapshot): string =>
  snapshot._nodes
    .filter(({ type }) => type === 'atomic' || type === 'final')
    .map(({ path }) => path.join('.'))
    .join(' + ');

function logOf<Facts>(place: Place<Facts>): string {
  const lines: string[] = [];
  for (let at: Place<Facts> | null = place; at; at = at.by?.from ?? null)
    lines.unshift(`${at.by ? `${at.by.event}\n  → ` : 'begins in '}${leavesOf(at.snapshot)}`);
  return lines.join('\n');
}

// ── effects and marks ──

type Action = { type: string; params?: Record<string, unknown> };

/** XState's `transition()` with one actor for all steps. Its own makes one for each, and a beginning with it: half of the time. */
function stepsOf(machine: AnyStateMachine) {
  const nothing = (): void => {};
  const self = createActor(machine);
  const scope = { self, id: '', sessionId: '', system: self.system, logger: nothing, defer: nothing, emit: nothing };
  return (snapshot: AnyMachineSnapshot, event: AnyEventObject): [AnyMachineSnapshot, Action[]] => {
    const actions: Action[] = [];
    const actionExecutor = (action: Action): void => void actions.push(action);
    const inert = { ...scope, stopChild: nothing, actionExecutor } as AnyActorScope;
    return [machine.transition(snapshot, event, inert) as AnyMachineSnapshot, actions];
  };
}
const askedIn = (actions: Action[]): Asked[] =>
  actions
    .filter(({ type }) => type === 'xstate.spawnChild')
    .map(({ params }) => ({
      id: String(params?.['id']),
      name: String(params?.['src']),
      input: (params?.['input'] ?? {}) as never,
    }));
const note = (actions: Action[], taken: Set<string>): void => {
  for (const { type, params } of actions) if (type === 'mark') taken.add(String(params?.['transition']));
};

/** The same machine, each of whose transitions says that it was taken. */
function marked(original: AnyStateMachine, marks: Set<string>): AnyStateMachine {
  const config = copied(original.config) as Loose;
  const markAll = (handlers: Loose, where: string): void => {
    for (const [event, branches] of Object.entries(handlers)) handlers[event] = markEach(branches, `${where} ${event}`);
  };
  const markEach = (branches: unknown, where: string): unknown =>
    (Array.isArray(branches) ? branches : [branches]).map((branch: unknown, index) => {
      const plain = typeof branch === 'string' ? { target: branch } : (branch as Loose);
      const transition = `${where} #${index + 1}`;
      marks.add(transition);
      const actions = plain['actions'] ?? [];
      return {
        ...plain,
        actions: [...(Array.isArray(actions) ? actions : [actions]), { type: 'mark', params: { transition } }],
      };
    });
  const visit = (node: Loose, path: string): void => {
    for (const key of ['on', 'after'] as const) if (node[key]) markAll(node[key] as Loose, path);
    if (node['always']) node['always'] = markEach(node['always'], `${path} always`);
    const invoke = node['invoke'] as Loose | undefined;
    for (const key of ['onDone', 'onError'] as const)
      if (invoke?.[key]) invoke[key] = markEach(invoke[key], `${path} ${key}`);
    for (const [name, child] of Object.entries((node['states'] ?? {}) as Loose))
      visit(child as Loose, `${path}.${name}`);
  };
  visit(config, original.id);
  const machine = original.provide({ actions: { mark: () => {} } } as never);
  return createMachine(config as never, machine.implementations as never);
}
type Loose = Record<string, unknown>;
