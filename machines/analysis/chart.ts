/**
 * A machine as the walks read it: its nodes, how long each can last, and what is wrong with its deadlines. Pure, no
 * actor is started, no number is written here.
 *
 *   B1  A step is everything that has its own way out: a leaf, or a whole subtree that an unguarded `after` above it
 *       (or a region of it) must leave. Inside such a subtree cycles are allowed, for its timer ends them.
 *   B3  A cycle outside a timed subtree, a step without a deadline, an effect that no deadline covers, an unknown or
 *       bad delay, a state of an ending that is neither silent, audible nor released: refused, by name.
 */
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { MAX_TIMER_MS } from '../policy.ts';

export type BoundProblem = { state: string; problem: string };

export class UnboundedMachineError extends Error {
  override name = 'UnboundedMachineError';
  readonly problems: BoundProblem[];
  constructor(problems: BoundProblem[]) {
    super(problems.map(({ state, problem }) => `${state}: ${problem}`).join('\n'));
    this.problems = problems;
  }
}

export const isWithin = (node: AnyStateNode, ancestor: AnyStateNode): boolean =>
  node === ancestor || (node.parent !== undefined && isWithin(node.parent, ancestor));
export const children = (node: AnyStateNode): AnyStateNode[] => Object.values(node.states);
export const everyNode = (node: AnyStateNode): AnyStateNode[] => [node, ...children(node).flatMap(everyNode)];
export const outward = (node: AnyStateNode): AnyStateNode[] => [node, ...(node.parent ? outward(node.parent) : [])];
export const hasTag = (node: AnyStateNode, tag: string): boolean =>
  outward(node).some(({ tags }) => tags.includes(tag));
/** Where one rests after entering `node`; a parallel state is one place for bounds(), its regions for a run. */
export const entered = (node: AnyStateNode, intoRegions: boolean): AnyStateNode[] =>
  node.type === 'compound'
    ? node.initial.target.flatMap((target) => entered(target, intoRegions))
    : node.type === 'parallel' && intoRegions
      ? children(node).flatMap((child) => entered(child, intoRegions))
      : [node];
export const transitionsOf = (node: AnyStateNode) => [...[...node.transitions.values()].flat(), ...(node.always ?? [])];
export type Transition = ReturnType<typeof transitionsOf>[number];

/** Pure. What both kinds of walk need: how long each state lasts, and what is wrong with the deadlines. */
export const chartOf = (machine: AnyStateMachine, context: unknown) => {
  const problems: BoundProblem[] = [];
  const problem = (node: AnyStateNode, text: string) => problems.push({ state: node.id, problem: text });

  /** The delays of a node in milliseconds, each checked (B3). */
  const delayMs = (node: AnyStateNode, delay: unknown): number => {
    const expression = typeof delay === 'string' ? machine.implementations.delays[delay] : delay;
    const ms: unknown =
      typeof expression === 'function' ? expression({ context, event: { type: 'bound' } }, undefined) : expression;
    if (typeof ms === 'number' && ms > 0 && ms <= MAX_TIMER_MS) return ms;
    problem(node, `delay "${String(delay)}" is ${String(ms)}; expected a number of milliseconds, 0 < n < 2^31`);
    return Infinity;
  };

  /** How long `node` can last by its own timers: an unguarded `after` whose target lies outside of it. */
  const own = new Map<AnyStateNode, number>();
  const ownOf = (node: AnyStateNode): number => own.get(node) ?? Infinity;
  for (const node of everyNode(machine.root)) {
    const leads = ({ target, reenter }: Transition) =>
      target?.some((to: AnyStateNode) => !isWithin(to, node) || (to === node && reenter)) ?? false;
    const leadsOut = (branches: readonly Transition[]) => {
      const last = branches.findIndex(({ guard }) => guard === undefined);
      return last >= 0 && branches.slice(0, last + 1).every(leads); // every branch that may be taken leads out
    };
    const exits = [...new Set(node.after.map(({ delay }) => delay))].map((delay) => {
      const ms = delayMs(node, delay);
      return leadsOut(node.after.filter((transition) => transition.delay === delay)) ? ms : Infinity;
    });
    own.set(node, leadsOut(node.always ?? []) ? 0 : Math.min(Infinity, ...exits));
  }
  for (const node of everyNode(machine.root)) {
    if (
      node.invoke.length > 0 &&
      outward(node).every((up) => ownOf(up) === Infinity && !isCovered(up)) &&
      !isSplit(node)
    )
      problem(node, 'invokes an effect and no `after` covers it');
    if (
      node.type === 'atomic' &&
      hasTag(node, 'leaving') &&
      !(['silent', 'audible', 'released'] as const).some((tag) => hasTag(node, tag))
    )
      problem(node, 'is part of an ending, and neither silent nor audible nor released');
  }
  /** By a region beside it, each place of which has a timer that leads out of the whole. */
  function isCovered(whole: AnyStateNode): boolean {
    const leadsOut = ({ after }: AnyStateNode) =>
      after.some(({ target }) => target?.some((to: AnyStateNode) => !isWithin(to, whole)));
    return (
      whole.type === 'parallel' &&
      children(whole).some((region) =>
        everyNode(region).every((leaf) => leaf.type !== 'atomic' || (ownOf(leaf) < Infinity && leadsOut(leaf))),
      )
    );
  }
  /** A line: the effect of the parent is covered by the deadline of each child. */
  function isSplit(node: AnyStateNode): boolean {
    return node.type === 'compound' && children(node).every((child) => ownOf(child) < Infinity);
  }

  /** B1: a parallel state is as short as its shortest region. */
  const lasts = (node: AnyStateNode): number => {
    const inner =
      node.type === 'parallel'
        ? Math.min(...children(node).map(lasts))
        : node.type === 'compound'
          ? longestInside(node)
          : Infinity;
    return Math.min(ownOf(node), inner);
  };
  /** Longest walk among the children of a compound state, each child once; Infinity when they form a cycle. */
  const longestInside = (node: AnyStateNode): number => {
    const childOf = (target: AnyStateNode) => children(node).find((child) => isWithin(target, child));
    const walk = (child: AnyStateNode, seen: AnyStateNode[]): number => {
      if (seen.includes(child)) return Infinity;
      if (child.type === 'final') return node.transitions.has(`xstate.done.state.${node.id}`) ? 0 : Infinity;
      const next = everyNode(child)
        .flatMap(transitionsOf)
        .flatMap(({ target }) => target ?? [])
        .map(childOf)
        .filter((target) => target !== undefined && target !== child) as AnyStateNode[];
      return lasts(child) + Math.max(0, ...next.map((target) => walk(target, [...seen, child])));
    };
    return Math.max(...children(node).map((child) => walk(child, [])));
  };

  const refuse = () => {
    if (problems.length > 0) throw new UnboundedMachineError(problems);
  };
  return { machine, ownOf, lasts, problem, refuse };
};
export type Chart = ReturnType<typeof chartOf>;
