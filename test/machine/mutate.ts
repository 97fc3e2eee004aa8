/** A machine with one thing changed: what a monitor or a walk has to notice. The true machine stays as it is. */
import { createMachine, type AnyStateMachine } from 'xstate';

/** A state's configuration as mutations see it; what is absent in the true one is an empty object here. */
export type ConfigNode = {
  on: Record<string, unknown>;
  after: Record<string, unknown>;
  invoke: Record<string, unknown>;
  states: Record<string, ConfigNode>;
  [other: string]: unknown;
};
export type Code = {
  actions: Record<string, unknown>;
  guards: Record<string, unknown>;
  delays: Record<string, unknown>;
};
export type Mutation = (at: (path: string) => ConfigNode, code: Code) => void;

export function mutated(machine: AnyStateMachine, mutate: Mutation): AnyStateMachine {
  const config = copied(machine.config) as ConfigNode;
  const code = copied(machine.implementations) as Code;
  const at = (path: string): ConfigNode => {
    let node = config;
    for (const key of path === '' ? [] : path.split('.')) {
      const child = node.states[key];
      if (!child) throw new Error(`expected a state "${path}" to mutate; "${key}" is not one`);
      node = child;
    }
    node.on ??= {};
    node.after ??= {};
    return node;
  };
  mutate(at, code);
  return createMachine(config as never, code as never);
}

/** The same deadline and next step under the name of another limit. */
export function swapLimit(node: ConfigNode, from: string, to: string): void {
  if (!(from in node.after)) throw new Error(`expected a deadline "${from}" to swap; there is none`);
  node.after[to] = node.after[from];
  delete node.after[from];
}

/** Every branch of a handler, without the action that records the end. */
export const withoutActions = (branches: unknown): unknown =>
  (branches as object[]).map((branch) => ({ ...branch, actions: [] }));

/** Plain objects and lists are copied, everything else (functions, logic) is shared. */
export function copied(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copied);
  if (value === null || typeof value !== 'object' || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, copied(each)]));
}
