/**
 * A machine as plain data: what is hashed to tell two versions apart, and what the diagrams are drawn from. Pure.
 *
 * Behaviour only: descriptions are left out, functions are known by their names. Keys are in one order, lists keep
 * theirs (the first branch that may be taken is taken).
 */
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { children, type Transition } from './chart.ts';

type Plain = null | boolean | number | string | Plain[] | { [key: string]: Plain };

export type TransitionShape = {
  /** What starts it, in words: `caller.left`, `after drainMs`, `drain done`, `drain failed`, `always`. */
  trigger: string;
  guard?: string;
  /** Ids of states; empty when the machine stays where it is. */
  target: string[];
  reenter?: boolean;
  actions: Plain[];
};
export type StateShape = {
  id: string;
  type: string;
  tags: string[];
  initial?: string[];
  entry: Plain[];
  exit: Plain[];
  invoke: string[];
  transitions: TransitionShape[];
  states: { [key: string]: StateShape };
};
export type MachineShape = StateShape;

/** Pure. The same for the same behaviour, whatever the order in which its parts were written. */
export const machineShape = (machine: AnyStateMachine): MachineShape => stateShape(machine.root);

const stateShape = (node: AnyStateNode): StateShape => ({
  id: node.id,
  type: node.type,
  tags: [...node.tags].sort(),
  ...(node.type === 'compound' && { initial: node.initial.target.map(({ id }) => id) }),
  entry: node.entry.map(plainOf),
  exit: node.exit.map(plainOf),
  invoke: node.invoke.map(({ src }) => effectName(src)),
  transitions: transitionShapes(node),
  states: Object.fromEntries(
    children(node)
      .sort((a, b) => (a.key < b.key ? -1 : 1))
      .map((child) => [child.key, stateShape(child)]),
  ),
});

/** Pure. In one order by trigger; branches of one trigger keep theirs. */
export function transitionShapes(node: AnyStateNode): TransitionShape[] {
  const all: [string, readonly Transition[]][] = [
    ...[...node.transitions].map(([event, branches]): [string, readonly Transition[]] => [
      triggerOf(node, event),
      branches,
    ]),
    ['always', node.always ?? []],
  ];
  return all
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([trigger, branches]) => branches.map((branch) => transitionShape(trigger, branch)));
}

const transitionShape = (trigger: string, { guard, target, reenter, actions }: Transition): TransitionShape => ({
  trigger,
  ...(guard !== undefined && { guard: guardOf(guard) }),
  target: ((target ?? []) as AnyStateNode[]).map(({ id }) => id),
  ...(reenter && { reenter }),
  actions: actions.map(plainOf),
});

/** XState's own event names carry generated ids; these do not. */
function triggerOf(node: AnyStateNode, event: string): string {
  const [, kind = '', rest = ''] = /^xstate\.(after|done\.actor|error\.actor|done\.state)\.(.+)$/.exec(event) ?? [];
  if (kind === '') return event;
  if (kind === 'after') return `after ${rest.slice(0, -node.id.length - 1)}`;
  if (kind === 'done.state') return 'regions done';
  const owner = node.invoke[0] ? node : node.parent; // `spoken`: the effect belongs to the state around
  const invoked = owner?.invoke.find(({ id }) => id === rest);
  return `${invoked ? effectName(invoked.src) : rest} ${kind === 'done.actor' ? 'done' : 'failed'}`;
}

/** A guard in words; `and` and `stateIn` say what they hold. */
function guardOf(guard: unknown): string {
  if (typeof guard === 'string') return guard;
  const { name, type, guards, stateValue } = guard as {
    name?: string;
    type?: string;
    guards?: unknown[];
    stateValue?: unknown;
  };
  if (guards) return guards.map(guardOf).join(name === 'or' ? ' or ' : ' and ');
  if (typeof stateValue === 'string') return `in ${stateValue}`;
  return type ?? name ?? 'unnamed';
}

/** Pure. An effect by name. */
export const effectName = (source: unknown): string => (typeof source === 'string' ? source : 'unnamed');

/** Actions by name with their literal parameters; what is computed is known by `computed`. */
function plainOf(value: unknown): Plain {
  if (value === null || typeof value === 'boolean' || typeof value === 'number' || typeof value === 'string')
    return value;
  if (typeof value === 'function') return 'computed';
  if (Array.isArray(value)) return value.map(plainOf);
  if (typeof value !== 'object') return typeof value;
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, each]) => [key, plainOf(each)]));
}
