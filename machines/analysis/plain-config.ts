/**
 * A machine as plain data, for editors and inspectors that read XState's configuration: states, transitions, limits,
 * effects and descriptions, everything by name. Pure. What only code can say (inputs, params, the context) is left out.
 */
import type { AnyStateMachine } from 'xstate';

export type Plain = null | boolean | number | string | Plain[] | { [key: string]: Plain };

/** `and(['isA', 'isB'])` is code in XState; as a name it is read as it is meant. */
const nameOfGuard = (guard: { guards?: unknown }): string =>
  Array.isArray(guard.guards) ? guard.guards.map((one) => nameIn(one)).join(' and ') : 'by code';
const nameIn = (value: unknown): string => {
  if (typeof value === 'string') return value;
  if (typeof value === 'function') return nameOfGuard(value as { guards?: unknown });
  return typeof value === 'object' && value !== null && 'type' in value ? String(value.type) : 'by code';
};

const plain = (value: unknown, key: string): Plain | undefined => {
  if (typeof value === 'function') return key === 'guard' ? nameOfGuard(value as { guards?: unknown }) : undefined;
  if (Array.isArray(value)) return value.map((one) => plain(one, key) ?? null);
  if (typeof value !== 'object' || value === null) return value as Plain | undefined;
  const entries = Object.entries(value).flatMap(([name, inner]): [string, Plain][] => {
    const found = plain(inner, name);
    return found === undefined ? [] : [[name, found]];
  });
  return Object.fromEntries(entries);
};

/** *Pure.* As JSON; `createMachine(plainConfig(machine))` has the same states. */
export const plainConfig = (machine: AnyStateMachine): { [key: string]: Plain } =>
  plain(machine.config, '') as { [key: string]: Plain };
