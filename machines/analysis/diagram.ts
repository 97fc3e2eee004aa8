/**
 * A machine as a picture: Mermaid for pages that render it, DOT for the SVG. Pure; drawn from the machine.
 *
 * Forty edges into `hangingUp` are no picture. So DOT draws an edge with its label only between neighbours (states of
 * one parent); a way that leads further away is a line in the box it starts from, and one grey edge between the
 * two neighbours on that way says that such ways exist.
 */
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { children, entered, everyNode, outward } from './chart.ts';
import { effectName, transitionShapes, type TransitionShape } from './shape.ts';
import { effectOf } from './table.ts';

export { transitionTable } from './table.ts';

const labelOf = ({ trigger, guard }: TransitionShape): string => (guard ? `${trigger} [${guard}]` : trigger);
const nodesById = (machine: AnyStateMachine) => new Map(everyNode(machine.root).map((node) => [node.id, node]));
const titleOf = (node: AnyStateNode): string =>
  node.type === 'parallel' ? `${node.key} (all regions at once)` : node.key;
const identifierOf = (node: AnyStateNode): string => node.path.join('_') || 'machine';

/** Pure. Text of a Mermaid `stateDiagram-v2`; regions of a parallel state are boxes beside each other. */
export function toMermaid(machine: AnyStateMachine): string {
  const byId = nodesById(machine);
  const lines = ['stateDiagram-v2'];
  const draw = (node: AnyStateNode, indent: string): void => {
    const inner = `${indent}  `;
    if (node.type === 'atomic' || node.type === 'final') {
      lines.push(
        `${indent}state "${[titleOf(node), effectOf(node)].filter(Boolean).join('<br/>')}" as ${identifierOf(node)}`,
      );
      return;
    }
    lines.push(`${indent}state "${titleOf(node)}" as ${identifierOf(node)} {`);
    if (node.type === 'compound')
      for (const first of node.initial.target) lines.push(`${inner}[*] --> ${identifierOf(first)}`);
    for (const child of children(node)) draw(child, inner);
    lines.push(`${indent}}`);
  };
  for (const first of machine.root.initial.target) lines.push(`  [*] --> ${identifierOf(first)}`);
  for (const child of children(machine.root)) draw(child, '  ');
  for (const node of everyNode(machine.root).slice(1)) {
    const labels = new Map<string, string[]>();
    for (const transition of transitionShapes(node))
      for (const id of transition.target) {
        const to = byId.get(id);
        if (!to) continue;
        const target = identifierOf(to);
        labels.set(target, [...(labels.get(target) ?? []), labelOf(transition)]);
      }
    for (const [target, texts] of labels)
      lines.push(`  ${identifierOf(node)} --> ${target}: ${[...new Set(texts)].join('<br/>').replaceAll('#', '')}`);
    if (node.type === 'final') lines.push(`  ${identifierOf(node)} --> [*]`);
  }
  return `${lines.join('\n')}\n`;
}

// ── DOT ──────────────────────────────────────────────────────────────────────────────────────────────────────────

const colours = { silent: '#fff3d6', audible: '#dff3e3', released: '#e4ecf7', plain: '#ffffff' };
const colourOf = (node: AnyStateNode): string => {
  const tags = outward(node).flatMap((up) => [...up.tags]);
  const known = (['silent', 'audible', 'released'] as const).find((tag) => tags.includes(tag));
  return colours[known ?? 'plain'];
};
const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
const quoted = (text: string): string => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
/** Who looks at it may have a wider font than Graphviz reckons with. */
const room = (text: string): string => '&#160;'.repeat(Math.ceil(text.length / 5));
const small = (text: string, colour: string): string =>
  `<tr><td align="left"><font point-size="9" color="${colour}">${escaped(text)}${room(text)}</font></td></tr>`;

/** Two rungs are called `live` and two `bundled`: these by their ids. */
const farName = (node: AnyStateNode): string => (node.key === 'live' || node.key === 'bundled' ? node.id : node.key);
/** The box names its effect and its deadline already. */
const wordsOf = (node: AnyStateNode, trigger: string): string => {
  const effect = node.invoke[0] && effectName(node.invoke[0].src);
  if (effect === undefined) return trigger;
  return trigger.replace(`${effect} `, '').replace(/^after .+/, 'late');
};
/** The two neighbours between which a far transition leads: one holds the source, the other the target. */
const neighboursOf = (from: AnyStateNode, to: AnyStateNode): [AnyStateNode, AnyStateNode] | undefined => {
  const ups = outward(to);
  const source = outward(from).find(({ parent }) => parent !== undefined && ups.includes(parent));
  const target = ups.find(({ parent }) => parent === source?.parent);
  return source && target && source !== target ? [source, target] : undefined;
};

/** Pure. Text of a Graphviz digraph; the id of each box is the path of its state, joined by underscores. */
export function toDot(machine: AnyStateMachine): string {
  const byId = nodesById(machine);
  const lines = [
    `digraph ${quoted(machine.id)} {`,
    '  compound=true; rankdir=TB; pad=0.3; newrank=true; nodesep=0.35; ranksep=0.5; fontname="Helvetica,Arial,sans-serif"; fontsize=13;',
    '  node [shape=box, style="rounded,filled", fontname="Helvetica,Arial,sans-serif", fontsize=12, margin="0.08,0.04", color="#5b6470"];',
    '  edge [fontname="Helvetica,Arial,sans-serif", fontsize=9, color="#39424e", fontcolor="#39424e", arrowsize=0.7];',
    '  start [shape=point, width=0.15, label="", color="#39424e"];',
  ];
  const isDrawn = (node: AnyStateNode, to: AnyStateNode): boolean => node !== to && node.parent === to.parent;

  const rowsOf = (node: AnyStateNode): string[] => {
    const triggers = new Map<string, string[]>(); // by what they lead to
    for (const transition of transitionShapes(node)) {
      const guard = transition.guard ? ` [${transition.guard}]` : '';
      const targets = transition.target.flatMap((id) => byId.get(id) ?? []);
      const wheres = targets.filter((to) => !isDrawn(node, to)).map((to) => (to === node ? '↻' : `→ ${farName(to)}`));
      for (const where of targets.length === 0 ? ['stays'] : wheres) {
        const consequence = `${guard} ${where}`;
        triggers.set(consequence, [...(triggers.get(consequence) ?? []), wordsOf(node, transition.trigger)]);
      }
    }
    return [...triggers].map(([consequence, words]) =>
      small(`${[...new Set(words)].join(', ')}${consequence}`, consequence.endsWith('stays') ? '#5b6470' : '#8a3b12'),
    );
  };
  const tableOf = (node: AnyStateNode): string => {
    const effect = effectOf(node);
    const rows = [
      `<tr><td align="left"><b>${escaped(titleOf(node))}</b>${room(titleOf(node))}</td></tr>`,
      ...(effect ? [small(effect, '#1f5fa8')] : []),
      ...rowsOf(node),
    ];
    return `<<table border="0" cellborder="0" cellspacing="0" cellpadding="1">${rows.join('')}</table>>`;
  };
  const draw = (node: AnyStateNode, indent: string): void => {
    const name = quoted(identifierOf(node));
    if (node.type === 'atomic' || node.type === 'final') {
      const border = node.type === 'final' ? ', peripheries=2' : '';
      lines.push(`${indent}${name} [id=${name}, fillcolor="${colourOf(node)}"${border}, label=${tableOf(node)}];`);
      return;
    }
    lines.push(`${indent}subgraph ${quoted(`cluster_${identifierOf(node)}`)} {`);
    lines.push(
      `${indent}  id=${name}; style="rounded${node.parent?.type === 'parallel' ? ',dashed' : ''}"; color="#9aa3ad";`,
    );
    lines.push(`${indent}  labeljust=l; label=${tableOf(node)};`);
    for (const child of children(node)) draw(child, `${indent}  `);
    lines.push(`${indent}}`);
  };
  for (const child of children(machine.root)) draw(child, '  ');

  /** Graphviz joins boxes only: an edge of a cluster starts in its first box and is clipped at the cluster. */
  const firstBox = (node: AnyStateNode): AnyStateNode => entered(node, true)[0] ?? node;
  const edge = (from: AnyStateNode, to: AnyStateNode, more: string[]): void => {
    const attributes = [
      ...(children(from).length > 0 ? [`ltail=${quoted(`cluster_${identifierOf(from)}`)}`] : []),
      ...(children(to).length > 0 ? [`lhead=${quoted(`cluster_${identifierOf(to)}`)}`] : []),
      ...more,
    ];
    lines.push(
      `  ${quoted(identifierOf(firstBox(from)))} -> ${quoted(identifierOf(firstBox(to)))} [${attributes.join(', ')}];`,
    );
  };
  for (const first of machine.root.initial.target)
    lines.push(
      `  start -> ${quoted(identifierOf(firstBox(first)))} [lhead=${quoted(`cluster_${identifierOf(first)}`)}];`,
    );
  // Labelled edges first: where one exists, a grey one would say nothing.
  const drawn = new Set<string>();
  const nodes = everyNode(machine.root).slice(1);
  for (const node of nodes) {
    const labels = new Map<AnyStateNode, Map<string, string[]>>(); // by target, then by guard
    for (const transition of transitionShapes(node))
      for (const to of transition.target.flatMap((id) => byId.get(id) ?? [])) {
        if (!isDrawn(node, to)) continue;
        const guards = labels.get(to) ?? new Map<string, string[]>();
        const guard = transition.guard ? ` [${transition.guard}]` : '';
        guards.set(guard, [...(guards.get(guard) ?? []), wordsOf(node, transition.trigger)]);
        labels.set(to, guards);
      }
    for (const [to, guards] of labels) {
      drawn.add(`${node.id} ${to.id}`);
      const text = [...guards].map(([guard, words]) => `${[...new Set(words)].join(', ')}${guard}`);
      edge(node, to, [
        `label=<${text.map((each) => `  ${escaped(each)}${room(each)}`).join('<br align="left"/>')}<br align="left"/>>`,
      ]);
    }
  }
  for (const node of nodes)
    for (const transition of transitionShapes(node))
      for (const to of transition.target.flatMap((id) => byId.get(id) ?? [])) {
        const [from, into] = neighboursOf(node, to) ?? [];
        if (!from || !into || drawn.has(`${from.id} ${into.id}`)) continue;
        drawn.add(`${from.id} ${into.id}`);
        edge(from, into, ['color="#b8bec6"', 'penwidth=2']);
      }
  lines.push('}');
  return `${lines.join('\n')}\n`;
}
