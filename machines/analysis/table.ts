/** Every transition of a machine as a Markdown table. Pure; drawn from the machine, so it cannot disagree with it. */
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { everyNode } from './chart.ts';
import { effectName, transitionShapes, type TransitionShape } from './shape.ts';

/** Pure. Where a state is, below its machine: `live.conversing.dialogue`. */
export const placeOf = (node: AnyStateNode): string => node.path.join('.') || 'anywhere';

/** Pure. What a state asks for, and what limits it: `speak within rungMs`. */
export function effectOf(node: AnyStateNode): string {
  const effects = node.invoke.map(({ src }) => effectName(src)).join(', ');
  const deadlines = [...new Set(node.after.map(({ delay }) => String(delay)))].join(', ');
  if (effects && deadlines) return `${effects} within ${deadlines}`;
  return effects || (deadlines && `at most ${deadlines}`);
}

/** Pure. What a transition does besides going on: `recordEnd idle`. */
export const actionsOf = ({ actions }: TransitionShape): string =>
  actions
    .map((action) => {
      if (typeof action === 'string') return action;
      const { type, params } = action as { type?: string; params?: unknown };
      const { reason } = (typeof params === 'object' ? params : {}) as { reason?: string };
      return [type ?? 'unnamed', reason].filter(Boolean).join(' ');
    })
    .join(', ');

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

/** Pure. One row for each transition; what belongs to a state stands in its first row. */
export function transitionTable(machine: AnyStateMachine): string {
  const placeById = new Map(everyNode(machine.root).map((node) => [node.id, placeOf(node)]));
  const rows = everyNode(machine.root).flatMap((node) => {
    const transitions = transitionShapes(node);
    const own = [`\`${placeOf(node)}\``, node.description ?? '', node.tags.join(' '), effectOf(node)];
    if (transitions.length === 0) return [[...own, '', '', '', '']];
    return transitions.map((transition, index) => [
      ...(index === 0 ? own : ['', '', '', '']),
      transition.trigger,
      transition.guard ?? '',
      transition.target.map((id) => `\`${placeById.get(id) ?? id}\``).join(' ') + (transition.reenter ? ' anew' : ''),
      actionsOf(transition),
    ]);
  });
  const header = ['state', 'what it is', 'tags', 'effect and deadline', 'event', 'guard', 'target', 'action'];
  const lines = [header, header.map(() => '---'), ...rows];
  return lines.map((row) => `| ${row.map(cell).join(' | ')} |\n`).join('');
}
