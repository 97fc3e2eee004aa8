/** The machines as plain data: an editor that knows nothing of ours makes the same charts of them. */
import { createActor, createMachine, fromPromise, type AnyStateMachine, type AnyStateNode } from 'xstate';
import { describe, expect, test } from 'vitest';
import { plainConfig, recoveryMachine, sessionMachine, supervisionMachine } from '../../machines/index.ts';

const never = fromPromise(() => new Promise(() => undefined));
const machines: [string, AnyStateMachine][] = [
  ['session', sessionMachine],
  ['recovery', recoveryMachine],
  ['supervision', supervisionMachine],
];

const shapeOf = (node: AnyStateNode): unknown[] => {
  const { id, type, description, tags, transitions } = node;
  const moves = [...transitions].map(([event, all]) => [event, all.map(({ target }) => target?.map((one) => one.id))]);
  return [{ id, type, description, tags, moves }, ...Object.values(node.states).flatMap(shapeOf)];
};

describe.each(machines)('%s', (_, machine) => {
  const text = JSON.stringify(plainConfig(machine));
  const config = JSON.parse(text) as Parameters<typeof createMachine>[0];
  const { actors, guards, delays, actions } = machine.implementations;
  const stubs = <Value>(of: object, value: Value) => Object.fromEntries(Object.keys(of).map((name) => [name, value]));
  const guardNames = [...text.matchAll(/"guard":"([^"]+)"/g)].map(([, name]) => name ?? '');
  const made = createMachine(config, {
    actors: stubs(actors, never),
    guards: { ...stubs(guards, () => false), ...Object.fromEntries(guardNames.map((name) => [name, () => false])) },
    delays: stubs(delays, 1_000),
    actions: stubs(actions, () => undefined),
  });

  test('survives JSON, and holds no code', () => {
    expect(JSON.parse(JSON.stringify(config))).toEqual(config);
    expect(text).not.toContain('=>');
  });
  test('makes a machine with the same states, targets, tags and descriptions', () => {
    expect(shapeOf(made.root)).toEqual(shapeOf(machine.root));
    expect(shapeOf(made.root).length).toBeGreaterThan(5);
  });
  test('an actor of it begins where ours begins when no guard holds', () => {
    const actor = createActor(made, { clock: { setTimeout: () => 0, clearTimeout: () => undefined } as never }).start();
    expect(actor.getSnapshot().status).toBe('active');
    actor.stop();
  });
});
