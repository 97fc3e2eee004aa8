/**
 * Where a machine is, in eight characters: its states, its context, the limits that are armed, the effects that are
 * awaited. Pure. Two walks through the same machine have the same digests, or are not the same.
 *
 *   G1  FNV-1a, 32 bits, of a text in one order. It finds a difference, all but one in four thousand million; it is no
 *       signature.
 *   G2  What does not change is not read again: each object of the context is hashed once, and known by its identity.
 *       So a step costs what it changes, however long the call has lasted.
 */
import type { AnyActorRef, AnyMachineSnapshot } from 'xstate';

/** FNV-1a over UTF-16 units. Pure. */
const hashOfText = (text: string): string => {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, '0');
};

export type Digester = (actor: AnyActorRef, snapshot: AnyMachineSnapshot) => string;

/** One for each walk: it remembers what it has hashed (G2), so nobody may change an object in a context. */
export const digester = (): Digester => {
  const known = new WeakMap<object, string>();

  const textOf = (value: unknown): string => {
    if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
    const before = known.get(value);
    if (before !== undefined) return before;
    const parts = Array.isArray(value)
      ? value.map(textOf)
      : Object.entries(value)
          .filter(([, inner]) => inner !== undefined)
          .sort(([one], [other]) => (one < other ? -1 : 1))
          .map(([name, inner]) => `${name}:${textOf(inner)}`);
    const text = hashOfText(parts.join());
    known.set(value, text);
    return text;
  };

  return (actor, { value, context, status, children }) =>
    hashOfText(
      [
        status,
        JSON.stringify(value),
        textOf(context),
        armedIn(actor)
          .map(({ event }) => event.type)
          .sort()
          .join(),
        Object.keys(children)
          .filter((id) => children[id]?.getSnapshot().status === 'active')
          .sort()
          .join(),
      ].join('\n'),
    );
};

/** The timers of a machine's own that have not fired: its limits, and what it has put off. */
export const armedIn = (actor: AnyActorRef): { id: string; event: { type: string }; delay: number }[] =>
  Object.values(actor.system.getSnapshot()._scheduledEvents).filter(({ source }) => source === actor);
