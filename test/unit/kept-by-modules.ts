/**
 * What a module keeps for as long as its process lives, found in its syntax tree: what stands at its top and changes
 * after it was loaded. Two calls in one process would share it.
 *
 *   K1  `let` and `var`; static fields that are not readonly.
 *   K2  An object that can hold state whatever is done with it: `new` of anything but values (URL, a RegExp, …), and what
 *       is opened. A Set or a Map may stand there as ReadonlySet or ReadonlyMap.
 *   K3  A list or an object that is changed inside of a function, here or in a file that imports it.
 *   K4  Whatever is hung on `globalThis`.
 *
 * A method of a package's class that is replaced (`SomeClass.prototype.run = …`) is no state of a module: what the new one
 * knows is in its own closure, which is a call's.
 */
import { parseSync, Visitor } from 'oxc-parser';

type Node = { type: string; start: number; [field: string]: unknown };
export type Kept = { name: string; why: string };

/** They do not change once they are made, or while the module is loaded at most. */
const values = new Set(['URL', 'RegExp', 'Error', 'TextEncoder', 'TextDecoder', 'BlockList', 'Promise']);
const readOnly = /^Readonly(Set|Map|Array)$/;
const opens = /^(open|create|make|start|connect)[A-Z]/;
const changes = new Set(
  'push pop shift unshift splice sort reverse fill copyWithin set add delete clear append assign'.split(' '),
);

export function keptBy(file: string, text: string): Kept[] {
  const { program, errors } = parseSync(file, text);
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]?.message}`);
  const kept: Kept[] = [];
  const held = new Set<string>();
  for (const statement of program.body as unknown as Node[]) {
    const inner = (statement['declaration'] ?? statement) as Node;
    if (inner.type === 'ImportDeclaration')
      for (const { local } of inner['specifiers'] as { local: { name: string } }[]) held.add(local.name);
    if (inner.type !== 'VariableDeclaration') continue;
    for (const { id, init } of inner['declarations'] as { id: Node; init: Node | null }[]) {
      const name = text.slice(id.start, (id['end'] as number) ?? id.start).split(':')[0] as string;
      if (inner['kind'] !== 'const') kept.push({ name, why: `${inner['kind'] as string} (K1)` });
      else if (init) {
        held.add(name);
        const why = stateIn(bare(init), typeOf(id));
        if (why !== undefined) kept.push({ name, why });
      }
    }
  }
  changedIn(program as never, held, (name, why) => kept.push({ name, why }));
  return kept;
}

/** Without `as`, `satisfies`, `!` and brackets. */
const bare = (node: Node): Node =>
  [
    'TSAsExpression',
    'TSSatisfiesExpression',
    'TSNonNullExpression',
    'ParenthesizedExpression',
    'AwaitExpression',
  ].includes(node.type)
    ? bare((node['expression'] ?? node['argument']) as Node)
    : node;

const nameOf = (node: unknown): string => {
  const { name, property } = (node ?? {}) as { name?: string; property?: unknown };
  return name ?? (property === undefined ? '' : nameOf(property));
};

const typeOf = (id: Node): string => {
  const annotation = id['typeAnnotation'] as { typeAnnotation?: { typeName?: unknown } } | null | undefined;
  return nameOf(annotation?.typeAnnotation?.typeName);
};

/** K2. */
function stateIn(init: Node, type: string): string | undefined {
  const name = nameOf(init['callee']);
  if (init.type === 'NewExpression' && !values.has(name) && !readOnly.test(type)) return `new ${name} (K2)`;
  if (init.type !== 'CallExpression') return undefined;
  const callee = bare(init['callee'] as Node);
  if (/Function/.test(callee.type)) return 'a function that is called at once (K2)';
  return opens.test(name) ? `${name}() (K2)` : undefined;
}

/** The name at the root of `a.b[c]`. */
const rootOf = (node: Node): string => {
  const inner = bare(node);
  return inner.type === 'MemberExpression' ? rootOf(inner['object'] as Node) : nameOf(inner);
};

const isOfPrototype = ({ object }: Node): boolean => nameOf(bare(object as Node)) === 'prototype';

function changedIn(program: never, held: ReadonlySet<string>, found: (name: string, why: string) => void): void {
  let depth = 0;
  const enter = () => void (depth += 1);
  const leave = () => void (depth -= 1);
  const assigned = (target: Node) => {
    const inner = bare(target);
    if (inner.type !== 'MemberExpression') return;
    const name = rootOf(inner);
    if (name === 'globalThis') found(name, 'is written to (K4)');
    else if (depth > 0 && held.has(name) && !isOfPrototype(inner)) found(name, 'a field of it is written (K3)');
  };
  new Visitor({
    FunctionDeclaration: enter,
    'FunctionDeclaration:exit': leave,
    FunctionExpression: enter,
    'FunctionExpression:exit': leave,
    ArrowFunctionExpression: enter,
    'ArrowFunctionExpression:exit': leave,
    AssignmentExpression: (node) => assigned(node.left as never),
    UpdateExpression: (node) => assigned(node.argument as never),
    UnaryExpression: (node) => {
      if (node.operator === 'delete') assigned(node.argument as never);
    },
    PropertyDefinition: (node) => {
      if (node.static && !node.readonly) found(nameOf(node.key), 'a static field (K1)');
    },
    CallExpression: (node) => {
      const callee = bare(node.callee as never);
      if (depth === 0 || callee.type !== 'MemberExpression' || !changes.has(nameOf(callee['property']))) return;
      const of = bare(callee['object'] as Node);
      const target = nameOf(of) === 'Object' ? bare((node.arguments[0] ?? of) as never) : of;
      if (target.type === 'Identifier' && held.has(nameOf(target)))
        found(nameOf(target), `.${nameOf(callee['property'])}() (K3)`);
    },
  }).visit(program);
}
