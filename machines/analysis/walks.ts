/**
 * The longest ways through a machine. Pure.
 *
 *   B2  Every transition counts, not only timers: a promise may settle one millisecond before its deadline and then
 *       take the longer way. So it is a longest path, and every step costs its whole deadline.
 */
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { chartOf, children, entered, everyNode, isWithin, outward, type Chart, type Transition } from './chart.ts';

/** How long it takes at most, by which states, and what each of them costs of it. */
export type Bound = { ms: number; path: string[]; costs: number[] };
const nothing: Bound = { ms: 0, path: [], costs: [] };
export const worstOf = (bounds: Bound[]): Bound => bounds.reduce((a, b) => (b.ms > a.ms ? b : a), nothing);
/** A step, and what comes after it. */
export const prepend = (state: string, ms: number, rest: Bound = nothing): Bound => ({
  ms: ms + rest.ms,
  path: [state, ...rest.path],
  costs: [ms, ...rest.costs],
});
/** One way after the other. */
export const inTurn = (first: Bound, rest: Bound): Bound => ({
  ms: first.ms + rest.ms,
  path: [...first.path, ...rest.path],
  costs: [...first.costs, ...rest.costs],
});

/** A transition that stays in the step but enters it anew starts its timer again: that is a cycle, not a rest. */
const rearms = ({ source, reenter }: Transition, target: AnyStateNode, step: AnyStateNode): boolean =>
  !isWithin(source, step) || (target === step && (reenter || source !== step));

/**
 * B2: wherever a step can go next, from any leaf of it. An inner handler hides an outer one for the same event, the
 * regions beside it can end it too, and a guard counts as either answer unless it is `stateIn`, made of such, or `given`.
 */
const exitsOf = (chart: Chart, step: AnyStateNode, given: Record<string, boolean> = {}): AnyStateNode[] => {
  type Guard = { name?: string; stateValue?: unknown; guards?: unknown[] };
  const { machine } = chart;
  const targets: AnyStateNode[] = [];
  const add = (transition: Transition) => {
    for (const target of (transition.target ?? []) as AnyStateNode[])
      if (!isWithin(target, step) || rearms(transition, target, step)) targets.push(target);
  };
  /** What a guard says at `leaf`, or undefined when it depends on more than the place. */
  const answerOf = (guard: unknown, leaf: AnyStateNode): boolean | undefined => {
    if (guard === undefined) return true;
    if (typeof guard === 'string')
      return given[guard] ?? answerOf(machine.implementations.guards[guard] ?? (() => undefined), leaf);
    const { name, stateValue, guards } = guard as Guard;
    if (guards) {
      const answers = guards.map((each) => answerOf(each, leaf));
      const [decides, otherwise] = name === 'or' ? [true, false] : [false, true];
      if (name === 'not') return answers[0] === undefined ? undefined : !answers[0];
      return answers.includes(decides)
        ? decides
        : answers.every((answer) => answer === otherwise)
          ? otherwise
          : undefined;
    }
    if (typeof stateValue !== 'string' || !stateValue.startsWith('#')) return undefined;
    const place = machine.getStateNodeById(stateValue.slice(1));
    if (isWithin(leaf, place)) return true;
    const meeting = outward(leaf).find((up) => isWithin(place, up));
    return meeting?.type === 'parallel' ? undefined : false; // beside it, or elsewhere
  };
  /** Calls `take` for each branch that may be taken at `leaf`; true when one of them certainly is. */
  const enabled = (branches: readonly Transition[], leaf: AnyStateNode, take: (t: Transition) => void): boolean => {
    for (const branch of branches) {
      const answer = answerOf(branch.guard, leaf);
      if (answer === false) continue;
      take(branch);
      if (answer === true) return true;
    }
    return false;
  };

  for (const leaf of everyNode(step).filter(({ type }) => type === 'atomic')) {
    const taken = new Set<string>(); // events that are certainly handled further in
    for (const node of outward(leaf)) {
      for (const [event, branches] of node.transitions)
        if (!taken.has(event) && enabled(branches, leaf, add)) taken.add(event);
      if (node.always) enabled(node.always, leaf, add);
      const { parent } = node;
      if (parent?.type !== 'parallel') continue;
      for (const beside of children(parent)
        .filter((child) => child !== node)
        .flatMap(everyNode))
        for (const branches of beside.transitions.values())
          enabled(branches, leaf, (transition) => {
            if (transition.target?.some((to: AnyStateNode) => !isWithin(to, parent))) add(transition);
          });
    }
  }
  return targets;
};

/** Longest path over steps; a cycle is refused. */
const longestPath = (
  chart: Chart,
  rule: {
    costMs: (step: AnyStateNode) => number;
    next: (step: AnyStateNode) => AnyStateNode[]; // steps
    tail?: (step: AnyStateNode) => Bound; // what may happen instead of the next step
  },
) => {
  const found = new Map<AnyStateNode, Bound>();
  const longest = (step: AnyStateNode, way: AnyStateNode[]): Bound => {
    const known = found.get(step);
    if (known) return known;
    if (step.type === 'final') return prepend(step.id, 0);
    if (way.includes(step)) {
      const names = [...way.slice(way.indexOf(step)), step].map(({ key }) => key);
      chart.problem(step, `on a cycle without a timer around it: ${names.join(' → ')}`);
      return prepend(step.id, Infinity);
    }
    const costMs = rule.costMs(step);
    if (costMs === Infinity) chart.problem(step, 'no unguarded `after` leads out of it');
    const ways = rule.next(step).map((next) => longest(next, [...way, step]));
    const worst = worstOf(rule.tail ? [...ways, rule.tail(step)] : ways);
    const bound = prepend(step.id, costMs, worst);
    found.set(step, bound);
    return bound;
  };
  return longest;
};

/** Pure. @returns for each state of `machine`, the bound and the longest way itself. */
export function bounds(machine: AnyStateMachine, context: unknown): Map<string, Bound> {
  const chart = chartOf(machine, context);
  /** The step that a node belongs to: the outermost ancestor that is parallel or timed (a whole), else its own leaf. */
  const stepOf = (node: AnyStateNode): AnyStateNode =>
    outward(node).reduce((step, up) => (up.type === 'parallel' || chart.ownOf(up) < Infinity ? up : step), node);
  const next = (step: AnyStateNode): AnyStateNode[] => [
    ...new Set(
      exitsOf(chart, step)
        .flatMap((target) => entered(target, false))
        .map(stepOf),
    ),
  ];
  const longest = longestPath(chart, { costMs: chart.lasts, next });

  const result = new Map<string, Bound>();
  for (const node of everyNode(machine.root).slice(1))
    result.set(node.id, worstOf(entered(node, false).map((leaf) => longest(stepOf(leaf), []))));
  chart.refuse();
  return result;
}

/** Pure. The longest way from `state` (an id such as `session.live.connecting` or `hangingUp`) to the end. */
export function boundOf(machine: AnyStateMachine, context: unknown, state: string): Bound {
  const all = bounds(machine, context);
  const found = all.get(state);
  if (!found) throw new Error(`unknown state "${state}"; expected one of ${[...all.keys()].join(', ')}`);
  return found;
}

export type BoundRule = {
  from: (node: AnyStateNode) => boolean; // leaves where a run may begin
  counts: (node: AnyStateNode) => boolean; // it goes on while this holds
  isFree?: (node: AnyStateNode) => boolean; // counts, and costs nothing
  breaks?: (node: AnyStateNode) => boolean; // entering it begins a new run
  given?: Record<string, boolean>; // guards whose answer is known
  tail?: (step: AnyStateNode) => Bound;
};

/** Pure. The longest run of steps that count. */
export function longestRun(machine: AnyStateMachine, context: unknown, rule: BoundRule): Bound {
  const chart = chartOf(machine, context);
  const stepOf = (leaf: AnyStateNode): AnyStateNode =>
    outward(leaf).reduce((step, up) => (chart.ownOf(up) < Infinity && rule.counts(up) ? up : step), leaf);

  const next = (step: AnyStateNode): AnyStateNode[] => [
    ...new Set(
      exitsOf(chart, step, rule.given)
        .flatMap((target) => entered(target, true))
        .filter((leaf) => rule.counts(leaf) && !rule.breaks?.(leaf))
        .map(stepOf),
    ),
  ];

  const longest = longestPath(chart, {
    costMs: (step) => (rule.isFree?.(step) ? 0 : chart.lasts(step)),
    next,
    ...(rule.tail && { tail: rule.tail }),
  });
  const begins = everyNode(machine.root).filter((node) => node.type === 'atomic' && rule.from(node));
  const worst = worstOf(begins.map((leaf) => longest(stepOf(leaf), [])));
  chart.refuse();
  return worst;
}
