/** The shape of a machine, on a machine small enough to be written down beside it. */
import { and, fromPromise, or, setup, stateIn } from 'xstate';
import { describe, expect, test } from 'vitest';
import { machineShape, transitionTable } from '../../machines/index.ts';
import { effectOf, placeOf } from '../../machines/analysis/table.ts';

const work = fromPromise(async () => {});
const kit = setup({
  actors: { work },
  delays: { longMs: 2, shortMs: 1 },
  guards: { isA: () => true, isB: () => true },
  actions: { note: (...given: [unknown, { z?: unknown; a?: unknown }]) => void given, plain: () => {} },
});
const inline = () => true;

const machine = kit.createMachine({
  id: 'm',
  initial: 'second',
  states: {
    second: {
      tags: ['zebra', 'apple'],
      entry: 'plain',
      exit: { type: 'note', params: { z: [1, null, true], a: 'text' } },
      invoke: { src: 'work', onDone: 'first', onError: { target: 'both', actions: 'plain' } },
      on: {
        'z.event': [
          { guard: and(['isA', or(['isB', stateIn('#both')])]), target: 'first' },
          { guard: inline, actions: { type: 'note', params: () => ({ z: 1 }) } },
          { target: 'second', reenter: true },
        ],
        'a.event': { guard: 'isA', actions: { type: 'note', params: { z: undefined, a: 1n } } },
      },
      after: { longMs: 'first', shortMs: { guard: 'isB', target: 'first' } },
    },
    first: { description: 'One | two\nthree', always: { guard: 'isA', target: 'both' } },
    both: {
      id: 'both',
      type: 'parallel',
      onDone: 'over',
      states: {
        b: { initial: 'y', states: { y: { always: 'x' }, x: { type: 'final' } } },
        a: { initial: 'only', states: { only: { type: 'final' } } },
      },
    },
    over: { type: 'final' },
  },
});
const nodeOf = (...path: string[]) => path.reduce((node, key) => node.states[key] as typeof node, machine.root);

describe('the shape of a small machine', () => {
  const states = () => machineShape(machine).states;

  test('the root, its children by name, and where it begins', () => {
    const shape = machineShape(machine);
    const { second, both, over } = shape.states;
    expect(shape).toMatchObject({ id: 'm', type: 'compound', initial: ['m.second'], tags: [], entry: [], exit: [] });
    expect(Object.keys(shape.states)).toEqual(['both', 'first', 'over', 'second']);
    expect(Object.keys(both?.states ?? {})).toEqual(['a', 'b']);
    expect([second, both, over].map((state) => state && 'initial' in state)).toEqual([false, false, false]);
    expect([both?.type, over?.type, both?.states['b']?.initial]).toEqual(['parallel', 'final', ['m.both.b.y']]);
  });

  test('what a state is, asks for and does', () => {
    const { second } = states();
    expect(second).toMatchObject({
      id: 'm.second',
      type: 'atomic',
      tags: ['apple', 'zebra'],
      entry: ['plain', 'computed', 'computed'], // the two timers are XState's
      exit: [{ params: { a: 'text', z: [1, null, true] }, type: 'note' }, 'computed', 'computed'],
      invoke: ['work'],
    });
    expect(JSON.stringify(second?.exit[0])).toBe('{"params":{"a":"text","z":[1,null,true]},"type":"note"}');
  });

  test('its transitions by trigger, in words; the branches of one trigger as they are written', () => {
    const { second, first, both } = states();
    expect(second?.transitions).toEqual([
      { trigger: 'a.event', guard: 'isA', target: [], actions: [{ type: 'note', params: { a: 'bigint' } }] },
      { trigger: 'after longMs', target: ['m.first'], actions: [] },
      { trigger: 'after shortMs', guard: 'isB', target: ['m.first'], actions: [] },
      { trigger: 'work done', target: ['m.first'], actions: [] },
      { trigger: 'work failed', target: ['both'], actions: ['plain'] },
      { trigger: 'z.event', guard: 'isA and isB or in #both', target: ['m.first'], actions: [] },
      { trigger: 'z.event', guard: 'inline', target: [], actions: [{ type: 'note', params: 'computed' }] },
      { trigger: 'z.event', target: ['m.second'], reenter: true, actions: [] },
    ]);
    expect(first?.transitions).toEqual([{ trigger: 'always', guard: 'isA', target: ['both'], actions: [] }]);
    expect(both?.transitions).toEqual([{ trigger: 'regions done', target: ['m.over'], actions: [] }]);
  });
});

describe('the table of a small machine', () => {
  test('where a state is, what it asks for, and for how long', () => {
    expect([machine.root, nodeOf('both', 'b', 'y')].map(placeOf)).toEqual(['anywhere', 'both.b.y']);
    expect([nodeOf('second'), nodeOf('first')].map(effectOf)).toEqual(['work within longMs, shortMs', '']);
  });

  test('one row for each transition, the state in its first one, and no cell that breaks the table', () => {
    const rows = transitionTable(machine).split('\n');
    expect(rows[0]).toBe('| state | what it is | tags | effect and deadline | event | guard | target | action |');
    expect(rows[1]).toBe('| --- | --- | --- | --- | --- | --- | --- | --- |');
    expect(rows).toContain('| `first` | One \\| two three |  |  | always | isA | `both` |  |');
    expect(rows).toContain('| `over` |  |  |  |  |  |  |  |');
    const second = rows.findIndex((row) => row.startsWith('| `second` |'));
    expect(rows[second]).toBe('| `second` |  | zebra apple | work within longMs, shortMs | a.event | isA |  | note |');
    expect(rows[second + 1]).toBe('|  |  |  |  | after longMs |  | `first` |  |');
    expect(rows[second + 7]).toBe('|  |  |  |  | z.event |  | `second` anew |  |');
    expect(rows.at(-1)).toBe('');
  });
});
