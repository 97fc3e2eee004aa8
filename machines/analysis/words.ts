/**
 * XState's own names for what a machine receives, in our words and back. Pure. Outside of this folder and src/session
 * nobody knows the former.
 */
import type { AnyStateMachine, AnyStateNode } from 'xstate';

/** What a machine's first step follows from. */
export const START = 'start';

/** The leaves of a state value, dotted: `live.conversing.dialogue.active.quiet`. Pure. */
export const leavesOf = (value: unknown, above = ''): string[] => {
  const under = (name: string) => (above === '' ? name : `${above}.${name}`);
  if (typeof value === 'string') return [under(value)];
  return Object.entries(value as Record<string, unknown>).flatMap(([name, inner]) => leavesOf(inner, under(name)));
};

/** `live.conversing.dialogue.active` → `conversing`: the names that the mission gives the states. Pure. */
export const stageOf = (states: readonly string[]): string | null => {
  const words = (states[0] ?? '').split('.').filter((word) => word !== '');
  return (words[0] === 'live' ? words[1] : words[0]) ?? null;
};

/** A state as a dotted path below its machine. Pure. */
export const pathOfState = (node: AnyStateNode): string => node.path.join('.');

/** `xstate.after.drainMs.session.ending` → `after`, `drainMs.session.ending`. Undefined for an event of ours. Pure. */
export const ownName = (type: string): { kind: string; rest: string } | undefined => {
  const [, kind, rest] = /^xstate\.(init|after|done\.actor|error\.actor|done\.state)(?:\.(.+))?$/.exec(type) ?? [];
  return kind === undefined ? undefined : { kind, rest: rest ?? '' };
};

/** A limit by its name, and the state that it is a limit of: two regions may have one of the same name. */
export type PassedLimit = { limit: string; state: string };

/** Pure. What a timer of the machine's own has sent: a limit of a state, or an event of ours that it had put off. */
export const limitIn = (machine: AnyStateMachine, type: string): PassedLimit => {
  const own = ownName(type);
  if (own?.kind !== 'after') return { limit: type, state: '' };
  const [limit = '', ...id] = own.rest.split('.');
  return { limit, state: pathOfState(machine.getStateNodeById(id.join('.'))) };
};

/** Pure. As a transition names what led to it. */
export const limitTrigger = ({ limit, state }: PassedLimit): string => (state === '' ? limit : `after ${limit}`);

/** Pure. The inverse of `limitIn`; undefined where the machine has no such state. */
export const limitEvent = (machine: AnyStateMachine, { limit, state }: PassedLimit): string | undefined => {
  if (state === '') return limit;
  const node = nodeAt(machine, state);
  return node && `xstate.after.${limit}.${node.id}`;
};

/** Pure. By its dotted path. */
export const nodeAt = (machine: AnyStateMachine, state: string): AnyStateNode | undefined =>
  state.split('.').reduce<AnyStateNode | undefined>((node, key) => node?.states[key], machine.root);

/** Pure. The event by which XState tells that the effect with this id has failed. */
export const failureOf = (id: string): string => `xstate.error.actor.${id}`;

/** Pure. `after idleMs` → `idleMs`; also as journals of earlier versions have it: `xstate.after.idleMs.session.live`. */
export const limitOfTrigger = (trigger: string): string | undefined =>
  /^(?:after |xstate\.after\.)([^.]+)/.exec(trigger)?.[1];
