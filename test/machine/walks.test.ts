/** B1 to B3 on machines small enough to be added up by hand: what a step is, where it leads, and what is refused. */
import { and, createMachine, fromPromise, not, stateIn, type AnyStateMachine } from 'xstate';
import { describe, expect, test } from 'vitest';
import { boundOf, bounds, UnboundedMachineError, type Bound } from '../../machines/index.ts';
import { hasTag } from '../../machines/analysis/chart.ts';
import { longestRun, prepend, worstOf, type BoundRule } from '../../machines/analysis/walks.ts';

/** States and delays as they are; `end` is final, and everything begins in `a`. */
const machineOf = (states: Record<string, object>, root: object = {}): AnyStateMachine =>
  createMachine(
    { id: 'm', initial: 'a', ...root, states: { ...states, end: { type: 'final' } } } as never,
    {
      delays: { one: 1, ten: 10, hundred: 100, ofContext: ({ context }: { context: { ms: number } }) => context.ms },
      actors: { work: fromPromise(async () => {}) },
      guards: { perhaps: () => true, other: () => true },
    } as never,
  );
const costs = (states: Record<string, object>, state = 'm.a', root: object = {}): number =>
  boundOf(machineOf(states, root), { ms: 7 }, state).ms;
const refused = (states: Record<string, object>, context: object = { ms: 7 }): string[] => {
  try {
    bounds(machineOf(states), context);
  } catch (error) {
    if (error instanceof UnboundedMachineError) return error.message.split('\n');
    throw error;
  }
  throw new Error('expected an UnboundedMachineError; the machine was accepted');
};

describe('a step costs its deadline', () => {
  test('and the steps of a way are added up, by name', () => {
    expect(boundOf(machineOf({ a: { after: { ten: 'b' } }, b: { after: { one: 'end' } } }), {}, 'm.a')).toEqual({
      ms: 11,
      path: ['m.a', 'm.b'],
      costs: [10, 1],
    } satisfies Bound);
  });
  test('whatever settles before it may take the longer way', () => {
    expect(costs({ a: { after: { ten: 'end' }, on: { x: 'b' } }, b: { after: { hundred: 'end' } } })).toBe(110);
    expect(costs({ a: { after: { ten: 'b' }, on: { x: 'end' } }, b: { after: { hundred: 'end' } } })).toBe(110);
  });
  test('the shortest of several, and none when it leaves at once', () => {
    expect(costs({ a: { after: { ten: 'end', hundred: 'end' } } })).toBe(10);
    expect(costs({ a: { after: { 25: 'end' } } })).toBe(25);
    expect(costs({ a: { after: { ofContext: 'end' } } })).toBe(7);
    expect(costs({ a: { always: 'b' }, b: { after: { ten: 'end' } } })).toBe(10);
  });
  test('a state’s number is that of where it begins, and the end costs nothing', () => {
    const states = {
      a: { initial: 'x', states: { x: { after: { ten: 'y' } }, y: { after: { one: '#m.end' } } } },
    };
    expect(costs(states)).toBe(11);
    expect(costs(states, 'm.a.y')).toBe(1);
    expect(costs(states, 'm.end')).toBe(0);
  });
});

describe('a state with a deadline around it', () => {
  test('is one step, and may go in circles inside', () => {
    const circle = { x: { on: { e: 'y' } }, y: { on: { e: 'x' } } };
    expect(costs({ a: { after: { ten: 'end' }, initial: 'x', states: circle } })).toBe(10);
    expect(costs({ a: { after: { ten: 'end' }, initial: 'x', states: circle } }, 'm.a.x')).toBe(10);
  });
  test('is over sooner when its parts are', () => {
    const parts = { x: { after: { one: 'y' } }, y: { after: { one: '#m.end' } } };
    expect(costs({ a: { after: { ten: 'end' }, initial: 'x', states: parts } })).toBe(2);
  });
  test('a part that is over waits for it, when nobody listens', () => {
    const parts = { x: { after: { one: 'y' } }, y: { type: 'final' } };
    expect(costs({ a: { after: { ten: 'end' }, initial: 'x', states: parts } })).toBe(10);
    expect(costs({ a: { after: { ten: 'end' }, onDone: 'end', initial: 'x', states: parts } })).toBe(1);
  });
});

describe('regions side by side', () => {
  const region = (limit: string) => ({ initial: 'x', states: { x: { after: { [limit]: '#m.b' } } } });
  const b = { after: { hundred: 'end' } };
  test('last as long as the shortest', () => {
    const a = { type: 'parallel', states: { slow: region('ten'), quick: region('one') } };
    expect(costs({ a, b })).toBe(101);
    expect(costs({ a, b }, 'm.a.slow.x')).toBe(101);
  });
});

describe('where a step can lead', () => {
  const longer = { b: { after: { hundred: 'end' } } };
  const parent = (child: object) => ({
    a: { on: { e: 'b' }, initial: 'x', states: { x: { after: { ten: '#m.end' }, ...child } } },
    ...longer,
  });
  test('a handler further in hides the outer one', () => {
    expect(costs(parent({}))).toBe(110);
    expect(costs(parent({ on: { e: '#m.end' } }))).toBe(10);
    expect(costs(parent({ on: { e: {} } }))).toBe(10);
    const whole = (x: object) => ({ a: { after: { ten: 'end' }, on: { e: 'b' }, initial: 'x', states: { x } } });
    expect(costs({ ...whole({}), ...longer })).toBe(110);
    expect(costs({ ...whole({ on: { e: {} } }), ...longer })).toBe(10);
  });
  test('a guarded one hides nothing', () => {
    expect(costs(parent({ on: { e: { guard: 'perhaps', target: '#m.end' } } }))).toBe(110);
    expect(costs(parent({ on: { e: { guard: () => true, target: '#m.end' } } }))).toBe(110);
    expect(costs(parent({ on: { e: { guard: not('perhaps'), target: '#m.end' } } }))).toBe(110);
  });
  test('the branches behind one that is certain are never taken', () => {
    expect(costs({ a: { after: { ten: 'end' }, on: { e: ['end', 'b'] } }, ...longer })).toBe(10);
    expect(
      costs({ a: { after: { ten: 'end' }, on: { e: [{ guard: 'perhaps', target: 'end' }, 'b'] } }, ...longer }),
    ).toBe(110);
  });
  test('a guard that asks for a place is answered by the place', () => {
    const here = (guard: unknown) =>
      costs({
        a: {
          initial: 'x',
          states: {
            x: { after: { ten: '#m.end' }, on: { e: [{ guard, target: '#m.end' }, '#m.b'] } },
            y: {
              after: { ten: '#m.end' },
            },
          },
        },
        ...longer,
      } as never);
    expect(here(stateIn('#m.a'))).toBe(10); // always true: the way to b is closed
    expect(here(stateIn('#m.a.x'))).toBe(10);
    expect(here(stateIn('#m.a.y'))).toBe(110); // elsewhere: never true
    expect(here(stateIn('#m.b'))).toBe(110);
    expect(here(and([stateIn('#m.a'), stateIn('#m.a.x')]))).toBe(10);
    expect(here(and([stateIn('#m.a'), 'perhaps']))).toBe(110);
    expect(here(and(['perhaps', 'other']))).toBe(110);
    expect(here(not(stateIn('#m.a')))).toBe(110); // of `not` nothing is known
  });
  test('a guard that is never true opens no way', () => {
    const away = (guard: unknown) =>
      costs({ a: { after: { ten: 'end' }, on: { e: { guard, target: 'b' } } }, ...longer } as never);
    expect(away(stateIn('#m.a'))).toBe(110);
    expect(away(stateIn('#m.b'))).toBe(10);
    expect(away(and([stateIn('#m.b'), 'perhaps']))).toBe(10);
    expect(away(and([stateIn('#m.a'), 'perhaps']))).toBe(110);
    expect(away(stateIn({ a: {} } as never))).toBe(110); // not by id: it depends
    expect(away(stateIn('b'))).toBe(110);
  });
  test('a place in another region may be or not', () => {
    const regions = (target: object) => ({
      a: {
        after: { ten: 'end' },
        type: 'parallel',
        states: {
          one: { initial: 'x', states: { x: { on: { e: target } } } },
          two: { initial: 'x', states: { x: { on: { e: 'y' } }, y: {} } },
        },
      },
      ...longer,
    });
    expect(costs(regions([{ guard: stateIn('#m.a.two.y'), target: '#m.b' }]))).toBe(110);
    expect(costs(regions([{ guard: stateIn('#m.a.two.y'), target: '#m.end' }, { target: '#m.b' }]))).toBe(110);
    const counts = (id: string): boolean => ['m.a.one.x', 'm.b'].includes(id);
    const rule: BoundRule = { from: ({ id }) => id === 'm.a.one.x', counts: ({ id }) => counts(id) };
    const x = { after: { ten: '#m.end' }, on: { e: { guard: stateIn('#m.a.two.y'), target: '#m.b' } } };
    const two = { initial: 'x', states: { x: {}, y: {} } };
    const beside = { a: { type: 'parallel', states: { one: { initial: 'x', states: { x } }, two } }, ...longer };
    expect(longestRun(machineOf(beside), {}, rule).ms).toBe(110);
  });
  test('a region may end the others', () => {
    const beside = (target: string) => ({
      a: {
        type: 'parallel',
        states: {
          one: { initial: 'x', states: { x: { tags: 'counts', after: { ten: '#m.end' } } } },
          two: { initial: 'x', states: { x: { on: { e: target } }, y: { tags: 'counts', after: { one: '#m.end' } } } },
        },
      },
      b: { tags: 'counts', after: { hundred: 'end' } },
    });
    const rule: BoundRule = {
      from: ({ id }) => id === 'm.a.one.x',
      counts: (node) => hasTag(node, 'counts'),
    };
    expect(longestRun(machineOf(beside('#m.b')), {}, rule).ms).toBe(110);
    expect(longestRun(machineOf(beside('y')), {}, rule).ms).toBe(10); // it stays beside, and ends nothing
  });
});

describe('refused, by name', () => {
  test('a circle without a timer around it', () => {
    expect(refused({ a: { after: { ten: 'b' } }, b: { after: { ten: 'a' } } })).toEqual([
      'm.a: on a cycle without a timer around it: a → b → a',
    ]);
    expect(
      refused({ c: { after: { one: 'a' } }, a: { after: { ten: 'b' } }, b: { after: { ten: 'a' } } })[0],
    ).toContain('a → b → a');
  });
  test('a deadline that begins anew: of the state itself, from inside, or from a part of it', () => {
    const again = { target: 'a', reenter: true };
    expect(refused({ a: { after: { ten: 'end' }, on: { e: again } } })).toEqual([
      'm.a: on a cycle without a timer around it: a → a',
    ]);
    expect(refused({ a: { after: { ten: again } } })).toEqual(['m.a: on a cycle without a timer around it: a → a']);
    const inside = (on: object) => ({ a: { after: { ten: 'end' }, initial: 'x', states: { x: { on } } } });
    expect(refused(inside({ e: '#m.a' }))[0]).toContain('a → a');
    expect(refused(inside({ e: { target: '#m.a', reenter: true } }))[0]).toContain('a → a');
  });
  test('but not what stays in the state without entering it', () => {
    expect(costs({ a: { after: { ten: 'end' }, on: { e: { actions: () => {} } } } })).toBe(10);
    const inside = { a: { after: { ten: 'end' }, initial: 'x', states: { x: { on: { e: 'x' } } } } };
    expect(costs(inside)).toBe(10);
    expect(costs({ a: { after: { ten: 'end' }, on: { e: 'a' } } })).toBe(10);
  });
  test('a state without a deadline, or with one that a guard may stop, or that leads nowhere', () => {
    const text = 'm.a: no unguarded `after` leads out of it';
    expect(refused({ a: { on: { e: 'end' } } })).toEqual([text]);
    expect(refused({ a: { after: { ten: { guard: 'perhaps', target: 'end' } } } })).toEqual([text]);
    expect(refused({ a: { after: { ten: { actions: () => {} } } } })).toEqual([text]);
    expect(refused({ a: { after: { ten: 'a' } } })).toContain(text); // without `reenter` it stays
    expect(costs({ a: { after: { ten: [{ target: 'end' }, { guard: 'perhaps', actions: () => {} }] } } })).toBe(10);
    const inside = { x: { on: { e: '#m.end' } }, y: {} };
    expect(refused({ a: { after: { ten: '.y' }, initial: 'x', states: inside } })).toEqual([
      'm.a.x: no unguarded `after` leads out of it',
      'm.a.y: no unguarded `after` leads out of it',
      'm.a.y: on a cycle without a timer around it: y → y', // its timer may fire there too
    ]);
  });
  test('a deadline whose first branch may stay', () => {
    const text = (part: string) => `m.a.${part}: no unguarded \`after\` leads out of it`;
    const staying = [{ guard: 'perhaps', target: '.y' }, { target: 'end' }];
    const parts = { x: {}, y: {} };
    expect(refused({ a: { after: { ten: staying }, initial: 'x', states: parts } })).toContain(text('x'));
    const leaving = [{ guard: 'perhaps', target: 'b' }, { target: 'end' }];
    expect(costs({ a: { after: { ten: leaving }, initial: 'x', states: parts }, b: { after: { one: 'end' } } })).toBe(
      11,
    );
  });
  test.each([
    [Number.NaN, 'NaN'],
    [0, '0'],
    [-1, '-1'],
    [2 ** 31, '2147483648'],
    ['7', '7'],
  ])('a delay of %s', (ms, words) => {
    expect(refused({ a: { after: { ofContext: 'end' } } }, { ms })[0]).toBe(
      `m.a: delay "ofContext" is ${words}; expected a number of milliseconds, 0 < n < 2^31`,
    );
    expect(bounds(machineOf({ a: { after: { ofContext: 'end' } } }), { ms: 2 ** 31 - 1 }).get('m.a')?.ms).toBe(
      2 ** 31 - 1,
    );
  });
  test('each problem once, and all of them in one message', () => {
    const problems = refused({ a: { after: { never: ['b', 'end'], ten: 'b' } }, b: { on: { e: 'end' } } });
    expect(problems).toEqual([
      'm.a: delay "never" is undefined; expected a number of milliseconds, 0 < n < 2^31',
      'm.b: no unguarded `after` leads out of it',
    ]);
    expect(new UnboundedMachineError([{ state: 's', problem: 'p' }])).toMatchObject({
      name: 'UnboundedMachineError',
      message: 's: p',
      problems: [{ state: 's', problem: 'p' }],
    });
  });
  test('an effect that no deadline covers', () => {
    const effect = { invoke: { src: 'work', onDone: '#m.end' } };
    const problem = 'invokes an effect and no `after` covers it';
    expect(refused({ a: effect })).toContain(`m.a: ${problem}`);
    expect(costs({ a: { ...effect, after: { ten: 'end' } } })).toBe(10);
    expect(costs({ a: { after: { ten: 'end' }, initial: 'x', states: { x: effect } } })).toBe(10);
    const split = (second: object) => ({
      a: { ...effect, initial: 'x', states: { x: { after: { ten: 'y' } }, y: second } },
    });
    expect(costs(split({ after: { one: '#m.end' } }))).toBe(11);
    expect(refused(split({ on: { e: '#m.end' } }))).toContain(`m.a: ${problem}`);
  });
  test('a part of an ending of which nobody says what the caller hears', () => {
    const ending = (tags: string[]) => ({ a: { tags: ['leaving', ...tags], after: { ten: 'end' } } });
    expect(refused(ending([]))).toEqual(['m.a: is part of an ending, and neither silent nor audible nor released']);
    for (const tag of ['silent', 'audible', 'released']) expect(costs(ending([tag]))).toBe(10);
    const inner = { x: { tags: 'silent', after: { ten: '#m.end' } } };
    expect(costs({ a: { tags: 'leaving', initial: 'x', states: inner } })).toBe(10);
  });
  test('a state that does not exist, with those that do', () => {
    expect(() => costs({ a: { after: { ten: 'end' } } }, 'm.b')).toThrow(
      'unknown state "m.b"; expected one of m.a, m.end',
    );
  });
});

describe('a run', () => {
  const silent = (node: Parameters<typeof hasTag>[0]) => hasTag(node, 'silent');
  const rule: BoundRule = { from: silent, counts: silent };
  const run = (states: Record<string, object>, more: Partial<BoundRule> = {}): Bound =>
    longestRun(machineOf(states), { ms: 7 }, { ...rule, ...more });
  const s = (limit: string, target: string, more: object = {}) => ({
    tags: 'silent',
    after: { [limit]: target },
    ...more,
  });

  test('goes on as long as its states count', () => {
    expect(run({ a: s('ten', 'b'), b: s('one', 'c'), c: { after: { hundred: 'end' } } })).toEqual({
      ms: 11,
      path: ['m.a', 'm.b'],
      costs: [10, 1],
    });
    expect(run({ a: { after: { ten: 'end' } } })).toEqual({ ms: 0, path: [], costs: [] });
  });
  test('begins where it may, and is the longest of all', () => {
    const states = { a: s('ten', 'b'), b: { after: { one: 'c' } }, c: s('hundred', 'end') };
    expect(run(states).ms).toBe(100);
    expect(run(states, { from: ({ id }) => id === 'm.a' }).ms).toBe(10);
  });
  test('is broken by a state that begins a new one', () => {
    const states = { a: s('ten', 'b'), b: s('one', 'end', { tags: ['silent', 'fresh'] }) };
    expect(run(states).ms).toBe(11);
    expect(run(states, { breaks: (node) => hasTag(node, 'fresh') }).ms).toBe(10);
  });
  test('pays nothing where it is free', () => {
    expect(
      run({ a: s('ten', 'b'), b: s('hundred', 'c'), c: s('one', 'end') }, { isFree: ({ id }) => id === 'm.b' }).ms,
    ).toBe(11);
  });
  test('takes a known answer for a guard', () => {
    const branches = [{ guard: 'perhaps', target: 'end' }, { target: 'b' }];
    const states = { a: s('ten', 'end', { on: { e: branches } }), b: s('hundred', 'end') };
    expect(run(states).ms).toBe(110);
    expect(run(states, { from: ({ id }) => id === 'm.a', given: { perhaps: true } }).ms).toBe(10);
    expect(run(states, { from: ({ id }) => id === 'm.a', given: { perhaps: false } }).ms).toBe(110);
  });
  test('may end in something else at every step', () => {
    const states = { a: s('ten', 'b'), b: s('one', 'end') };
    const tail = ({ id }: { id: string }): Bound => prepend('dead', id === 'm.a' ? 5 : 50);
    expect(run(states, { tail })).toEqual({ ms: 61, path: ['m.a', 'm.b', 'dead'], costs: [10, 1, 50] });
    expect(run(states, { tail: () => prepend('dead', 0) }).path).toEqual(['m.a', 'm.b']);
  });
  test('goes on into the regions that count, each by itself', () => {
    const region = (limit: string) => ({ initial: 'x', states: { x: s(limit, '#m.end') } });
    const states = {
      a: s('one', 'b'),
      b: { type: 'parallel', states: { quick: region('ten'), slow: region('hundred') } },
    };
    expect(run(states).ms).toBe(101);
    expect(bounds(machineOf(states), {}).get('m.a')?.ms).toBe(11);
  });
  test('takes a state with a deadline and all its parts as one, if it counts as a whole', () => {
    const circle = { x: { on: { e: 'y' } }, y: { on: { e: 'x' } } };
    expect(run({ a: s('ten', 'end', { initial: 'x', states: circle }) }).ms).toBe(10);
    const partly = { x: s('one', 'y'), y: { after: { one: 'x' } } };
    expect(run({ a: { after: { ten: 'end' }, initial: 'x', states: partly } }).ms).toBe(1);
  });
  test('is refused when it goes in a circle', () => {
    expect(() => run({ a: s('ten', 'b'), b: s('ten', 'a') })).toThrow(/cycle without a timer around it: a → b → a/);
  });
});

test('the worst of several is the first of the longest, and of none it is nothing', () => {
  const [short, long, same] = [prepend('short', 1), prepend('long', 2), prepend('same', 2)];
  expect(worstOf([short, long, same])).toBe(long);
  expect(worstOf([])).toEqual({ ms: 0, path: [], costs: [] });
  expect(prepend('first', 3, long)).toEqual({ ms: 5, path: ['first', 'long'], costs: [3, 2] });
});
