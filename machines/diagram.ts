/**
 * A machine as a picture: Mermaid for pages that render it, DOT for the SVG. Pure; drawn from the machine.
 *
 * Forty edges into `hangingUp` are no picture. So DOT draws an edge with its label only between neighbours (states of
 * one parent); a way that leads further away is a line in the box it starts from, and one grey edge between the
 * outermost states says that such ways exist.
 */
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { children, entered, everyNode, outward } from './chart.ts';
import { transitionShapes, type TransitionShape } from './shape.ts';
import { effectOf } from './table.ts';

export { transitionTable } from './table.ts';

const labelOf = ({ trigger, guard }: TransitionShape): string => (guard ? `${trigger} [${guard}]` : trigger);
const nodesById = (machine: AnyStateMachine) => new Map(everyNode(machine.root).map((node) => [node.id, node]));
const nameOf = (node: AnyStateNode): string =>
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
        `${indent}state "${[nameOf(node), effectOf(node)].filter(Boolean).join('<br/>')}" as ${identifierOf(node)}`,
      );
      return;
    }
    lines.push(`${indent}state "${nameOf(node)}" as ${identifierOf(node)} {`);
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
const small = (text: string, colour: string): string =>
  `<tr><td align="left"><font point-size="9" color="${colour}">${escaped(text)}</font></td></tr>`;

/** The outermost state around a node, below the root: where a grey edge starts. */
const outermost = (node: AnyStateNode): AnyStateNode => (node.parent?.parent ? outermost(node.parent) : node);

/** Pure. Text of a Graphviz digraph; the id of each box is the path of its state, joined by underscores. */
export function toDot(machine: AnyStateMachine): string {
  const byId = nodesById(machine);
  const lines = [
    `digraph ${quoted(machine.id)} {`,
    '  compound=true; rankdir=TB; newrank=true; nodesep=0.35; ranksep=0.5; fontname="Helvetica"; fontsize=13;',
    '  node [shape=box, style="rounded,filled", fontname="Helvetica", fontsize=12, margin="0.08,0.04", color="#5b6470"];',
    '  edge [fontname="Helvetica", fontsize=9, color="#39424e", fontcolor="#39424e", arrowsize=0.7];',
    '  start [shape=point, width=0.15, label="", color="#39424e"];',
  ];
  const isDrawn = (node: AnyStateNode, to: AnyStateNode): boolean => node !== to && node.parent === to.parent;

  const rowsOf = (node: AnyStateNode): string[] => {
    const away = new Map<string, string[]>();
    const stays: string[] = [];
    for (const transition of transitionShapes(node)) {
      const targets = transition.target.flatMap((id) => byId.get(id) ?? []);
      if (targets.length === 0) stays.push(labelOf(transition));
      for (const to of targets) {
        if (isDrawn(node, to)) continue;
        const name = to === node ? '↻' : `→ ${to.key === 'live' || to.key === 'bundled' ? to.id : to.key}`;
        away.set(name, [...(away.get(name) ?? []), labelOf(transition)]);
      }
    }
    const leaving = [...away].flatMap(([name, texts]) =>
      [...new Set(texts)].map((text) => small(`${text} ${name}`, '#8a3b12')),
    );
    return [...leaving, ...[...new Set(stays)].map((text) => small(`${text}: stays`, '#5b6470'))];
  };
  const tableOf = (node: AnyStateNode): string => {
    const effect = effectOf(node);
    const rows = [
      `<tr><td align="left"><b>${escaped(nameOf(node))}</b></td></tr>`,
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
  const grey = new Set<string>();
  for (const node of everyNode(machine.root).slice(1)) {
    const labels = new Map<AnyStateNode, string[]>();
    for (const transition of transitionShapes(node))
      for (const to of transition.target.flatMap((id) => byId.get(id) ?? [])) {
        if (isDrawn(node, to)) labels.set(to, [...(labels.get(to) ?? []), labelOf(transition)]);
        const [from, into] = [outermost(node), outermost(to)];
        const pair = `${from.id} ${into.id}`;
        if (from === into || isDrawn(node, to) || grey.has(pair)) continue;
        grey.add(pair);
        edge(from, into, ['color="#b8bec6"', 'penwidth=2']);
      }
    for (const [to, texts] of labels)
      edge(node, to, [`label=${quoted([...new Set(texts)].join('\\n')).replaceAll('\\\\n', '\\n')}`]);
  }
  lines.push('}');
  return `${lines.join('\n')}\n`;
}
